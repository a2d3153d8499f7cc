"""URLs as they may be shown and kept: without user, password and token."""

import re
from urllib.parse import urlsplit, urlunsplit

TOKEN = re.compile(r"/t/[^/\s]+(?=/)")
"""How conda channels carry a token: https://docs.conda.io/projects/conda/en/stable/user-guide/concepts/channels.html."""
_USER = re.compile(r"(?<=://)[^/\s@]*@")


def without_credentials(url: str) -> str:
    """A channel's URL, or that of a file in it, without user, password, token, query and fragment."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, TOKEN.sub("", parts.path, count=1), "", ""))


def scrub(text: str) -> str:
    """A text of another program without what would be credentials in any of its URLs."""
    return TOKEN.sub("", _USER.sub("", text))
