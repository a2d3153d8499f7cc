"""A ledger that somebody else wrote: whatever is in its rows, it costs time at most."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reprobuild.ground.digests import sha256_bytes
from reprobuild.ledger.row import Row
from reprobuild.tools.ledger import Known, make_ledger, read_ledger

ROW = Row("0001", {"run": 1, "status": "ok"})


def signed(name: str, stamp: str, summary: str) -> tuple[str, str, str, str]:
    return name, stamp, summary, sha256_bytes("\0".join((name, stamp, summary)).encode())


@pytest.mark.parametrize(
    "row",
    [
        (b"0002", "stamp", "{}", "digest"),
        ("0002", b"\xff", "{}", "digest"),
        ("0002", "stamp", "{}", 7.5),
        signed("0002", "stamp", "[" * 100_000),
        signed("0002", "stamp", '{"run": ' + "9" * 5000 + ', "status": "ok"}'),
        signed("0002", "stamp", '{"run": 2}'),
        signed("0002", "stamp", "[]"),
        signed("0002", "stamp", ""),
    ],
    ids=range(8),
)
def test_a_row_of_any_shape_is_left_out_and_hides_no_other(tmp_path: Path, row: tuple[object, ...]) -> None:
    path = tmp_path / "runs.sqlite"
    make_ledger(path, {"0001": Known("stamp", ROW)})
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO run VALUES (?, ?, ?, ?)", row)
        connection.commit()

    assert read_ledger(path) == {"0001": Known("stamp", ROW)}
