"""A package index on loopback: simple pages (PEP 503, PEP 691), files and their metadata, and faults on demand."""

import hashlib
import html
import json
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from builders.serving import QuietHandler, listening
from packaging.utils import canonicalize_name

JSON = "application/vnd.pypi.simple.v1+json"


@dataclass
class Index:
    """Files by name; paths in `missing` answer 404, in `stalled` nothing, in `replaced` other bytes."""

    files: dict[str, bytes] = field(default_factory=dict)
    json: bool = True
    """Speak PEP 691 to those who accept it."""
    metadata: bool = True
    """Serve METADATA beside wheels (PEP 658)."""
    yanked: set[str] = field(default_factory=set)
    requires_python: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    stalled: set[str] = field(default_factory=set)
    replaced: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """Every path that was asked for, in order."""
    released: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        """The root of the simple API."""
        return f"http://127.0.0.1:{self.port}/simple"

    @property
    def links(self) -> str:
        """A page with a link to every file, for find-links."""
        return f"http://127.0.0.1:{self.port}/links/"

    def add(self, filename: str, content: bytes) -> None:
        """Offer one more file."""
        self.files[filename] = content

    def of(self, project: str) -> Iterator[str]:
        """The files of a project, by the first part of their names."""
        return (name for name in sorted(self.files) if canonicalize_name(name.split("-")[0]) == project)

    def answer(self, path: str, accept: str) -> tuple[int, str, bytes]:
        """Status, media type and body for a path."""
        if path in self.missing:
            return 404, "text/plain", b"gone"
        if path in self.replaced:
            return 200, "application/octet-stream", self.replaced[path]
        if path == "/links/":
            return 200, "text/html", self.page(sorted(self.files))
        kind, _, name = path.strip("/").partition("/")
        if kind == "simple" and any(self.of(name)):
            if self.json and JSON in accept:
                return 200, JSON, self.document(name)
            return 200, "text/html", self.page(list(self.of(name)))
        if kind == "files":
            return self.file(name)
        return 404, "text/plain", b"nothing here"

    def file(self, name: str) -> tuple[int, str, bytes]:
        """A file or a wheel's metadata."""
        if name in self.files:
            return 200, "application/octet-stream", self.files[name]
        wheel = name.removesuffix(".metadata")
        if self.metadata and wheel in self.files:
            return 200, "text/plain", metadata_of(self.files[wheel])
        return 404, "text/plain", b"no such file"

    def page(self, names: list[str]) -> bytes:
        """A page of links (PEP 503, with the attributes of PEP 592, 658 and 714)."""
        return f"<!DOCTYPE html><html><body>{''.join(map(self.anchor, names))}</body></html>".encode()

    def anchor(self, name: str) -> str:
        """One link with its digest."""
        attributes = ""
        if name in self.yanked:
            attributes += ' data-yanked=""'
        if name in self.requires_python:
            attributes += f' data-requires-python="{html.escape(self.requires_python[name])}"'
        if self.metadata and name.endswith(".whl"):
            attributes += f' data-core-metadata="sha256={digest(metadata_of(self.files[name]))}"'
        return f'<a href="/files/{name}#sha256={digest(self.files[name])}"{attributes}>{name}</a>\n'

    def document(self, project: str) -> bytes:
        """A project's page (PEP 691, sizes by PEP 700)."""
        files = []
        for name in self.of(project):
            entry: dict[str, object] = {
                "filename": name,
                "url": f"../../files/{name}",
                "hashes": {"sha256": digest(self.files[name])},
                "size": len(self.files[name]),
                "yanked": name in self.yanked,
            }
            if name in self.requires_python:
                entry["requires-python"] = self.requires_python[name]
            if self.metadata and name.endswith(".whl"):
                entry["core-metadata"] = {"sha256": digest(metadata_of(self.files[name]))}
            files.append(entry)
        return json.dumps({"meta": {"api-version": "1.1"}, "name": project, "versions": [], "files": files}).encode()


def metadata_of(wheel: bytes) -> bytes:
    """The METADATA inside a wheel."""
    with zipfile.ZipFile(BytesIO(wheel)) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(name)


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


@contextmanager
def serving(index: Index) -> Iterator[Index]:
    """Serve an index on a free port of loopback until the block ends."""

    class Handler(QuietHandler):
        def do_GET(self) -> None:
            index.asked.append(self.path)
            if self.path in index.stalled:
                index.released.wait(60)
                return
            status, kind, body = index.answer(self.path, self.headers.get("accept", ""))
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with listening(Handler, index.released) as index.port:
        yield index


def pip_environment(home: Path, base: Mapping[str, str], **options: str) -> dict[str, str]:
    """An environment in which pip's only configuration is `options`, e.g. `INDEX_URL=…`; HOME is `home`."""
    kept = {key: value for key, value in base.items() if not key.startswith(("PIP_", "UV_", "XDG_"))}
    plain = {"HOME": str(home), "PIP_CONFIG_FILE": "/dev/null", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return {**kept, **plain, "PIP_RETRIES": "0", **{f"PIP_{key}": value for key, value in options.items()}}
