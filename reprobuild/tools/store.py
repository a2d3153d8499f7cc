"""The store: one folder a user, content-addressed, shared by all projects, safe for two commands at once.

```
blobs/sha256/<hex>     artifacts, layers, configs, manifests, documents
<kind>/<key>           what was made once from blobs: unpacked roots, bytecode, notes about layers
tmp/                   unfinished work; a name elsewhere means finished
locks/                 one file for each thing that is being made
```
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reprobuild.ground.digests import sha256_bytes, sha256_file


class Store:
    """Finished things have their final name, unfinished ones live under `tmp/`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def blob(self, sha256: str) -> Path:
        """Where the blob of that digest is, or would be."""
        return self.root / "blobs" / "sha256" / sha256

    def has(self, sha256: str) -> bool:
        """True when the blob is here, finished."""
        return self.blob(sha256).is_file()

    def add_bytes(self, data: bytes) -> str:
        """Keep `data` as a blob and return its digest."""
        sha256 = sha256_bytes(data)
        if not self.has(sha256):
            with self.temporary() as path:
                path.write_bytes(data)
                self.keep(path, sha256)
        return sha256

    def keep(self, path: Path, sha256: str) -> Path:
        """Give a finished file of this file system, whose digest the caller has computed, its name as a blob."""
        blob = self.blob(sha256)
        blob.parent.mkdir(parents=True, exist_ok=True)
        path.chmod(0o644)
        path.replace(blob)
        return blob

    def keep_file(self, path: Path) -> str:
        """Give a finished file of this file system its name as a blob, and return its digest."""
        sha256 = sha256_file(path)
        self.keep(path, sha256)
        return sha256

    @contextmanager
    def temporary(self) -> Iterator[Path]:
        """A name that nobody else uses, under `tmp/`; what is still there afterwards is removed."""
        folder = self.root / "tmp"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / secrets.token_hex(8)
        try:
            yield path
        finally:
            remove(path)

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Alone with `name` among all commands that use this store; waits for its turn."""
        path = self.root / "locks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def path(self, kind: str, key: str) -> Path:
        """Where a thing made under that kind and key is, or would be."""
        return self.root / kind / key

    def replace(self, kind: str, key: str, data: bytes) -> None:
        """Write the small file `kind`/`key`, whole or not at all."""
        final = self.path(kind, key)
        final.parent.mkdir(parents=True, exist_ok=True)
        with self.temporary() as path:
            path.write_bytes(data)
            path.replace(final)

    def made_once(self, kind: str, key: str, make: Callable[[Path], None]) -> Path:
        """The file or folder `kind`/`key`, made by `make` at a temporary name if it is not here yet."""
        final = self.path(kind, key)
        if final.exists():
            return final
        with self.locked(f"{kind}-{key}"), self.temporary() as path:
            if not final.exists():
                make(path)
                final.parent.mkdir(parents=True, exist_ok=True)
                path.rename(final)
        return final


def remove(path: Path) -> None:
    """Remove a file or a folder tree, folders without write permission included; nothing there is fine."""
    if path.is_dir() and not path.is_symlink():
        for folder, _, _ in os.walk(path):
            Path(folder).chmod(0o700)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
