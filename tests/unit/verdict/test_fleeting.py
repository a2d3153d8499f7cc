import json
import time
from pathlib import Path

import pytest
from builders.models import torch_file
from builders.results import compare_bytes_of
from hypothesis import given
from hypothesis import strategies as st

from reprobuild.verdict.decide import explain
from reprobuild.verdict.document import Comparison, Outcome
from reprobuild.verdict.fleeting import (
    DURATIONS,
    IDENTIFIERS,
    PATHS,
    PROCESSES,
    TIMES,
    fleeting,
    fleeting_number,
)


@pytest.mark.parametrize(
    ("recorded", "seen", "kinds"),
    [
        ("2026-11-29T14:43:27Z begin", "2026-11-30T09:00:00Z begin", {TIMES}),
        ("2026-11-29 14:43:27,123 INFO go", "2026-11-29 14:43:28,001 INFO go", {TIMES}),
        ("2026-11-29T14:43:27.123456+01:00", "2027-01-01T00:00:00.000001+00:00", {TIMES}),
        ("made on 2026-11-29", "made on 2026-12-01", {TIMES}),
        ("2026/11/29 14:43:27 go", "2026/11/29 14:43:28 go", {TIMES}),
        ("run-20261129-144327.log", "run-20261130-090000.log", {TIMES}),
        ("20261129T144327Z", "20261129T144328Z", {TIMES}),
        ("2026_11_29-14_43_27", "2026_11_29-14_43_59", {TIMES}),
        ("Sun Nov 29 14:43:27 2026", "Mon Nov 30 09:00:00 2026", {TIMES}),
        ("Sun Nov  9 14:43:27 UTC 2026", "Mon Nov 30 09:00:00 UTC 2026", {TIMES}),
        ("Date: Sun, 29 Nov 2026 14:43:27 +0000", "Date: Mon, 30 Nov 2026 09:00:00 +0000", {TIMES}),
        ("[14:43:27] step 1", "[14:43:28] step 1", {TIMES}),
        ("at 1795962207.123 loss 0.5", "at 1795962300.5 loss 0.5", {TIMES}),
        ("saved to /tmp/tmpab12cd34/model.pt", "saved to /tmp/tmpzz99yy88/model.pt", {PATHS}),
        ("cache='/tmp/pytorch-3fa9'", "cache='/tmp/pytorch-77b0'", {PATHS}),
        ("tmp0a1b2c3d", "tmpdeadbeef", {PATHS}),
        ("worker pid 4711 up", "worker pid 12 up", {PROCESSES}),
        ("Process 4711: up", "Process 12: up", {PROCESSES}),
        (
            "id 0b8e7f64-2f4a-4a51-9d5e-0a5d3a6b7c8d",
            "id 7b8e7f64-2f4a-4a51-9d5e-0a5d3a6b7c8e",
            {IDENTIFIERS},
        ),
        ("epoch 3 took 1.25 s", "epoch 3 took 10.5 s", {DURATIONS}),
        ("epoch 3  12ms/step", "epoch 3  9ms/step", set()),
        ("elapsed: 12.5", "elapsed: 13.5", {DURATIONS}),
        ("  7.1it/s", " 12.9it/s", {DURATIONS}),
        ("time=3.25, loss=0.5", "time=4.25, loss=0.5", {DURATIONS}),
        ("2026-11-29 took 3 s", "2026-11-30 took 4 s", {TIMES, DURATIONS}),
    ],
)
def test_what_a_run_says_of_its_moment_is_known_by_its_form(recorded: str, seen: str, kinds: set[str]) -> None:
    assert fleeting(recorded, seen) == kinds
    assert fleeting(seen, recorded) == kinds


@pytest.mark.parametrize(
    ("recorded", "seen"),
    [
        ("loss 0.5", "loss 0.25"),
        ("2026-11-29 loss 0.5", "2026-11-30 loss 0.25"),
        ("took 3 s, loss 0.5", "took 4 s, loss 0.25"),
        ("/tmp/tmpab12cd34/epoch3", "/tmp/tmpzz99yy88/epoch4"),
        ("best 2026-11-29", "worst 2026-11-30"),
        ("epoch 1795962207", "epoch 1795962208"),
        ("score 10:30", "score 11:30"),
        ("1.5 seeds", "2.5 seeds"),
        ("layers 12", "layers 13"),
        ("same", "same"),
        ("3 s", "3 m"),
        ("", "2026-11-29"),
        ("12345678901234567890123456789012", "22345678901234567890123456789012"),
    ],
)
def test_what_else_differs_is_not_explained_away(recorded: str, seen: str) -> None:
    assert fleeting(recorded, seen) == frozenset()


@pytest.mark.parametrize(
    ("name", "recorded", "seen", "kinds"),
    [
        ("wall_seconds", 12.5, 13.5, {DURATIONS}),
        ("trainTime", 12, 13, {DURATIONS}),
        ("elapsed", 1.0, 2.0, {DURATIONS}),
        ("timestamp", 1795962207, 1795962300, {TIMES}),
        ("created_at", 1795962207123, 1795962300456, {TIMES}),
        ("start", 1795962207.5, 1795962300.5, {TIMES}),
        ("pid", 4711, 12, {PROCESSES}),
        ("created_at", 3, 4, set()),
        ("parameters", 1795962207, 1795962300, set()),
        ("loss", 0.5, 0.25, set()),
        ("timesteps", 5, 6, set()),
        ("sentiment", 5, 6, set()),
        ("start", 1_000_000_000, 2_000_000_000, set()),
        ("date", 2_499_999_999, 2_500_000_000, set()),
    ],
)
def test_numbers_are_known_by_their_names(name: str, recorded: float, seen: float, kinds: set[str]) -> None:
    assert fleeting_number(recorded, seen, name) == kinds
    assert fleeting(repr(recorded), repr(seen), name) == kinds


def test_a_number_larger_than_any_float_is_no_time() -> None:
    assert fleeting_number(10**400, 1795962207, "created_at") == set()
    assert fleeting_number(1795962207.5, 10**400, "created_at") == set()


@given(st.text(), st.text())
def test_any_two_texts_can_be_asked_in_both_orders(recorded: str, seen: str) -> None:
    assert fleeting(recorded, seen) == fleeting(seen, recorded)


@pytest.mark.parametrize("piece", ["2", "2026-", "1:", "tmp", "/tmp/", "a-", "Mon ", "pid ", "took ", "1e", "0f", " "])
def test_no_text_takes_long(piece: str) -> None:
    begun = time.monotonic()
    long = piece * (60_000 // len(piece))
    fleeting(long + "a", long + "b")

    assert time.monotonic() - begun < 20


def told(tmp_path: Path, name: str, recorded: str, seen: str) -> Comparison:
    comparison = compare_bytes_of(tmp_path, name, recorded.encode(), seen.encode())
    assert comparison.outcome is Outcome.DIFFERENT
    return comparison


def test_a_log_that_differs_in_time_stamps_alone_says_so_and_stays_different(tmp_path: Path) -> None:
    recorded = "step 1\nloss 0.5\n2026-11-29 14:43:27 done, took 3 s\n"
    comparison = told(tmp_path, "log.txt", recorded, recorded.replace("14:43:27", "15:00:01").replace("3 s", "14 s"))

    assert comparison.only_fleeting
    assert explain(comparison).startswith("only durations and time stamps differ: line 3: recorded 2026-11-29 14:43:27")


def test_the_first_difference_that_lasts_is_named_before_time_stamps(tmp_path: Path) -> None:
    recorded = "2026-11-29 14:43:27 begin\n2026-11-29 14:43:28 loss 0.5\n2026-11-29 14:43:29 end\n"
    comparison = told(tmp_path, "a.log", recorded, recorded.replace("14:43", "15:00").replace("0.5", "0.25"))

    assert not comparison.only_fleeting
    assert comparison.first is not None
    assert (comparison.first.where, comparison.first.recorded) == ("line 2, number 7", "0.5")
    assert (comparison.fleeting_values, comparison.differing, comparison.max_absolute) == (2, 3, 0.25)
    assert "; 2 of them only time stamps" in explain(comparison)


def test_json_knows_time_stamps_and_durations_by_their_keys(tmp_path: Path) -> None:
    recorded = {"loss": 0.5, "elapsed": 1.5, "meta": {"created_at": 1795962207, "folder": "/tmp/tmpab12cd34"}}
    seen = {"loss": 0.5, "elapsed": 2.5, "meta": {"created_at": 1795962300, "folder": "/tmp/tmpzz12cd34"}}
    comparison = told(tmp_path, "m.json", json.dumps(recorded), json.dumps(seen))

    assert comparison.fleeting == (DURATIONS, PATHS, TIMES)
    assert comparison.only_fleeting
    assert comparison.max_absolute is None
    assert not told(tmp_path, "m.json", json.dumps(recorded), json.dumps({**seen, "loss": 1})).only_fleeting


def test_json_lines_and_tables_know_them_too(tmp_path: Path) -> None:
    lines = told(tmp_path, "l.jsonl", '{"time": 1.5, "loss": 1}\n', '{"time": 2.5, "loss": 1}\n')
    table = told(tmp_path, "t.csv", "epoch,seconds,loss\n1,3.5,0.5\n", "epoch,seconds,loss\n1,4.5,0.5\n")
    other = told(tmp_path, "t.csv", "epoch,seconds,loss\n1,3.5,0.5\n", "epoch,seconds,loss\n1,4.5,0.25\n")

    assert (lines.only_fleeting, table.only_fleeting, other.only_fleeting) == (True, True, False)
    assert other.first is not None
    assert other.first.where == "row 2, column 3 (loss)"


def test_a_checkpoint_knows_them_too(tmp_path: Path) -> None:
    sides = [torch_file({"made": f"2026-11-29T14:43:2{last}", "epoch": 3}, {}) for last in "78"]
    comparison = compare_bytes_of(tmp_path, "m.pt", *sides)

    assert comparison.only_fleeting
    assert comparison.fleeting == (TIMES,)
