"""Locks our own dependencies into `lockfiles/requirements.txt` (run time) and `lockfiles/dev.txt` (development).

pip-tools resolves for the one Python that runs it, and what it takes on 3.11.7 may refuse Debian 12's 3.11.2. So uv
chooses the versions for the oldest Python that we promise, pip-tools pins and hashes exactly these, and our own check
of a lock holds the result against every Python that we promise: what is missing there fails instead of being written.
"""

import sys
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement

from reprobuild.ground.errors import InputError, ReprobuildError
from reprobuild.lock.python.requirements import parse_pins
from reprobuild.lock.python.target import Target
from reprobuild.steps.lock.python import Outside, find_lock_gaps
from reprobuild.tools.fetch import HttpFetcher
from reprobuild.tools.pip import read_pip_sources
from reprobuild.tools.process import run_process
from reprobuild.tools.progress import Silent
from reprobuild.tools.resolvers import compile_with_pip_tools, compile_with_uv
from reprobuild.tools.store import Store

ROOT = Path(__file__).parent.parent
PYTHONS = ("3.11.2", "3.11.7", "3.12.0", "3.13.0")
"""Debian 12's first; where a wheel or a marker differs between them, the lock must serve all.

Not 3.14: it has zstd itself, so the backport that conda-lock needs below it has no wheel there.
"""
GLIBC = (2, 36)


def main() -> int:
    """Write both files, or neither and say what is wrong."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {
        "requirements.txt": project["project"]["dependencies"],
        "dev.txt": project["dependency-groups"]["dev"],
    }
    sources = read_pip_sources(run_process)
    fetch = HttpFetcher(certificates=sources.certificates, proxy=sources.proxy, timeout=sources.timeout)
    written: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        outside = Outside(fetch, run_process, Store(Path(folder) / "store"), sources)
        for name, needs in wanted.items():
            # Development is held to the versions of run time, so that both files install together.
            text = lock(Path(folder), [*needs, *(["-c requirements.txt"] if written else [])], outside)
            check(name, text, needs, outside)
            (Path(folder) / name).write_text("".join(f"{pin}\n" for pin in versions(text, name)))
            written[name] = text
    for name, text in written.items():
        (ROOT / "lockfiles" / name).write_text(text)
    return 0


def lock(folder: Path, lines: Sequence[str], outside: Outside) -> str:
    """Pins with every hash for requirement lines, in versions that the oldest Python takes."""
    (folder / "wanted.in").write_text("\n".join(lines) + "\n")
    oldest = Target(PYTHONS[0], GLIBC)
    chosen = compile_with_uv(folder, ["wanted.in"], oldest, outside.runner, outside.sources)
    (folder / "pinned.in").write_text("\n".join(versions(chosen, "uv")) + "\n")
    return compile_with_pip_tools(folder, ["pinned.in"], outside.runner, outside.sources)


def versions(text: str, subject: str) -> list[str]:
    """The pins of a lock without their hashes."""
    return [f"{pin.name}=={pin.version}" for pin in parse_pins(text, subject).values()]


def check(name: str, text: str, needs: Sequence[str], outside: Outside) -> None:
    """InputError when a Python that we promise lacks a package or a wheel; what only another needs may stay."""
    roots = [Requirement(need) for need in needs]
    for python in PYTHONS:
        _, gaps = find_lock_gaps(parse_pins(text, name), roots, Target(python, GLIBC), outside, Silent())
        if missing := [gap for gap in gaps if not gap.endswith("nothing needs it")]:
            raise InputError(f"lockfiles/{name}: on Python {python}, {missing[0]}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ReprobuildError as error:
        sys.exit(f"error: {error}")
