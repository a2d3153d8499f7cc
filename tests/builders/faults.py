"""A web server on loopback whose every answer a test writes: cut off, stalled, redirected, or with other bytes."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from builders.serving import QuietHandler, listening


@dataclass(frozen=True)
class Request:
    """What was asked: the path, header fields by lower-case name, and what was sent."""

    path: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def offset(self) -> int:
        """Where the wanted range begins."""
        return int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").rstrip("-"))


@dataclass(frozen=True)
class Reply:
    """What is answered; the connection ends after `cut` bytes of the body, or waits there when `stall` is set."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: bool = False


@dataclass
class Server:
    """Where it listens, and what it was asked."""

    port: int = 0
    asked: list[Request] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its root, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"


def whole(body: bytes) -> Callable[[Request], Reply]:
    """A server that knows ranges (RFC 9110, section 14)."""

    def answer(request: Request) -> Reply:
        begin = request.offset
        if begin >= len(body) > 0:
            return Reply(416)
        if not begin:
            return Reply(200, body)
        return Reply(206, body[begin:], {"Content-Range": f"bytes {begin}-{len(body) - 1}/{len(body)}"})

    return answer


@contextmanager
def answering(answer: Callable[[Request], Reply]) -> Iterator[Server]:
    """A server until the end of the block."""
    served, released = Server(), threading.Event()

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.path, headers, self.rfile.read(int(headers.get("content-length", "0"))))
            served.asked.append(request)
            reply = answer(request)
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body[: reply.cut])
            self.wfile.flush()
            if reply.stall:
                released.wait(60)
            if reply.cut is not None:
                self.close_connection = True

        do_POST = do_GET

    with listening(Handler, released) as served.port:
        yield served
