"""`runs`: the recorded runs of a project as rows, from the ledger where it knows them and else from their records."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto
from multiprocessing import get_context
from pathlib import Path

from reprobuild.ground.errors import InputError, ReprobuildError
from reprobuild.ledger.row import Row, row_of, unreadable
from reprobuild.record.folder import RECORD, RUNS, read_record, run_folders
from reprobuild.record.note import NOTE, read_note
from reprobuild.tools.ledger import (
    LEDGER,
    DamagedError,
    Known,
    LockedError,
    MissingError,
    UnusableError,
    make_ledger,
    read_ledger,
    update_ledger,
)
from reprobuild.tools.progress import Progress

MANY = 1000
"""Records, from which on reading them on all cores is worth the start of more processes."""
CHUNK = 100
SETTLED = 2_000_000_000
"""Nanoseconds after which a change of a file changes its times: file systems count in steps, some of two seconds."""


@dataclass(frozen=True)
class Listing:
    """All runs by number, and what is to be said of the ledger."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def list_runs(project: Path, progress: Progress, now: int | None = None) -> Listing:
    """Every recorded run; a record that cannot be read is a row too and hides no other.

    What the ledger knows is taken only of files whose size, times and inode are those of the files that were read.
    Results are never compared that way; here a file that was changed without any trace would show an old row in a
    list, and `runs show` reads the record itself.
    """
    folders = run_folders(project)
    if not folders and not (project / "reprobuild.toml").is_file():
        raise InputError(
            f"{RUNS}: no run is recorded here", hint="go to a project's folder, or name it with --project"
        )  # fmt: skip
    stamps = {folder.name: read_stamp(folder) for folder in folders}
    path = project / LEDGER
    known, use, note = _open(path)
    still = {name: item for name, item in known.items() if name in stamps and item.stamp == stamps[name].text}
    read = {row.run: row for row in read_rows([folder for folder in folders if folder.name not in still], progress)}
    if use is not Use.LEAVE and (read or len(still) < len(known)):
        moment = time.time_ns() if now is None else now
        learnt = {name: Known(stamps[name].text, row) for name, row in read.items() if stamps[name].settled(moment)}
        note = _keep(path, use, still, learnt, known.keys() - still.keys()) or note
    rows = [still[folder.name].row if folder.name in still else read[folder.name] for folder in folders]
    return Listing(tuple(rows), (note,) if note else ())


@dataclass(frozen=True)
class Stamp:
    """Size, times and inode of a run's files; `changed` is the latest of their times, in nanoseconds."""

    text: str
    changed: int

    def settled(self, now: int) -> bool:
        """True when a later change would have another time."""
        return self.changed + SETTLED < now


def read_stamp(folder: Path) -> Stamp:
    """What the record and the note of a run look like from outside."""
    texts, changed, place = [], 0, str(folder)
    for name in (RECORD, NOTE):
        try:
            status = os.lstat(f"{place}/{name}")  # twice for each of 10,000 runs
        except OSError:
            texts.append("-")
            continue
        texts.append(f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {status.st_ino}")
        changed = max(changed, status.st_mtime_ns, status.st_ctime_ns)
    return Stamp("; ".join(texts), changed)


class Use(Enum):
    """What may be done with the ledger that was found."""

    UPDATE = auto()
    MAKE = auto()
    LEAVE = auto()


def _open(path: Path) -> tuple[dict[str, Known], Use, str]:
    """What the ledger knows, what may be done with it, and what is to be said of it."""
    try:
        return read_ledger(path), Use.UPDATE, ""
    except MissingError:
        return {}, Use.MAKE, ""
    except DamagedError as error:
        return {}, Use.MAKE, f"{LEDGER}: {error}: it is made again from the records"
    except LockedError:
        return {}, Use.LEAVE, f"{LEDGER}: another program holds it: the records were read instead"
    except UnusableError as error:
        return {}, Use.LEAVE, f"{LEDGER}: {error}: the records were read instead"


def _keep(path: Path, use: Use, still: Mapping[str, Known], learnt: Mapping[str, Known], old: Iterable[str]) -> str:
    """Write what was learnt; returns why that was not possible, which is no error."""
    try:
        if use is Use.UPDATE:
            try:
                update_ledger(path, learnt, old)
            except DamagedError:
                make_ledger(path, {**still, **learnt})
        else:
            make_ledger(path, learnt)
    except LockedError:
        return f"{LEDGER}: another program holds it: what was read now is read again next time"
    except (DamagedError, UnusableError) as error:
        return f"{LEDGER}: {error}: what was read now is read again next time"
    return ""


def read_rows(folders: Sequence[Path], progress: Progress) -> Iterator[Row]:
    """The rows of runs, of many on all cores."""
    if folders:
        progress.begin("reading records", len(folders))
    chunks = [folders[at : at + CHUNK] for at in range(0, len(folders), CHUNK)]
    if len(folders) < MANY:
        yield from _advancing(map(_read_chunk, chunks), progress)
        return
    # forkserver: a forked child of a program with threads may inherit a held lock.
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=get_context("forkserver")) as pool:
        yield from _advancing(pool.map(_read_chunk, chunks), progress)


def _advancing(chunks: Iterable[list[Row]], progress: Progress) -> Iterator[Row]:
    for chunk in chunks:
        progress.advance(len(chunk))
        yield from chunk


def _read_chunk(folders: Sequence[Path]) -> list[Row]:
    return [read_row(folder) for folder in folders]


def read_row(folder: Path) -> Row:
    """The row of one run, whatever its record is."""
    try:
        return row_of(folder.name, read_record(folder), _note(folder))
    except ReprobuildError as error:
        return unreadable(folder.name, str(error).removeprefix(f"{folder}").lstrip("/: "))
    except OSError as error:
        return unreadable(folder.name, f"{RECORD}: {error.strerror or error}")


def _note(folder: Path) -> str:
    try:
        return read_note(folder)
    except ReprobuildError as error:
        return f"(unreadable: {str(error).removeprefix(f'{folder}').lstrip('/: ')})"
