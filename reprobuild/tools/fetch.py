"""Reading and downloading by URL: `file:`, `http:` and `https:`."""

import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit, urlunsplit

import httpx

from reprobuild.ground.errors import ToolError

CHUNK = 1 << 18


class MissingError(ToolError):
    """The place answered that there is no such thing (404, 410, no such file)."""


class Fetcher(Protocol):
    """Reads small documents, and streams large files from any offset."""

    def read(self, url: str, *, limit: int, accept: str = "*/*") -> tuple[bytes, str]:
        """The body, at most `limit` bytes, and its media type; MissingError, or ToolError for any other failure."""
        ...

    def stream(self, url: str, *, offset: int) -> AbstractContextManager[tuple[int, Iterator[bytes]]]:
        """The offset at which the answer starts (0 when ranges are unknown there) and its chunks; the same errors."""
        ...


def redact(url: str) -> str:
    """The URL without user name, password, query and fragment: what may be shown."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return urlunsplit((parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", ""))


class HttpFetcher:
    """The real fetcher; keeps connections open, follows redirects, gives up on one that stalls for `timeout` s."""

    def __init__(self, *, certificates: str = "", proxy: str = "", timeout: float = 60) -> None:
        verify = ssl.create_default_context(cafile=certificates) if certificates else True
        self._client = httpx.Client(verify=verify, proxy=proxy or None, timeout=timeout, follow_redirects=True)

    def close(self) -> None:
        """Give up the connections that are kept open."""
        self._client.close()

    def read(self, url: str, *, limit: int, accept: str = "*/*") -> tuple[bytes, str]:
        """See `Fetcher.read`."""
        if urlsplit(url).scheme == "file":
            with _open_file(url) as stream:
                body = stream.read(limit + 1)
            media = ""
        else:
            with self._answer(url, {"accept": accept}) as answer:
                media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
                body = b""
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > limit:
                        break
        if len(body) > limit:
            raise ToolError(f"{redact(url)}: more than {limit} bytes")
        return body, media

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
            start = offset if answer.status_code == 206 else 0
            yield start, answer.iter_raw(CHUNK)

    @contextmanager
    def _answer(self, url: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        try:
            with self._client.stream("GET", url, headers=headers) as answer:
                if answer.status_code in (404, 410):
                    raise MissingError(f"{redact(url)}: not found ({answer.status_code})")
                if answer.status_code not in (200, 206):
                    raise ToolError(f"{redact(url)}: answered {answer.status_code}")
                yield answer
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ToolError(f"{redact(url)}: {error or type(error).__name__}") from error


def _open_file(url: str) -> BinaryIO:
    path = Path(unquote(urlsplit(url).path))
    try:
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise MissingError(f"{path}: not found") from error
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}") from error
