import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from builders.host import as_ordinary_user
from builders.records import FAILED, WELL, make_record, write_run

from reprobuild.ground.errors import InputError
from reprobuild.record.note import write_note
from reprobuild.steps.runs.runs import Listing, list_runs
from reprobuild.tools.ledger import LEDGER, SCHEMA, _digest, read_ledger
from reprobuild.tools.progress import Silent

LATER = 1 << 62
"""A time at which every file has long been as it is."""


class Counting(Silent):
    """Hears how many records were read."""

    read = 0

    def advance(self, amount: int = 1) -> None:
        """See `Progress.advance`."""
        self.read += amount


def listed(project: Path, now: int | None = LATER) -> tuple[Listing, int]:
    """What is listed, and how many records were read for it."""
    progress = Counting()
    return list_runs(project, progress, now), progress.read


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for number in range(1, 6):
        ending = FAILED if number == 3 else WELL
        write_run(tmp_path, f"{number:04}", make_record(seed=number, metrics={"loss": 1 / number}, ending=ending))
    return tmp_path


def test_every_run_is_listed_failed_ones_too_and_read_once(project: Path) -> None:
    first, read = listed(project)
    again, read_again = listed(project)

    assert [row.values["status"] for row in first.rows] == ["ok", "ok", "failed", "ok", "ok"]
    assert (first.notes, read) == ((), 5)
    assert (again, read_again) == (first, 0)


def test_runs_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for name in ("10000", "9999", "0002"):
        write_run(tmp_path, name, make_record())
    (tmp_path / ".reprobuild" / "runs" / ".0123456789abcdef").mkdir()
    (tmp_path / ".reprobuild" / "runs" / "other").mkdir()

    assert [row.run for row in listed(tmp_path)[0].rows] == ["0002", "9999", "10000"]


def test_a_new_run_a_new_note_and_a_run_that_is_gone_are_seen(project: Path) -> None:
    listed(project)
    runs = project / ".reprobuild" / "runs"
    write_run(project, "0006", make_record(seed=6))
    write_note(runs / "0002", "dropped")
    (runs / "0001" / "record.json").unlink()
    (runs / "0001").rmdir()
    found, read = listed(project)

    assert [row.run for row in found.rows] == ["0002", "0003", "0004", "0005", "0006"]
    assert (found.rows[0].values["note"], read) == ("dropped", 2)
    assert sorted(read_ledger(project / LEDGER)) == ["0002", "0003", "0004", "0005", "0006"]
    assert listed(project)[1] == 0


def test_a_record_that_was_changed_with_its_size_and_time_kept_is_read_again(project: Path) -> None:
    listed(project)
    path = project / ".reprobuild" / "runs" / "0001" / "record.json"
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b'"loss": 1.0', b'"loss": 9.0'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    found, read = listed(project)

    assert path.stat().st_size == before.st_size
    assert (found.rows[0].values["metric.loss"], read) == (9.0, 1)


def test_a_file_that_may_still_change_without_a_trace_is_read_again(project: Path) -> None:
    changed = max(path.stat().st_ctime_ns for path in project.rglob("record.json"))

    assert [listed(project, changed)[1] for _ in range(2)] == [5, 5]
    assert [listed(project, changed + 3_000_000_000)[1] for _ in range(2)] == [5, 0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "record.json: not strict JSON"),
        (b"\0" * 100, "record.json: not strict JSON"),
        (b'{"format": "reprobuild.record/2"}', "record.json: format: Input should be"),
        (b"[" * 1000, "record.json: JSON nested deeper"),
        (b'{"a": 1, "a": 2}', "record.json: not strict JSON: a key appears twice"),
        (make_record().to_bytes()[:-40], "record.json: not strict JSON"),
    ],
)
def test_a_broken_record_is_listed_with_its_reason_and_hides_no_other(project: Path, data: bytes, said: str) -> None:
    write_run(project, "0006", data)
    write_run(project, "0007", make_record())
    for _ in range(2):
        found, _ = listed(project)
        assert [row.values["status"] for row in found.rows] == ["ok", "ok", "failed", "ok", "ok", "unreadable", "ok"]
        assert str(found.rows[5].values["ending"]).startswith(said)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "record.json: No such file or directory"),
        (lambda path: path.mkdir(), "record.json: not a regular file"),
        (os.mkfifo, "record.json: not a regular file"),
        (lambda path: path.symlink_to("/etc/passwd"), "record.json: Too many levels of symbolic links"),
    ],
)
def test_a_folder_without_a_record_of_its_own_is_listed(project: Path, make: Callable[[Path], None], said: str) -> None:
    folder = project / ".reprobuild" / "runs" / "0006"
    folder.mkdir()
    make(folder / "record.json")

    assert listed(project)[0].rows[5].values["ending"] == said


def test_a_broken_note_does_not_hide_its_run(project: Path) -> None:
    (project / ".reprobuild" / "runs" / "0001" / "note.txt").write_bytes(b"\xff")
    row = listed(project)[0].rows[0]

    assert (row.values["status"], row.values["note"]) == ("ok", "(unreadable: note.txt: not UTF-8)")


def test_a_project_without_a_run_has_an_empty_list_and_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run is recorded here"):
        listed(tmp_path)
    (tmp_path / "reprobuild.toml").touch()

    assert listed(tmp_path)[0] == Listing(())
    assert [path.name for path in tmp_path.iterdir()] == ["reprobuild.toml"]


def _spoil(change: Callable[[bytearray], object]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)

    return spoil


def _become(make: Callable[[Path], None]) -> Callable[[Path], None]:
    def become(path: Path) -> None:
        path.unlink()
        make(path)

    return become


def _older(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE run (name TEXT, accuracy REAL)")
        connection.execute("INSERT INTO run VALUES ('0001', 1.0)")
        connection.commit()


def _endless(path: Path) -> None:
    path.unlink()
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i, i, i, i FROM n"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"CREATE VIEW run(name, stamp, summary, digest) AS {endless}")
        connection.commit()


def _leave_journal(path: Path) -> None:
    path.write_bytes(b"spoilt")
    path.with_name(f"{path.name}-journal").write_bytes(bytes.fromhex("d9d505f920a163d7") + bytes(5000))


@pytest.mark.parametrize(
    "spoil",
    [
        _spoil(lambda data: data.__delitem__(slice(len(data) // 2, None))),
        _spoil(lambda data: data.__delitem__(slice(4096, None))),
        _spoil(lambda data: data.__setitem__(slice(None), bytes(len(data)))),
        _spoil(lambda data: data.__setitem__(slice(100, None), bytes(len(data) - 100))),
        _spoil(lambda data: data.__setitem__(slice(None), random.Random(1).randbytes(len(data)))),
        _spoil(lambda data: data.__setitem__(slice(4096, 8192), random.Random(1).randbytes(4096))),
        _spoil(lambda data: data.clear()),
        _older,
        _endless,
        _leave_journal,
        _become(lambda path: path.symlink_to("/etc/passwd")),
        _become(os.mkfifo),
    ],
)
def test_a_ledger_that_is_damaged_or_of_another_version_is_made_again(
    project: Path, spoil: Callable[[Path], None]
) -> None:
    whole, _ = listed(project)
    spoil(project / LEDGER)
    found, read = listed(project)

    assert found.rows == whole.rows
    assert read == 5
    assert [note.endswith(": it is made again from the records") for note in found.notes] in ([True], [])
    assert listed(project) == (whole, 0)
    assert sorted(path.name for path in (project / ".reprobuild").iterdir()) == ["runs", "runs.sqlite"]


@pytest.mark.parametrize("seed", range(40))
def test_wherever_a_few_bytes_of_the_ledger_flip_the_list_is_the_same(project: Path, seed: int) -> None:
    whole, _ = listed(project)
    path, chance = project / LEDGER, random.Random(seed)
    data = bytearray(path.read_bytes())
    for _ in range(3):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    path.write_bytes(data)

    assert listed(project)[0].rows == whole.rows
    assert listed(project)[0].rows == whole.rows


def test_a_folder_in_the_ledgers_place_costs_time_alone(project: Path) -> None:
    (project / LEDGER).mkdir()
    found, read = listed(project)

    assert (len(found.rows), read) == (5, 5)
    assert [note.startswith(f"{LEDGER}: ") for note in found.notes] == [True]
    assert list((project / LEDGER).iterdir()) == []


def test_a_ledger_that_was_lost_is_made_again_without_a_word(project: Path) -> None:
    whole, _ = listed(project)
    (project / LEDGER).unlink()

    assert listed(project) == (whole, 5)
    assert listed(project) == (whole, 0)


def test_rows_of_a_wrong_shape_are_read_from_the_records(project: Path) -> None:
    whole, _ = listed(project)
    known = read_ledger(project / LEDGER)
    with closing(sqlite3.connect(project / LEDGER)) as connection:
        for name, summary in zip(sorted(known), ("[]", "{}", '{"run": [], "status": ""}', "3", "null"), strict=True):
            digest = _digest(name, known[name].stamp, summary)
            connection.execute("UPDATE run SET summary = ?, digest = ? WHERE name = ?", (summary, digest, name))
        connection.commit()

    assert listed(project) == (whole, 5)


def test_the_ledger_can_be_asked_with_sqlite_alone(project: Path) -> None:
    listed(project)
    question = "SELECT name FROM run WHERE json_extract(summary, '$.\"metric.loss\"') < 0.3 ORDER BY name"
    with closing(sqlite3.connect(project / LEDGER)) as connection:
        assert connection.execute(question).fetchall() == [("0004",), ("0005",)]
        assert connection.execute("SELECT sql FROM sqlite_master").fetchall()[0] == (SCHEMA,)


def test_a_folder_that_cannot_be_written_is_listed_all_the_same() -> None:
    def work(folder: Path) -> str:
        write_run(folder, "0001", make_record())
        (folder / ".reprobuild").chmod(0o500)
        found, _ = listed(folder)
        (folder / ".reprobuild").chmod(0o700)
        left = sorted(path.name for path in (folder / ".reprobuild").iterdir())
        return f"{[row.run for row in found.rows]} {len(found.notes)} {left}"

    assert as_ordinary_user(work) == "['0001'] 1 ['runs']"


def test_a_ledger_that_cannot_be_written_is_read_all_the_same() -> None:
    def work(folder: Path) -> str:
        write_run(folder, "0001", make_record())
        listed(folder)
        (folder / LEDGER).chmod(0o400)
        (folder / ".reprobuild").chmod(0o500)
        warm = listed(folder)
        write_run(folder, "0002", make_record())
        more = listed(folder)
        (folder / ".reprobuild").chmod(0o700)
        return f"{warm[1]} {len(warm[0].notes)} {more[1]} {len(more[0].notes)}"

    assert as_ordinary_user(work) == "0 0 1 1"
