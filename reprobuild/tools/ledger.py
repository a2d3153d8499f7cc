"""The ledger, `.reprobuild/runs.sqlite`: what was read of each record, so that a list of runs need not read it again.

It is a cache and nothing else: the records say what is true, and whatever is wrong with the ledger costs only time.
Every row carries a digest of itself, because SQLite notices a damaged page only where its own structure is hurt.
"""

import json
import os
import secrets
import sqlite3
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from reprobuild.ground.digests import sha256_bytes
from reprobuild.ledger.row import Row

LEDGER = ".reprobuild/runs.sqlite"
WAIT = 2.0
"""Seconds that another program may hold the ledger before it is done without."""
MAX_SIZE = 1 << 30
SCHEMA = (
    "CREATE TABLE run (name TEXT PRIMARY KEY, stamp TEXT NOT NULL, summary TEXT NOT NULL, digest TEXT NOT NULL)"
    " WITHOUT ROWID /* 1 */"
)
"""Its text is its version: a ledger with any other is made again."""
_TYPES = {bool, int, float, str}


@dataclass(frozen=True)
class Known:
    """A row, and what its files looked like when they were read."""

    stamp: str
    row: Row


class MissingError(Exception):
    """There is none."""


class LockedError(Exception):
    """Another program holds the ledger."""


class DamagedError(Exception):
    """It is no ledger of this version."""


class UnusableError(Exception):
    """The folder or the disk refuses it."""


def read_ledger(path: Path) -> dict[str, Known]:
    """What is known of each run by the name of its folder; rows that are not as they were written are left out."""
    if not os.path.lexists(path):
        raise MissingError
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_SIZE:
        raise DamagedError("it is not a database")
    with _connected(path) as connection:
        if connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall() != [(SCHEMA,)]:
            raise DamagedError("it is of another version")
        rows = connection.execute("SELECT name, stamp, summary, digest FROM run")
        return {name: known for name, known in map(_parse, rows) if known}


def update_ledger(path: Path, known: Mapping[str, Known], gone: Iterable[str]) -> None:
    """Put in what is known now and take out the runs that are gone, all of it or nothing."""
    with _connected(path) as connection:
        connection.executemany("DELETE FROM run WHERE name = ?", [(name,) for name in gone])
        connection.executemany("INSERT OR REPLACE INTO run VALUES (?, ?, ?, ?)", map(_spell, known.items()))
        connection.commit()


def make_ledger(path: Path, known: Mapping[str, Known]) -> None:
    """A new ledger in the place of whatever is there; another program that reads the old one is not disturbed."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        temporary.touch(exist_ok=False)
        with _connected(temporary) as connection:
            connection.execute("PRAGMA journal_mode = OFF")  # nobody else sees it, and its name comes last
            connection.execute(SCHEMA)
            connection.executemany("INSERT INTO run VALUES (?, ?, ?, ?)", map(_spell, known.items()))
            connection.commit()
        for suffix in ("-journal", "-wal", "-shm"):  # they would be played back into the new one
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        temporary.replace(path)
    except OSError as error:
        raise UnusableError(error.strerror or str(error)) from error
    finally:
        _discard(temporary)


def _discard(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UnusableError(error.strerror or str(error)) from error


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=WAIT)) as connection:
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA synchronous = OFF")  # what a power cut spoils is read from the records again
            yield connection
    except sqlite3.DatabaseError as error:
        _refuse(error)


def _refuse(error: sqlite3.DatabaseError) -> NoReturn:
    """The one of our three errors that it is (https://www.sqlite.org/rescode.html)."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise LockedError(str(error)) from error
    if code in (
        *(sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM),
        *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR),
    ):
        raise UnusableError(str(error)) from error
    raise DamagedError(str(error)) from error


def _spell(item: tuple[str, Known]) -> tuple[str, str, str, str]:
    name, known = item
    summary = json.dumps(dict(known.row.values), ensure_ascii=False, allow_nan=False)
    return name, known.stamp, summary, _digest(name, known.stamp, summary)


def _parse(row: tuple[str, str, str, str]) -> tuple[str, Known | None]:
    name, stamp, summary, digest = row
    if not all(isinstance(part, str) for part in row) or digest != _digest(name, stamp, summary):
        return name, None
    try:
        values = json.loads(summary)
    except (ValueError, RecursionError):  # a digest vouches for a row's bytes, and anybody can make one
        return name, None
    right = isinstance(values, dict) and set(map(type, values.values())) <= _TYPES and {"run", "status"} <= set(values)
    return name, Known(stamp, Row(name, values)) if right else None


def _digest(*parts: str) -> str:
    return sha256_bytes("\0".join(parts).encode())
