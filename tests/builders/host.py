"""The sandbox with this machine's own /usr and Python in place of an image: quick, and without a network."""

import os
import subprocess
import sys
import sysconfig
import tempfile
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from reprobuild.engines.docker import Docker
from reprobuild.engines.engine import Container, Execution
from reprobuild.engines.sandbox import Sandbox
from reprobuild.steps.image.prepare import LIBRARY, RUNTIME

ENVIRONMENT = {"PATH": "/opt/bin:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
NOBODY = 65534
FOLDERS = ("proc", "sys", "dev", "run", "tmp", "work", "data", "usr", "opt/bin", "etc")


def make_root(root: Path) -> Path:
    """The skeleton of an image, whose /usr is bound by `HostSandbox`."""
    for name in FOLDERS:
        (root / name).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name in ("python", "python3"):
        (root / "opt" / "bin" / name).symlink_to(interpreter())
    for prefix in prefixes():
        (root / prefix.relative_to("/")).mkdir(parents=True, exist_ok=True)
    return root


def interpreter() -> Path:
    """This machine's Python, by its versioned name."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return Path(sysconfig.get_config_var("BINDIR") or sys.base_prefix) / version


def prefixes() -> list[Path]:
    """Where this Python lives, when that is not below /usr."""
    places = [Path(sys.base_prefix), interpreter().resolve().parent.parent]
    return [place for place in places if not place.is_relative_to("/usr")]


@cache
def packages() -> list[Path]:
    """Where this machine's packages for Python are, which are no part of an image: what they are must decide no test.

    Nor would a test wait for them to be compiled, as an image's own are.
    """
    names = "import site; print(*site.getsitepackages(), sep='\\n')"
    done = subprocess.run([interpreter(), "-c", names], capture_output=True, text=True, check=True)
    return [path for path in map(Path, ["/usr/lib/python3", *done.stdout.splitlines()]) if path.is_dir()]


class HostSandbox(Sandbox):
    """A sandbox in whose roots this machine's programs are."""

    def execute(self, place: str, container: Container, on_output: Callable[[bytes], None]) -> Execution:
        """See `Engine.execute`."""
        return super().execute(place, _with(container, [Path("/usr"), *prefixes()]), on_output)


class HostDocker(Docker):
    """Docker or Podman, in whose containers this machine's programs are."""

    def execute(self, place: str, container: Container, on_output: Callable[[bytes], None]) -> Execution:
        """See `Engine.execute`."""
        # Not all of /usr: a daemon mounts its init at /sbin, which is a link to /usr/sbin.
        places = [path for name in ("bin", "lib", "lib64", "local") if (path := Path("/usr") / name).is_dir()]
        return super().execute(place, _with(container, [*places, *prefixes()]), on_output)


def _with(container: Container, places: Sequence[Path]) -> Container:
    """The container with these folders of this machine."""
    binds = {str(place): place for place in places}
    return replace(container, read_only={**binds, **container.read_only})


def as_ordinary_user(work: Callable[[Path], str]) -> str:
    """What `work` returns as a user who is not root, under umask 077, in a folder of its own: root becomes nobody."""
    with tempfile.TemporaryDirectory(prefix="reprobuild-test-", dir="/tmp") as name:
        folder = Path(name) / "own"
        folder.mkdir()
        if os.geteuid() == 0:
            Path(name).chmod(0o755)
            os.chown(folder, NOBODY, NOBODY)
        answer, told = os.pipe()
        with warnings.catch_warnings():  # Python 3.12 warns where a test runner has threads; the child starts none
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            _become_ordinary(told, folder, work)
        os.close(told)
        with os.fdopen(answer) as stream:
            text = stream.read()
        os.waitpid(child, 0)
        return text


def _become_ordinary(told: int, folder: Path, work: Callable[[Path], str]) -> None:
    """The forked child: it answers through a pipe and never returns into the test runner."""
    try:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        os.umask(0o077)
        os.write(told, work(folder).encode())
    except BaseException:
        os.write(told, traceback.format_exc().encode())
    finally:
        os._exit(0)


def running(mark: str) -> list[str]:
    """Command lines of this machine that hold a mark."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if mark in words:
            found.append(words)
    return found


class Prepared:
    """What `steps.prepare.Prepared` has, without an image behind it."""

    def __init__(self, folder: Path) -> None:
        self.place = str(make_root(folder / "root"))
        self.bytecode = folder / "bytecode"
        self.bytecode.mkdir()
        self.base: Any = type("Base", (), {"environment": ENVIRONMENT})
        self.modules = {LIBRARY: RUNTIME}
        self.emulation, self.claim = None, dict[str, Any]()
        self.image: Any = type("Image", (), {"image_id": "0" * 64})
