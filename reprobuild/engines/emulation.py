"""Another CPU in the sandbox: the image's own Python under qemu's user emulation (qemu-user(1)).

qemu comes from this machine and is no part of the image. The interpreter is bound a second time, with all that lies
beside it, and a small program of the shell stands in its own place, so that every process which starts it by its path
is emulated too: children by `spawn` and `subprocess`, and scripts that name it in their first line.
"""

import os
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from reprobuild.engines.engine import Container, Emulation
from reprobuild.ground.errors import ToolError

QEMU, REAL = "/run/reprobuild/qemu", "/run/reprobuild/real"
"""Where qemu and the interpreter's own prefix are in a sandbox."""
SHELL = "/bin/sh"
MAX_LINKS = 40
"""As Linux follows them (path_resolution(7))."""
ELF = b"\x7fELF"
PATIENT = {"OMP_WAIT_POLICY": "passive", "OPENBLAS_THREAD_TIMEOUT": "4"}
"""A thread that waits sleeps: under qemu one that spins takes most of a core, and no bit depends on it.

https://gcc.gnu.org/onlinedocs/libgomp/OMP_005fWAIT_005fPOLICY.html and
https://www.openmathlib.org/OpenBLAS/docs/runtime_variables/
"""
NO_EMULATION = "replay without --emulate, on a machine with that CPU"


def emulation_options(root: Path, container: Container, emulation: Emulation, wrapper: int) -> Iterator[str]:
    """bubblewrap's options that follow the container's binds; `wrapper` is a descriptor of `wrapper_text`.

    ToolError where the image has no shell, or its interpreter is no program that qemu could run.
    """
    inside, _ = find_interpreter(root, container.read_only, emulation)
    prefix = _prefix(inside)
    yield from ("--ro-bind", str(emulation.qemu), QEMU)
    yield from ("--ro-bind", str(_on_host(_parts(prefix), root, container.read_only)), REAL)
    yield from ("--perms", "0555", "--ro-bind-data", str(wrapper), inside)


def wrapper_text(root: Path, container: Container, emulation: Emulation) -> bytes:
    """What stands in the interpreter's place: qemu, told by which name the interpreter was called.

    Python finds its modules from that name, so that nothing in it is any different from a run without qemu.
    `check=off`: qemu is not to warn about each feature that it cannot emulate; what a CPU has is asked of it (CPUID).
    """
    inside, _ = find_interpreter(root, container.read_only, emulation)
    real = REAL + inside.removeprefix(_prefix(inside).rstrip("/"))
    cpu = shlex.quote(f"{emulation.cpu},check=off")
    return f'#!{SHELL}\nexec {QEMU} -cpu {cpu} -0 "$0" {shlex.quote(real)} "$@"\n'.encode()


def find_interpreter(root: Path, binds: Mapping[str, Path], emulation: Emulation) -> tuple[str, Path]:
    """The interpreter's path inside with all links followed, and that file on this machine."""
    shell, interpreter = (find_inside(path, root, binds) for path in (SHELL, emulation.interpreter))
    if shell is None or not os.access(shell[1], os.X_OK):
        raise ToolError(f"emulation: the image has no {SHELL}, which starts its Python under qemu", hint=NO_EMULATION)
    if interpreter is None:
        raise ToolError(f"emulation: the image has no {emulation.interpreter}")
    with interpreter[1].open("rb") as stream:
        if stream.read(len(ELF)) != ELF:
            raise ToolError(f"emulation: {emulation.interpreter}: no ELF program, so nothing that qemu can run")
    return interpreter


def find_inside(path: str, root: Path, binds: Mapping[str, Path]) -> tuple[str, Path] | None:
    """A file as the sandbox will see it: its path inside, and where it is here; no link leads out of the image."""
    left, done, links = _parts(path), list[str](), 0
    while left:
        part = left.pop(0)
        if part == "..":
            del done[-1:]
            continue
        here = _on_host([*done, part], root, binds)
        if not here.is_symlink() or _spell([*done, part]) in binds:
            done.append(part)
            continue
        if (links := links + 1) > MAX_LINKS:
            return None
        target = str(here.readlink())
        done = [] if target.startswith("/") else done
        left = [*_parts(target), *left]
    found = _on_host(done, root, binds)
    return (_spell(done), found) if found.is_file() else None


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _spell(parts: list[str]) -> str:
    return "/" + "/".join(parts)


def _on_host(parts: list[str], root: Path, binds: Mapping[str, Path]) -> Path:
    """Where a path of the sandbox lies on this machine; none of its parts is a link inside."""
    for depth in range(len(parts), 0, -1):
        if (place := binds.get(_spell(parts[:depth]))) is not None:
            return place.joinpath(*parts[depth:])
    return root.joinpath(*parts)


def _prefix(inside: str) -> str:
    """The folder above the interpreter's own: libraries are found relative to the program (ld.so(8), $ORIGIN)."""
    return os.path.dirname(os.path.dirname(inside))  # noqa: PTH120  # a path inside, not of this machine
