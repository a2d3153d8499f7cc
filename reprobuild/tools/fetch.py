"""Reading and downloading by URL: `file:`, `http:` and `https:`."""

from typing import Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from reprobuild.ground.errors import ToolError


class MissingError(ToolError):
    """The place answered that there is no such thing (404, 410, no such file)."""


class Fetcher(Protocol):
    """Reads small documents from URLs."""

    def read(self, url: str, *, limit: int, accept: str = "*/*") -> tuple[bytes, str]:
        """The body, at most `limit` bytes, and its media type; MissingError, or ToolError for any other failure."""
        ...


def redact(url: str) -> str:
    """The URL without user name, password, query and fragment: what may be shown."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))


class HttpFetcher:
    """The real fetcher; keeps connections open, follows redirects, gives up on a stalled one after `timeout` s."""

    def __init__(self, *, verify: str | bool = True, timeout: float = 60) -> None:
        self._client = httpx.Client(verify=verify, timeout=timeout, follow_redirects=True)

    def read(self, url: str, *, limit: int, accept: str = "*/*") -> tuple[bytes, str]:
        """See `Fetcher.read`."""
        parts = urlsplit(url)
        if parts.scheme == "file":
            try:
                with open(unquote(parts.path), "rb") as stream:
                    return stream.read(limit), ""
            except FileNotFoundError as error:
                raise MissingError(f"{redact(url)}: not found") from error
        try:
            with self._client.stream("GET", url, headers={"accept": accept}) as answer:
                if answer.status_code in (404, 410):
                    raise MissingError(f"{redact(url)}: not found ({answer.status_code})")
                if answer.status_code != 200:
                    raise ToolError(f"{redact(url)}: answered {answer.status_code}")
                body = b""
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > limit:
                        raise ToolError(f"{redact(url)}: more than {limit} bytes")
                return body, answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        except httpx.HTTPError as error:
            raise ToolError(f"{redact(url)}: {error or type(error).__name__}") from error
