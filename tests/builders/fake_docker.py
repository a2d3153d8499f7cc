"""A daemon that speaks as much of Docker's API as we ask for, on a socket of its own; it can lie, die and hang.

It keeps images as containerd's store does: their ID is the digest of the manifest that was sent.
"""

import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any

Change = Callable[[dict[str, Any]], Any]


@dataclass
class Behaviour:
    """What the daemon does; a route is a method and the last word of a path, such as `POST start`."""

    change: dict[str, Change] = field(default_factory=dict)
    """By route: what it tells instead."""
    dies: str = ""
    """At this route it closes the connection without a word, and all others from then on."""
    hangs: str = ""
    """At this route it stops, and at all others from then on."""
    says: dict[str, tuple[int, str]] = field(default_factory=dict)
    """By route: an error with its status."""
    output: bytes = b"\1\0\0\0\0\0\0\3hi\n"
    """What comes on the stream of an attached container once it is started."""
    exit_code: int = 0
    out_of_memory: bool = False
    silent: bool = False
    """The stream stays open after the output."""


class FakeDocker:
    """The daemon's state, and what it was asked."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.images: dict[str, dict[str, Any]] = {}
        self.created: list[dict[str, Any]] = []
        self.removed: list[str] = []
        self.asked: list[str] = []
        self.broken = self.hung = False
        self.started = threading.Event()

    def load(self, archive: bytes) -> str:
        """Keep the image of an OCI layout by its manifest's digest."""
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            files = {member.name: tar.extractfile(member) for member in tar.getmembers()}
            read = {name: stream.read() for name, stream in files.items() if stream}
        manifest_id = json.loads(read["index.json"])["manifests"][0]["digest"]
        manifest = json.loads(read[_place(manifest_id)])
        config = json.loads(read[_place(manifest["config"]["digest"])])
        assert [layer["digest"] for layer in manifest["layers"]] == config["rootfs"]["diff_ids"]
        assert all(_place(layer["digest"]) in read for layer in manifest["layers"])
        self.images[manifest_id] = {
            "Id": manifest_id,
            "Architecture": config["architecture"],
            "Os": config["os"],
            "RootFS": {"Type": "layers", "Layers": config["rootfs"]["diff_ids"]},
            "Config": {"Hostname": "", "Entrypoint": None, "Labels": None, **config["config"]},
        }
        return str(manifest_id)


def _place(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    docker: FakeDocker

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        docker, behaviour = self.server.docker, self.server.docker.behaviour
        words = [word for word in self.path.partition("?")[0].split("/") if word and not word.startswith("v1.")]
        route = f"{self.command} {words[0 if len(words) == 1 else -1] if self.command != 'DELETE' else 'container'}"
        docker.asked.append(route)
        if docker.broken or route == behaviour.dies:
            docker.broken = True
            self.close_connection = True
            return
        if docker.hung or route == behaviour.hangs:
            docker.hung = True
            threading.Event().wait(60)
        if route == "POST attach":
            self._attach()
            return
        body = self._body()
        if route in behaviour.says:
            status, message = behaviour.says[route]
            self._send({"message": message}, status)
            return
        self._send(*self._tell(route, words, body))

    def _tell(self, route: str, words: list[str], body: bytes) -> tuple[Any, int]:
        docker, behaviour = self.server.docker, self.server.docker.behaviour
        change = behaviour.change.get(f"{self.command} {words[0]}", behaviour.change.get(route, lambda told: told))
        if route == "GET _ping":
            return "OK", 200
        if route == "GET version":
            return change({"Version": "99.9", "Components": []}), 200
        if route == "GET info":
            return change({"MemTotal": 1 << 30, "SecurityOptions": []}), 200
        if route == "POST load":
            return {"stream": f"Loaded image ID: {change({'Id': docker.load(body)})['Id']}\n"}, 200
        if route == "POST create":
            docker.created.append(json.loads(body))
            docker.started.clear()
            return {"Id": "c" * 64, "Warnings": []}, 201
        if route == "POST start":
            docker.started.set()
            return None, 204
        if self.command == "DELETE":
            docker.removed.append(words[-1])
            return None, 204
        if words[0] == "images":
            found = docker.images.get(words[1])
            return (change(dict(found)), 200) if found else ({"message": "No such image"}, 404)
        created = docker.created[-1]
        state = {"Running": False, "Status": "exited", "ExitCode": behaviour.exit_code}
        state["OOMKilled"] = behaviour.out_of_memory
        told = {"Id": "c" * 64, "Image": created["Image"], "State": state, "HostConfig": created["HostConfig"]}
        return change(told), 200

    def _attach(self) -> None:
        docker, behaviour = self.server.docker, self.server.docker.behaviour
        self.wfile.write(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
        self.wfile.flush()
        docker.started.wait(60)
        self.wfile.write(behaviour.output)
        self.wfile.flush()
        if behaviour.silent:
            threading.Event().wait(60)
        self.close_connection = True

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _send(self, value: Any, status: int) -> None:
        data = b"" if value is None else value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def running_fake(folder: Path, behaviour: Behaviour | None = None) -> Iterator[tuple[FakeDocker, Path]]:
    """A daemon that listens, and its socket's path, which has to be short."""
    docker, path = FakeDocker(behaviour or Behaviour()), folder / "s"
    with _Server(str(path), _Handler) as server:
        server.docker = docker
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield docker, path
        finally:
            docker.started.set()
            server.shutdown()
            thread.join()
            with suppress(FileNotFoundError):
                path.unlink()
