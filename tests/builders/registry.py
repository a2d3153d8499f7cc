"""Debian's own `docker-registry` on loopback with a folder and settings of its own, and what pushes images to it."""

import base64
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from builders.oci import OciImage, digest

STARTS = 30


@dataclass
class Registry:
    """Where it listens, and the `user:password` that it wants, if any."""

    port: int
    folder: Path
    login: str = ""

    @property
    def name(self) -> str:
        """As references name it."""
        return f"127.0.0.1:{self.port}"

    def ask(self, method: str, url: str, body: bytes | None = None, media: str = "") -> "tuple[int, dict[str, str]]":
        """Status and header of one request, with the login."""
        headers = {"Content-Type": media or "application/octet-stream"}
        if self.login:
            headers["Authorization"] = f"Basic {base64.b64encode(self.login.encode()).decode()}"
        place = url if url.startswith("http") else f"http://{self.name}/v2/{url}"
        request = urllib.request.Request(place, data=body, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}

    def push(self, repository: str, tag: str, image: OciImage) -> str:
        """Put an image there, and return the digest of its manifest."""
        for blob in image.blobs:
            self.push_blob(repository, blob)
        return self.push_manifest(repository, tag, image.media, image.manifest)

    def push_blob(self, repository: str, blob: bytes) -> None:
        """One blob in one piece (OCI Distribution Specification, "POST then PUT")."""
        _, headers = self.ask("POST", f"{repository}/blobs/uploads/", b"")
        place = headers["location"]
        self.ask("PUT", f"{place}{'&' if '?' in place else '?'}digest={digest(blob)}", blob)

    def push_manifest(self, repository: str, tag: str, media: str, manifest: bytes) -> str:
        """A manifest whose blobs are there."""
        self.ask("PUT", f"{repository}/manifests/{tag}", manifest, media)
        return digest(manifest)

    def push_index(self, repository: str, tag: str, images: "dict[str, OciImage]", index: bytes) -> str:
        """An index and its images."""
        for image in images.values():
            self.push(repository, digest(image.manifest), image)
        return self.push_manifest(repository, tag, json.loads(index)["mediaType"], index)

    def forget(self, repository: str, blob: bytes) -> None:
        """Lose a blob."""
        name = digest(blob).removeprefix("sha256:")
        shutil.rmtree(self.folder / f"storage/docker/registry/v2/blobs/sha256/{name[:2]}/{name}")
        shutil.rmtree(
            self.folder / f"storage/docker/registry/v2/repositories/{repository}/_layers/sha256/{name}",
            ignore_errors=True,
        )


@contextmanager
def running_registry(folder: Path, login: str = "") -> Iterator[Registry]:
    """A registry that answers, for the length of a block; `login` is a user and a password with `:` between."""
    program = shutil.which("docker-registry")
    assert program, "docker-registry is not installed"
    folder.mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    settings = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "storage")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "test"},
    }
    if login:
        settings["auth"] = {"htpasswd": {"realm": "test", "path": str(_htpasswd(folder, login))}}
    (folder / "config.yml").write_text(json.dumps(settings))  # JSON is YAML
    registry = Registry(port, folder, login)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, "serve", str(folder / "config.yml")],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"},
        )
        try:
            _wait(registry, process)
            yield registry
        finally:
            process.terminate()
            process.wait(10)


def _wait(registry: Registry, process: "subprocess.Popen[bytes]") -> None:
    last = time.monotonic() + STARTS
    while True:
        try:
            registry.ask("GET", f"http://{registry.name}/v2/")
            return
        except (OSError, urllib.error.URLError):
            said = (registry.folder / "log").read_text()[-2000:]
            assert process.poll() is None, said
            assert time.monotonic() < last, said
            time.sleep(0.05)


def _htpasswd(folder: Path, login: str) -> Path:
    """bcrypt is all that this registry takes; the hash is of the one password that tests use."""
    user, _, password = login.partition(":")
    assert password == PASSWORD
    path = folder / "htpasswd"
    path.write_text(f"{user}:{BCRYPT}\n")
    return path


PASSWORD = "open sesame"
BCRYPT = "$2b$05$abcdefghijklmnopqrstuupx2xBUC4954936wVIjyyPHmUBFu0wCW"
"""`htpasswd -nbB user 'open sesame'`."""
