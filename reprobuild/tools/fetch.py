"""Reading and downloading by URL: `file:`, `http:` and `https:`."""

import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from netrc import NetrcParseError
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from reprobuild.ground.errors import InputError, ToolError
from reprobuild.ground.urls import TOKEN

CHUNK = 1 << 18
SLOWEST = 120.0
"""Seconds within which a document must be here; a server could send a byte a minute for ever."""


class MissingError(ToolError):
    """The place answered that there is no such thing (404, 410, no such file)."""


class ForbiddenError(ToolError):
    """The place answered that it does not tell (403): some indexes say so of what they do not have."""


class Page(NamedTuple):
    """A small document, its media type, and where it was after redirects."""

    body: bytes
    media: str
    url: str


class Fetcher(Protocol):
    """Reads small documents, and streams large files from any offset."""

    def read(self, url: str, *, limit: int, accept: str = "*/*") -> Page:
        """The document, at most `limit` bytes; MissingError, ForbiddenError, or ToolError for any other failure."""
        ...

    def stream(self, url: str, *, offset: int) -> AbstractContextManager[tuple[int, Iterator[bytes]]]:
        """The offset at which the answer starts (0 when ranges are unknown there) and its chunks; the same errors."""
        ...


def redact(url: str) -> str:
    """The URL without user name, password, conda's token (`/t/TOKEN/`), query and fragment: what may be shown."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    path = TOKEN.sub("", parts.path)
    return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, path, "", ""))


def open_client(
    *,
    certificates: str = "",
    client_certificate: str = "",
    proxy: str = "",
    trusted_hosts: Sequence[str] = (),
    timeout: float = 60,
    follow_redirects: bool,
) -> httpx.Client:
    """A client as pip is configured to reach the outside."""
    context = ssl.create_default_context(cafile=certificates or None)
    if client_certificate:
        context.load_cert_chain(client_certificate)
    # A host that pip is told to trust needs no certificate (pip, `--trusted-host`).
    mounts = {f"all://{host}": httpx.HTTPTransport(verify=False) for host in trusted_hosts}
    return httpx.Client(
        verify=context, proxy=proxy or None, mounts=mounts, timeout=timeout, follow_redirects=follow_redirects
    )


class HttpFetcher:
    """The real fetcher; keeps connections open, follows redirects, gives up on one that stalls for `timeout` s.

    A document must be there whole after `patience` s: a server may send a byte now and then for ever.
    """

    def __init__(
        self,
        *,
        certificates: str = "",
        client_certificate: str = "",
        proxy: str = "",
        trusted_hosts: Sequence[str] = (),
        netrc: Path | None = None,
        timeout: float = 60,
        patience: float = 900,
    ) -> None:
        self._patience = patience
        self._netrc = _read_netrc(netrc) if netrc and netrc.is_file() else None
        self._client = open_client(
            certificates=certificates,
            client_certificate=client_certificate,
            proxy=proxy,
            trusted_hosts=trusted_hosts,
            timeout=timeout,
            follow_redirects=True,
        )

    def close(self) -> None:
        """Give up the connections that are kept open."""
        self._client.close()

    def read(self, url: str, *, limit: int, accept: str = "*/*") -> Page:
        """See `Fetcher.read`."""
        if urlsplit(url).scheme == "file":
            with _open_file(url) as stream:
                body = _whole(iter([stream.read(limit + 1)]), url, limit, self._patience)
            media, place = "", url
        else:
            with self._answer(url, {"accept": accept}) as answer:
                place = _keep_user(str(answer.url), url)
                media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                body = _whole(answer.iter_bytes(), url, limit, self._patience)
        return Page(body, media, place)

    @contextmanager
    def stream(self, url: str, *, offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """See `Fetcher.stream`."""
        if urlsplit(url).scheme == "file":
            with _open_file(url) as stream:
                stream.seek(offset)
                yield offset, iter(lambda: stream.read(CHUNK), b"")
            return
        # An encoded body could not be resumed, and its length would not be the file's.
        headers = {"accept-encoding": "identity"} | ({"range": f"bytes={offset}-"} if offset else {})
        with self._answer(url, headers) as answer:
            if answer.status_code != 416:
                yield (
                    start_of(answer, offset),
                    answer.iter_raw(),
                    # As they come: what does not fill a chunk yet would be lost with the connection.
                )
                return
        with self.stream(url, offset=0) as whole:  # the file there is shorter than what came so far
            yield whole

    @contextmanager
    def _answer(self, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        try:
            own = urlsplit(url).username is not None or self._netrc is None
            with self._client.stream(
                "GET", url, headers=headers, auth=httpx.USE_CLIENT_DEFAULT if own else self._netrc
            ) as answer:
                if answer.status_code in (404, 410):
                    raise MissingError(f"{redact(url)}: not found ({answer.status_code})")
                if answer.status_code == 403:
                    raise ForbiddenError(f"{redact(url)}: answered 403")
                if answer.status_code not in (200, 206) and not (answer.status_code == 416 and "range" in headers):
                    raise ToolError(f"{redact(url)}: answered {answer.status_code}")
                yield answer
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ToolError(f"{redact(url)}: {error or type(error).__name__}") from error


def _read_netrc(path: Path) -> httpx.NetRCAuth:
    try:
        return httpx.NetRCAuth(str(path))
    except (NetrcParseError, OSError) as error:
        reason = getattr(error, "msg", "") or getattr(error, "strerror", "") or type(error).__name__
        raise InputError(f"{path}: {reason}", hint="see curl(1), --netrc, for how that file is written") from error


def read_raw(answer: httpx.Response, limit: int, slowest: float = SLOWEST) -> bytes:
    """A small body as it was sent; ToolError for one that is larger than `limit` bytes, or not here in time."""
    return _whole(answer.iter_raw(), str(answer.url), limit, slowest)


def _whole(chunks: Iterator[bytes], url: str, limit: int, slowest: float) -> bytes:
    body, last = bytearray(), time.monotonic() + slowest
    for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise ToolError(f"{redact(url)}: more than {limit} bytes")
        if time.monotonic() > last:
            raise ToolError(f"{redact(url)}: not all of it came within {slowest:g} s")
    return bytes(body)


def start_of(answer: httpx.Response, offset: int) -> int:
    """The offset of an answer's first byte (RFC 9110, section 14.4)."""
    if answer.status_code != 206:
        return 0
    begin = answer.headers.get("content-range", "").removeprefix("bytes ").partition("-")[0]
    if begin != str(offset):
        raise ToolError(f"{redact(str(answer.url))}: asked for bytes from {offset}, and it sent others")
    return offset


def _keep_user(final: str, asked: str) -> str:
    """Where an answer came from, with the user and password that were asked with when it is the same host."""
    end, begin = urlsplit(final), urlsplit(asked)
    if end.hostname != begin.hostname or begin.username is None or end.username is not None:
        return final
    return urlunsplit(end._replace(netloc=f"{begin.netloc.rpartition('@')[0]}@{end.netloc}"))


def _open_file(url: str) -> BinaryIO:
    path = Path(unquote(urlsplit(url).path))
    try:
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingError(f"{path}: not found") from error
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}") from error
