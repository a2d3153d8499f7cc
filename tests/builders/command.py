"""The real command line on a real lock, image and sandbox, with no network: this machine's programs lie in the image.

The image is built from one small package, the skeleton of a system. A `bwrap` that stands first on PATH adds this
machine's /usr and Python to what the real one is asked.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builders.debian_archive import Content, Folder, Link, make_deb
from builders.host import ENVIRONMENT, interpreter, packages, prefixes

from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.digests import sha256_bytes
from reprobuild.image.model import TRANSFORM_VERSION
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.bases import read_base
from reprobuild.lock.data import digest_data
from reprobuild.lock.index import LockIndex
from reprobuild.project.read import read_project
from reprobuild.record.document import Record
from reprobuild.steps.lock.file import INDEX, REQUIREMENTS
from reprobuild.steps.lock.lock import collect_inputs
from reprobuild.tools.store import Store

BASE = f"""\
name = "test"
distribution = "debian"
architecture = "amd64"
component = "main"
keys = "keys.gpg"
packages = []
suites = [{{ name = "bookworm", keys = ["{"0" * 40}"] }}]
python = {{ package = "python3", executable = "/opt/bin/python", site = "/opt/site", scripts = "/opt/bin" }}
environment = {json.dumps(ENVIRONMENT).replace('": "', '" = "')}
links = {{}}
copies = {{}}
files = {{}}
explained = {{}}
"""
TOML = """\
[project]
name = "test"
[image]
base = "base.toml"
[run]
command = ["python", "train.py"]
"""


class CommandLine:
    """A project in a folder with a store of its own; `toml` follows the smallest `reprobuild.toml`, inside `[run]`."""

    def __init__(
        self,
        folder: Path,
        toml: str = "",
        files: Mapping[str, str | bytes] | None = None,
        *,
        store: Path | None = None,
    ) -> None:
        self.project, self.store = folder / "project", Store(store or folder / "store")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("REPROBUILD_")},
            "PATH": f"{_programs(folder / 'bin')}:{os.environ['PATH']}",
            "HOME": str(folder),
            "REPROBUILD_STORE": str(self.store.root),
        }
        texts = {
            "reprobuild.toml": TOML + toml,
            "base.toml": BASE,
            "keys.gpg": b"none",
            "train.py": "",
            **(files or {}),
        }
        for name, text in texts.items():
            path = self.project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode() if isinstance(text, str) else text)

    def lock(self, **files: Content) -> "CommandLine":
        """Write the lock that `reprobuild lock` would; itself comes back.

        `files` stand in the image in place of this machine's programs, which no daemon would add.
        """
        project = read_project(self.project)
        base, _ = read_base(project.base, project.root)
        deb = _skeleton(files)
        artifact = Artifact(
            kind="deb",
            name="skeleton",
            version="1.0-1",
            filename="skeleton_1.0-1_amd64.deb",
            size=len(deb),
            sha256=self.store.add_bytes(deb),
            source="bookworm",
            path="pool/skeleton_1.0-1_amd64.deb",
        )
        index = LockIndex(
            transform=TRANSFORM_VERSION,
            base=base,
            python="3",
            artifacts=(artifact,),
            data={source.name: digest_data(source, project.root) for source in project.data},
            inputs=collect_inputs(project) | {REQUIREMENTS: sha256_bytes(b"")},
        )
        project.lock_folder.mkdir(exist_ok=True)
        (project.lock_folder / REQUIREMENTS).write_bytes(b"")
        (project.lock_folder / INDEX).write_bytes(index.to_bytes())
        return self

    def change_lock(self, **changes: object) -> None:
        """Edit the lock by hand."""
        path = self.project / "lockfiles" / INDEX
        path.write_bytes(canonical_json({**json.loads(path.read_bytes()), **changes}))

    def argv(self, *words: str) -> list[str]:
        """The command line of `reprobuild` in the project."""
        return [sys.executable, "-m", "reprobuild", "--project", str(self.project), *words]

    def start(self, *words: str, **options: Any) -> "subprocess.Popen[bytes]":
        """`reprobuild` in the project, not waited for."""
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(self.argv(*words), env=self.environment, **{**pipes, **options})

    def run(self, *words: str, **options: Any) -> "subprocess.CompletedProcess[str]":
        """`reprobuild` in the project, at its end."""
        given = {"capture_output": True, "text": True, "timeout": 120, "check": False, **options}
        return subprocess.run(self.argv(*words), env=self.environment, **given)

    @property
    def runs(self) -> list[Path]:
        """The folders of recorded runs; nothing unfinished lies beside them."""
        folder = self.project / ".reprobuild" / "runs"
        return sorted(folder.iterdir()) if folder.is_dir() else []

    @property
    def record(self) -> Record:
        """The record of the latest run."""
        return Record.from_bytes((self.runs[-1] / "record.json").read_bytes(), "record.json")

    @property
    def unfinished(self) -> list[Path]:
        """What a command left in the store before it got its name."""
        folder = self.store.root / "tmp"
        return list(folder.iterdir()) if folder.is_dir() else []


def _skeleton(own: Mapping[str, Content]) -> bytes:
    """A package with mount points for this machine's programs, and links to its Python."""
    folders = ("usr/lib", "usr/lib64", "usr/sbin", "opt/site", "etc", *(str(path)[1:] for path in prefixes()))
    links = {f"opt/bin/{name}": Link(str(interpreter())) for name in ("python", "python3")}
    keep = {"usr/lib64/keep": "", "usr/lib/keep": ""}  # the image makes /lib64 for what lies in it
    return make_deb(
        "skeleton", files={**{name: Folder() for name in folders}, **keep, **links, **own}, compression="none"
    )


def _programs(folder: Path) -> Path:
    """A folder with the `bwrap` that adds this machine's programs."""
    binds = " ".join(
        [
            *(f"--ro-bind {place} {place}" for place in (Path("/usr"), *prefixes())),
            *(f"--tmpfs {place}" for place in packages()),
        ]
    )
    folder.mkdir(parents=True, exist_ok=True)
    real = shutil.which("bwrap") or "/usr/bin/bwrap"
    (folder / "bwrap").write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && exec {real} --version\n'
        f'a=$1 b=$2 c=$3 d=$4\nshift 5\nexec {real} "$a" "$b" "$c" "$d" {binds} -- "$@"\n'
    )
    (folder / "bwrap").chmod(0o755)
    return folder
