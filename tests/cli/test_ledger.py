"""The ledger under several programs at once, and what a kill leaves behind; real processes throughout."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from builders.command import CommandLine
from builders.records import make_record, write_many_runs, write_run

from reprobuild.record.folder import RUNS
from reprobuild.steps.doctor.machine import left_overs
from reprobuild.steps.runs.runs import list_runs
from reprobuild.tools.ledger import LEDGER, WAIT, read_ledger
from reprobuild.tools.progress import Silent

pytestmark = pytest.mark.slow
HOLD = """\
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute(sys.argv[2])
print("held", flush=True)
sys.stdin.read()
"""
HELD = f"note: {LEDGER}: another program holds it: "


@contextmanager
def holding(ledger: Path, statement: str) -> Iterator[None]:
    """Another program that holds a lock."""
    argv = [sys.executable, "-c", HOLD, str(ledger), statement]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            process.stdin.close()


def listing(project: Path, *words: str) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-m", "reprobuild", "--project", str(project), "runs", *words]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def listed(project: Path) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a list."""
    process = listing(project)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Twenty runs, and a ledger that knows them."""
    write_many_runs(tmp_path, 20)
    assert know(tmp_path) == 20
    return tmp_path


def know(project: Path) -> int:
    """Take all runs into the ledger, whose files the real command would let rest for two seconds first."""
    list_runs(project, Silent(), now=1 << 62)
    return len(read_ledger(project / LEDGER))


def test_a_ledger_that_another_program_holds_is_done_without_after_a_moment(project: Path) -> None:
    whole = listed(project)
    with holding(project / LEDGER, "BEGIN EXCLUSIVE"):
        begun = time.monotonic()
        held = listed(project)
        took = time.monotonic() - begun

    assert held == (0, whole[1], HELD + "the records were read instead\n")
    assert took >= WAIT
    assert listed(project) == whole == (0, whole[1], "")


def test_a_ledger_that_is_being_written_is_read_and_what_is_new_is_read_again_next_time(project: Path) -> None:
    write_run(project, "0021", make_record())
    time.sleep(2.1)  # a file that was changed just now is not kept in the ledger
    with holding(project / LEDGER, "BEGIN IMMEDIATE"):
        status, out, err = listed(project)

    assert (status, out.splitlines()[-1].split()[0]) == (0, "0021")
    assert err == HELD + "what was read now is read again next time\n"
    assert len(read_ledger(project / LEDGER)) == 20
    assert listed(project) == (0, out, "")
    assert len(read_ledger(project / LEDGER)) == 21


def test_a_lock_that_is_given_back_in_time_is_waited_for(project: Path) -> None:
    with holding(project / LEDGER, "BEGIN EXCLUSIVE"):
        process = listing(project)
        time.sleep(WAIT / 2)
    out, err = process.communicate(timeout=60)

    assert (process.returncode, len(out.splitlines()), err) == (0, 21, "")


@pytest.mark.parametrize("start", ["lost", "damaged", "there"])
def test_many_lists_at_once_say_the_same(project: Path, start: str) -> None:
    expected = listed(project)[1]
    if start == "lost":
        (project / LEDGER).unlink()
    elif start == "damaged":
        (project / LEDGER).write_bytes(bytes(5000))
    processes = [listing(project) for _ in range(6)]
    ended = [process.communicate(timeout=120) for process in processes]

    assert [process.returncode for process in processes] == [0] * 6
    assert {out for out, _ in ended} == {expected}
    assert all("Traceback" not in err and err.count("\n") <= 1 for _, err in ended), ended
    assert listed(project) == (0, expected, "")
    assert sorted(path.name for path in (project / ".reprobuild").iterdir()) == ["runs", "runs.sqlite"]


@pytest.mark.slow
def test_a_list_that_is_killed_leaves_a_ledger_that_costs_time_at_most(tmp_path: Path) -> None:
    write_many_runs(tmp_path, 300)
    time.sleep(2.1)
    expected = listed(tmp_path)[1]
    for wait in (0.2, 0.35, 0.5, 0.65):
        (tmp_path / LEDGER).unlink()
        process = listing(tmp_path)
        time.sleep(wait)
        process.kill()
        process.communicate()

        assert listed(tmp_path) == (0, expected, "")


@pytest.mark.sandbox
def test_runs_that_fail_are_stopped_or_are_killed_are_listed_or_told_of(tmp_path: Path) -> None:
    end = "sys.exit(3) if os.environ['REPROBUILD_SEED'] == '1' else time.sleep(600)"
    train = f"import os, sys, time\nprint('so far', flush=True)\n{end}"
    line = CommandLine(tmp_path, files={"train.py": train}).lock()
    assert line.run("run", "--seed", "1").returncode == 4
    for number in (signal.SIGINT, signal.SIGKILL):
        with line.start("run", "--seed", "2") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"so far\n"
            at_work = left_overs(line.project / RUNS)
            process.send_signal(number)
            process.communicate(timeout=60)

        assert at_work == []
    done = line.run("runs")
    rows = [[*text.split(maxsplit=4)[:2], text.split("  ")[-1]] for text in done.stdout.splitlines()[1:]]
    assert rows == [["0001", "failed", "ended with exit status 3"], ["0002", "failed", "was interrupted"]]
    left = left_overs(line.project / RUNS)
    told = line.run("doctor").stdout

    assert len(left) == 1
    assert "1 of runs that were killed before they could be recorded" in told
    command = next(text.partition("→ ")[2] for text in told.splitlines() if f"→ rm -r {left[0]}" in text)
    assert os.waitstatus_to_exitcode(os.system(command)) == 0
    assert [path.name for path in line.runs] == ["0001", "0002"]
