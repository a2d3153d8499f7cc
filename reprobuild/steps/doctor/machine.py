"""Probes of the machine itself: Python, sandbox, memory, locale, git, GPU, the store and what was left behind."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from reprobuild.engines.sandbox import INSTALL
from reprobuild.record.folder import RUNS
from reprobuild.steps.doctor.checkup import Doors, Probe, Row
from reprobuild.tools.claim import is_claimed
from reprobuild.tools.ledger import LEDGER, DamagedError, LockedError, MissingError, UnusableError, read_ledger
from reprobuild.tools.machine import memory_limit
from reprobuild.tools.qemu import INSTALL as INSTALL_QEMU
from reprobuild.tools.qemu import PROGRAM

LEAST_DISK, LEAST_MEMORY = 5_000_000_000, 1_000_000_000
UNFINISHED = re.compile(r"\.[0-9a-f]{16}")
"""The name of a run's folder before it has a number."""
SANDBOX = (
    *("bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--uid", "0", "--gid", "0"),
    *("--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--", "true"),  # noqa: S108
)
NAMESPACES = {
    "proc/sys/kernel/apparmor_restrict_unprivileged_userns": (
        "1",
        "sudo sysctl --write kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    "proc/sys/kernel/unprivileged_userns_clone": ("0", "sudo sysctl --write kernel.unprivileged_userns_clone=1"),
    "proc/sys/user/max_user_namespaces": ("0", "sudo sysctl --write user.max_user_namespaces=15000"),
}
"""Switches that forbid namespaces: where each is, how it does, and what changes it (sysctl(8))."""


def _python(_: Doors) -> Sequence[Row]:
    import sqlite3

    version = ".".join(map(str, sys.version_info[:3]))
    return [PYTHON.row("ok", f"{version} at {sys.executable}, SQLite {sqlite3.sqlite_version}")]


PYTHON = Probe("Python", "everything", _python, "Python")


def _sandbox(doors: Doors) -> Sequence[Row]:
    if doors.platform != "linux":
        return [SANDBOXED.row("missing", "bubblewrap needs Linux", "use --engine docker")]
    if not doors.find_program("bwrap"):
        return [SANDBOXED.row("missing", "bwrap is not installed", INSTALL)]
    done = doors.run(SANDBOX)
    if done.status:
        said = done.stderr.strip().splitlines()[-1:] or [f"it ended with {done.status}"]
        return [SANDBOXED.row("broken", said[0], _allowing(doors.root))]
    version = doors.run(["bwrap", "--version"]).stdout.strip()
    return [SANDBOXED.row("ok", f"{version}: a sandbox was started")]


SANDBOXED = Probe("sandbox", "run and replay without a daemon", _sandbox, "engine")


def _allowing(root: Path) -> str:
    """What lets a user make namespaces, by the switch that forbids it."""
    for place, (forbidding, command) in NAMESPACES.items():
        path = root / place
        if path.is_file() and path.read_text().strip() == forbidding:
            return command
    return "run it as root, or on a machine (a container's host) whose kernel allows namespaces"


def _git(doors: Doors) -> Sequence[Row]:
    if not doors.find_program("git"):
        return [GIT.row("missing", "git is not installed", "sudo apt-get install --yes git")]
    done = doors.run(["git", "--version"])
    return [GIT.row("broken" if done.status else "ok", done.stdout.strip() or done.stderr.strip())]


GIT = Probe("git", "leaving out of the source what .gitignore names", _git)


def _memory(doors: Doors) -> Sequence[Row]:
    told = re.search(r"^MemAvailable:\s+(\d+) kB$", (doors.root / "proc/meminfo").read_text(), re.MULTILINE)
    if told is None:
        return [MEMORY.row("broken", "/proc/meminfo does not tell what is available")]
    limit = memory_limit(doors.root)
    available = min(int(told[1]) << 10, limit if limit is not None else 1 << 62)
    limited = f", limited to {limit / 1e9:.1f} GB" if limit is not None else ""
    found = f"{available / 1e9:.1f} GB available{limited}"
    if available < LEAST_MEMORY:
        return [MEMORY.row("broken", found, "ps --sort -rss -eo rss,args  # shows what takes it")]
    return [MEMORY.row("ok", found)]


MEMORY = Probe("memory", "training, and packing layers on all cores", _memory)


def _locale(doors: Doors) -> Sequence[Row]:
    if doors.encoding.replace("-", "").lower() == "utf8":
        return [LOCALE.row("ok", doors.encoding)]
    return [LOCALE.row("broken", f"{doors.encoding} is not UTF-8", "export LC_ALL=C.UTF-8")]


LOCALE = Probe("locale", "names and notes beyond ASCII", _locale)


def _emulator(doors: Doors) -> Sequence[Row]:
    path = doors.find_program(PROGRAM)
    if path:
        return [EMULATOR.row("ok", path)]
    return [EMULATOR.row("missing", "not installed", INSTALL_QEMU)]


EMULATOR = Probe("emulator", "replay --emulate and probe --emulate; nothing else needs it", _emulator)


def _gpu(doors: Doors) -> Sequence[Row]:
    told = doors.ask_driver()
    if not told.driver:
        found = told.problem or "no NVIDIA driver"
        return [GPU.row("broken" if told.problem else "missing", found, "install NVIDIA's driver, if there is a GPU")]
    names = ", ".join(gpu.name for gpu in told.gpus) or "no GPU"
    found = f"{names}, driver {told.driver}, CUDA up to {told.cuda}"
    if told.problem:
        return [GPU.row("broken", f"{found}; {told.problem}", "nvidia-smi  # what the driver itself says")]
    return [GPU.row("ok", found)]


GPU = Probe("GPU", "[run] gpu", _gpu)


TOOLKIT = "sudo apt-get install --yes nvidia-container-toolkit  # from NVIDIA's archive, if there is a GPU"


def _cdi(doors: Doors) -> Sequence[Row]:
    from reprobuild.tools.cdi import HINT, read_cdi

    found = read_cdi(doors.root)
    if found:
        return [CDI.row("ok", str(found[0]))]
    if not doors.find_program("nvidia-ctk"):
        return [CDI.row("missing", "no NVIDIA container toolkit", TOOLKIT)]
    return [CDI.row("missing", "no device description in /etc/cdi or /run/cdi", HINT.partition(": ")[2])]


CDI = Probe("GPU for containers", "--gpu with Docker and Podman; the sandbox finds what the driver installed", _cdi)


def _store(doors: Doors) -> Sequence[Row]:
    store = doors.settings.store.absolute()
    place = next(folder for folder in (store, *store.parents) if folder.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        return [STORE.row("broken", f"{place}: it cannot be written", "export REPROBUILD_STORE=/a/folder/of/yours")]
    free = shutil.disk_usage(place).free
    if free < LEAST_DISK:
        found = f"{store}: {free / 1e9:.1f} GB free, and one image may take as much"
        return [STORE.row("broken", found, "export REPROBUILD_STORE=/a/folder/on/a/larger/disk")]
    locks = store / "locks"
    held = sum(is_claimed(path) for path in locks.iterdir()) if locks.is_dir() else 0
    working = f", {held} locks held by commands at work" if held else ""
    return [STORE.row("ok", f"{free / 1e9:.1f} GB free{working} in {store}"), *_unfinished_work(store)]


STORE = Probe("store", "everything that is downloaded or made", _store, "store")


def _unfinished_work(store: Path) -> Iterator[Row]:
    """What lies under tmp/, of commands at work or of killed ones; downloads are resumed and do not count."""
    folder = store / "tmp"
    left = [path for path in folder.iterdir() if path.name != "partial"] if folder.is_dir() else []
    if left:
        yield Row(
            name="store, unfinished",
            state="untidy",
            found=f"{len(left)} in {folder}, of commands at work or of killed ones",
            needed_for="nothing, when no command is at work",
            remedy=f"rm -r {shlex.quote(str(folder))}  # when no reprobuild command runs",
        )


def _project(doors: Doors) -> Sequence[Row]:
    return [*_left_runs(doors.project / RUNS), *_ledger(doors.project / LEDGER)]


PROJECT = Probe("project", "reprobuild runs", _project)


def left_overs(runs: Path) -> list[Path]:
    """Folders of runs that were killed before they got a number; those of runs at work are claimed."""
    if not runs.is_dir():
        return []
    return sorted(path for path in runs.iterdir() if UNFINISHED.fullmatch(path.name) and not is_claimed(path))


def _left_runs(runs: Path) -> Iterator[Row]:
    if left := left_overs(runs):
        yield Row(
            name="runs, left over",
            state="untidy",
            found=f"{len(left)} of runs that were killed before they could be recorded",
            needed_for="nothing: they have no record",
            remedy=f"rm -r {shlex.join(map(str, left[:20]))}",
        )


def _ledger(path: Path) -> Iterator[Row]:
    try:
        yield PROJECT.row("ok", f"{LEDGER}: {len(read_ledger(path))} runs known")
    except MissingError:
        return
    except DamagedError as error:
        yield PROJECT.row("untidy", f"{LEDGER}: {error}", "reprobuild runs  # makes it again from the records")
    except (LockedError, UnusableError) as error:
        holder = f"fuser {shlex.quote(str(path))}"
        yield PROJECT.row("untidy", f"{LEDGER}: {error}: runs are read from their records", holder)


MACHINE = (PYTHON, SANDBOXED, STORE, PROJECT, MEMORY, LOCALE, GIT, GPU, CDI, EMULATOR)
