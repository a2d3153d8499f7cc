"""What a registry wants to hear after a 401: its challenges (RFC 9110, section 11), and the token server behind them.

The flow is that of the Distribution project (distribution, docs/spec/auth/token.md and oauth.md).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from reprobuild.ground.canonical import parse_json
from reprobuild.ground.errors import InputError, ToolError
from reprobuild.tools.fetch import read_raw, redact
from reprobuild.tools.logins import Login

MAX_ANSWER = 1 << 20
CLIENT = "reprobuild"
_SCHEME = re.compile(r"(?:^|,)\s*([A-Za-z][A-Za-z0-9-]*)(?:\s+(?=[A-Za-z0-9_-]+\s*=)|\s*(?=,|$))")
_PARAMETER = re.compile(r"""([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))""")


@dataclass(frozen=True)
class Challenge:
    """One way to log in: its scheme in lower case, and where a token comes from."""

    scheme: str
    realm: str = ""
    service: str = ""
    scope: str = ""


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """The challenges of `WWW-Authenticate`, in their order."""
    found = []
    for header in headers:
        text = header[:8192]
        # A comma may be part of a quoted value: quoted text is hidden while the schemes are looked for.
        hidden = re.sub(r'"(?:[^"\\]|\\.)*"', lambda quoted: '"' + "x" * (len(quoted[0]) - 2) + '"', text)
        starts = list(_SCHEME.finditer(hidden))
        ends = [*(start.start() for start in starts[1:]), len(text)]
        for start, end in zip(starts, ends, strict=False):
            values = {key.lower(): quoted or bare for key, quoted, bare in _PARAMETER.findall(text[start.end() : end])}
            known = {key: values.get(key, "") for key in ("realm", "service", "scope")}
            found.append(Challenge(start[1].lower(), **known))
    return found


def request_token(client: httpx.Client, challenge: Challenge, login: Login | None, registry: str) -> str:
    """A token from the server that a registry names, empty where that refuses; no redirect is followed with a login."""
    realm = challenge.realm
    if urlsplit(realm).scheme not in ("https", urlsplit(registry).scheme) or not urlsplit(realm).hostname:
        raise ToolError(f"{redact(registry)}: its logins are at {redact(realm)[:200]}, which is no safe place")
    wanted = {key: value for key, value in (("service", challenge.service), ("scope", challenge.scope)) if value}
    if login is not None and login.identity:
        form = {**wanted, "grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": login.identity}
        request = client.build_request("POST", realm, data=form)
        auth = None
    else:
        request = client.build_request("GET", httpx.URL(realm).copy_merge_params(wanted))
        auth = httpx.BasicAuth(login.user, login.password) if login else None
    answer = client.send(request, stream=True, auth=auth)
    try:
        if answer.status_code in (400, 401, 403):
            return ""
        if answer.status_code != 200:
            raise ToolError(f"{redact(realm)}: answered {answer.status_code}", hint="try again later")
        body = read_raw(answer, MAX_ANSWER)
    finally:
        answer.close()
    return _token(body, redact(realm))


def _token(body: bytes, subject: str) -> str:
    value = parse_json(body, subject)
    token = (value.get("token") or value.get("access_token")) if isinstance(value, dict) else None
    # It becomes part of a header: visible characters alone.
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]{1,65536}", token):
        raise InputError(f"{subject}: its answer holds no token")
    return token
