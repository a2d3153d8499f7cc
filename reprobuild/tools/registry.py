"""One repository of a registry over HTTP (OCI Distribution Specification 1.1): manifests, and blobs for `download`.

Redirects are followed here and not by the library, because a login must never leave the registry that it is for.
"""

import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import httpx

from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError, ToolError
from reprobuild.lock.oci_documents import INDEXES, MANIFESTS, MAX_DOCUMENT
from reprobuild.tools.fetch import ForbiddenError, MissingError, Page, read_raw, redact, start_of
from reprobuild.tools.logins import Login
from reprobuild.tools.registry_login import Challenge, parse_challenges, request_token

TRIES = 4
"""How often one thing is asked for at a registry that is busy (429) or unwell (500 to 504)."""
LONGEST_WAIT = 30.0
"""Seconds that a registry may ask to wait; one that wants more is told to the user, who may have a better idea."""
REDIRECTS = 5
UNWELL = (500, 502, 503, 504)
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Sent(NamedTuple):
    """A manifest's bytes, their media type as the registry tells it, and their digest."""

    data: bytes
    media: str
    sha256: str


def place_of(registry: str, configured: str = "") -> str:
    """A registry's root: what the user's settings say, else https, and plain http on this very machine alone."""
    if configured:
        return configured.rstrip("/")
    host = urlsplit(f"//{registry}").hostname or ""
    return f"{'http' if host in LOOPBACK else 'https'}://{registry}"


class Repository:
    """One repository at one place; it fetches, as `Fetcher` does, what lies below its own URL.

    `login` is asked for a host and a repository when that host asks; `wait` sleeps.
    """

    def __init__(
        self,
        place: str,
        name: str,
        client: httpx.Client,
        login: Callable[[str, str], Login | None] = lambda _registry, _repository: None,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        root = urlsplit(place)
        self.name, self._login, self._wait, self._client = name, login, wait, client
        self.registry = root.netloc
        prefix = root.path.strip("/")
        self.url = f"{root.scheme}://{root.netloc}/v2/{f'{prefix}/' if prefix else ''}{name}"
        self._authorization = ""

    def blob_url(self, sha256: str) -> str:
        """Where a blob is."""
        return f"{self.url}/blobs/sha256:{sha256}"

    def manifest(self, wanted: str, *, sha256: str = "") -> Sent:
        """The manifest or index of a tag, or of `sha256`, which its bytes then have."""
        subject = f"{self.registry}/{self.name}"
        name = f"sha256:{sha256}" if sha256 else wanted
        with self._answer(f"{self.url}/manifests/{name}", {"accept": ", ".join((*INDEXES, *MANIFESTS))}) as answer:
            data = read_raw(answer, MAX_DOCUMENT)
            media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            told = answer.headers.get("docker-content-digest", "")
        seen = sha256_bytes(data)
        if sha256 and seen != sha256:
            raise InputError(
                f"{subject}: asked for the manifest {sha256[:12]}, and its bytes have the digest {seen[:12]}",
                hint="the registry or something on the way to it is broken: try another place",
            )
        if told.startswith("sha256:") and told != f"sha256:{seen}":
            raise InputError(
                f"{subject}:{wanted}: the registry says {told[7:19]} and sends a manifest with the digest {seen[:12]}",
                hint="the registry or something on the way to it is broken: try another place",
            )
        return Sent(data, media, seen)

    def read(self, url: str, *, limit: int, accept: str = "*/*") -> Page:
        """See `Fetcher.read`."""
        with self._answer(url, {"accept": accept}) as answer:
            return Page(read_raw(answer, limit), answer.headers.get("content-type", ""), url)

    @contextmanager
    def stream(self, url: str, *, offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """See `Fetcher.stream`."""
        with self._answer(url, {"range": f"bytes={offset}-"} if offset else {}) as answer:
            if answer.status_code != 416:
                yield start_of(answer, offset), answer.iter_raw()
                return
        with self.stream(url, offset=0) as whole:  # the file there is shorter than what came so far
            yield whole

    @contextmanager
    def _answer(self, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        """A good answer; MissingError, ForbiddenError or ToolError for any other."""
        try:
            answer = self._patiently(url, {**headers, "accept-encoding": "identity"})
            try:
                self._require_good(answer, url, "range" in headers)
                yield answer
            finally:
                answer.close()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ToolError(
                f"{redact(url)}: {error or type(error).__name__}",
                hint=f"is {self.registry} the registry, and is it up? [registries] in your settings may name a mirror",
            ) from error

    def _patiently(self, url: str, headers: dict[str, str]) -> httpx.Response:
        for attempt in range(1, TRIES):
            answer = self._follow(url, headers)
            if answer.status_code == 429:
                pause = _retry_after(answer, attempt)
                if pause > LONGEST_WAIT:
                    return answer
            elif answer.status_code in UNWELL:
                pause = 0.5 * 2**attempt
            else:
                return answer
            answer.close()
            self._wait(pause)
        return self._follow(url, headers)

    def _follow(self, url: str, headers: dict[str, str]) -> httpx.Response:
        place, own = url, True
        for _ in range(REDIRECTS + 1):
            answer = self._ask(place, headers) if own else self._send(place, headers)
            if not answer.has_redirect_location:
                return answer
            target = urljoin(place, answer.headers["location"])
            answer.close()
            if urlsplit(target).scheme not in ("https", urlsplit(self.url).scheme):
                raise ToolError(f"{redact(url)}: it leads to {redact(target)[:200]}, which is no safe place")
            # Once elsewhere, nothing brings the login back: not even a way home that somebody else describes.
            own, place = own and _origin(target) == _origin(self.url), target
        raise ToolError(f"{redact(url)}: more than {REDIRECTS} redirects")

    def _ask(self, url: str, headers: dict[str, str]) -> httpx.Response:
        """The registry's own answer; where it asks who we are, it is told."""
        with_login = {"authorization": self._authorization} if self._authorization else {}
        answer = self._send(url, headers | with_login)
        if answer.status_code != 401:
            return answer
        challenges = parse_challenges(answer.headers.get_list("www-authenticate"))
        answer.close()
        login = self._login(self.registry, self.name)
        self._authorization = self._authorize(challenges, login)
        answer = self._send(url, headers | {"authorization": self._authorization})
        if answer.status_code == 401:
            answer.close()
            raise self._refused(login)
        return answer

    def _authorize(self, challenges: list[Challenge], login: Login | None) -> str:
        for challenge in challenges:
            if challenge.scheme == "bearer" and challenge.realm:
                if not (token := request_token(self._client, challenge, login, self.url)):
                    raise self._refused(login)
                return f"Bearer {token}"
            if challenge.scheme == "basic":
                if login is None or not login.user:
                    raise self._refused(login)
                return f"Basic {b64encode(f'{login.user}:{login.password}'.encode()).decode()}"
        names = ", ".join(challenge.scheme for challenge in challenges) or "no way to log in"
        raise ToolError(f"{self.registry}: answered 401 and names {names[:100]}; Basic and Bearer are known")

    def _refused(self, login: Login | None) -> ToolError:
        hint = f"docker login {self.registry}, podman login {self.registry}, or a line in ~/.netrc"
        if login is None:
            return ToolError(f"{self.registry}: wants a login for {self.name}, or has no such image", hint=hint)
        return ToolError(f"{self.registry}: refuses the login for {self.name} from {login.origin}", hint=hint)

    def _send(self, url: str, headers: Mapping[str, str]) -> httpx.Response:
        return self._client.send(self._client.build_request("GET", url, headers=headers), stream=True)

    def _require_good(self, answer: httpx.Response, url: str, ranged: bool) -> None:
        status = answer.status_code
        if status in (404, 410):
            raise MissingError(f"{redact(url)}: not found ({status})")
        if status == 403:
            raise ForbiddenError(f"{redact(url)}: answered 403: this login may not read it")
        if status == 429:
            wanted = answer.headers.get("retry-after", "")[:40]
            hint = f"it wants to be left alone for {wanted} s" if wanted.isdigit() else "try again later"
            raise ToolError(
                f"{redact(url)}: answered 429: too many requests", hint=f"{hint}; a login often has a larger allowance"
            )
        if status not in (200, 206) and not (status == 416 and ranged):
            tries = f", {TRIES} times" if status in UNWELL else ""
            raise ToolError(f"{redact(url)}: answered {status}{tries}", hint="try again later, or name a mirror")


def _retry_after(answer: httpx.Response, attempt: int) -> float:
    """Seconds that the answer asks to wait (RFC 9110, section 10.2.3), else a little more each time."""
    told = answer.headers.get("retry-after", "").strip()
    if told.isdigit() and len(told) < 10:
        return float(told)
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return float(2**attempt)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or {"http": 80, "https": 443}.get(parts.scheme)
