"""qemu's user emulation of x86-64 (qemu-user(1)): where it is, and which CPUs it knows."""

import difflib
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from reprobuild.ground.errors import ToolError, UsageError
from reprobuild.tools.process import Runner

PROGRAM = "qemu-x86_64-static"
"""The static one: it runs inside images, which have other libraries than this machine, or none."""
INSTALL = "sudo apt-get install --yes qemu-user-static"
ARCHITECTURE = "x86_64"
_LINE = re.compile(r"^\s*(?:x86 +)?([A-Za-z0-9][A-Za-z0-9_.+-]*)(?: .*)?$")
_REVISION = re.compile(r"-v[0-9]+$")
_VERSION = re.compile(r"version (\S+)")


@dataclass(frozen=True)
class Emulator:
    """A CPU that qemu knows, the program, and its version."""

    cpu: str
    program: Path
    version: str


def find_emulator(cpu: str, runner: Runner, architecture: str) -> Emulator:
    """What emulates a CPU of that name here; a one-line error where qemu is missing or knows none."""
    qemu = find_qemu(architecture)
    require_cpu(qemu, cpu, runner)
    version = _VERSION.search(runner([str(qemu), "--version"], timeout=30).stdout)
    return Emulator(cpu, qemu, version[1] if version else "")


def find_qemu(architecture: str) -> Path:
    """The program; `architecture` is this machine's, as uname(2) has it. ToolError where it is of no use here."""
    if architecture != ARCHITECTURE:
        raise ToolError(
            f"--emulate: this machine is {architecture or 'none that is known'}: only x86-64 is emulated, on x86-64",
            hint="replay without --emulate, on a machine with that CPU",
        )
    if found := shutil.which(PROGRAM):
        return Path(os.path.realpath(found))
    raise ToolError(f"{PROGRAM}: not found: --emulate needs it", hint=INSTALL)


def parse_cpus(text: str) -> tuple[str, ...]:
    """The names in what `-cpu help` prints, in its order; the list of CPUID flags behind them is left out."""
    names = text.partition("\nRecognized CPUID flags")[0].splitlines()[1:]
    return tuple(found[1] for line in names if (found := _LINE.match(line)))


def require_cpu(qemu: Path, cpu: str, runner: Runner) -> None:
    """UsageError, with what there is, unless qemu knows a CPU of exactly that name."""
    known = parse_cpus(runner([str(qemu), "-cpu", "help"], timeout=30).stdout)
    if cpu in known:
        return
    if not known:
        raise ToolError(f"{qemu}: -cpu help lists no CPU", hint=INSTALL)
    there = sorted({_REVISION.sub("", name) for name in known}, key=str.lower)
    hint = f"{_near(cpu, there)}it has {', '.join(there)}"
    raise UsageError(f"--emulate {cpu!r}: {qemu.name} has no such CPU", hint=hint)


def _near(cpu: str, known: list[str]) -> str:
    lower = {name.lower(): name for name in known}
    near = [lower[name] for name in difflib.get_close_matches(cpu.lower(), lower, 3)]
    return f"did you mean {' or '.join(near)}? " if near else ""
