"""Where a project keeps its runs: one numbered folder for each, with a record and what belongs to it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from reprobuild.ground.canonical import MAX_SIZE
from reprobuild.ground.errors import InputError, UsageError, hinting
from reprobuild.ground.tree import open_regular

if TYPE_CHECKING:
    from reprobuild.record.document import Record

RUNS = ".reprobuild/runs"
RECORD, LOCK, SOURCE, OUTPUTS, LOG = "record.json", "reprobuild.lock", "source.tar", "outputs.tar", "log.txt"
NUMERICS = "numerics.json"
"""What the numeric probe computed before the run; a run has none where the probe failed."""
GUIDE = "guide.md"
"""The guide that was written last of the run; its bundle carries it."""
LATEST = "latest"


def run_folders(project: Path) -> list[Path]:
    """The folders of all recorded runs, by number; what has no number yet is no run."""
    folder = project / RUNS
    names = [name for name in os.listdir(folder) if is_number(name)] if folder.is_dir() else []  # noqa: PTH208  # 10,000
    return [folder / name for name in sorted(names, key=lambda name: (int(name), name))]


def is_number(name: str) -> bool:
    """True for decimal digits and nothing else."""
    return name.isascii() and name.isdecimal()


def find_run(project: Path, number: str) -> Path:
    """The folder of a run by its number; of the latest, when that is asked for or nothing is."""
    folders = run_folders(project)
    if not folders:
        raise InputError(f"{RUNS}: no run is recorded here", hint="run reprobuild run")
    if number in ("", LATEST):
        return folders[-1]
    for folder in folders:
        if folder.name.lstrip("0") == number.lstrip("0"):
            return folder
    names = ", ".join(folder.name for folder in folders[-5:])
    raise UsageError(f"run {number[:20]}: not recorded", hint=f"there are {names}; {LATEST} is the last of them")


def read_record(folder: Path) -> "Record":
    """The record of a run."""
    from reprobuild.record.document import Record  # late: a list of runs that are known needs no pydantic

    with hinting("record another one: reprobuild run"):
        with open_regular(folder / RECORD, str(folder)) as stream:
            data = stream.read(MAX_SIZE + 1)
        return Record.from_bytes(data, f"{folder}: {RECORD}")
