"""A training in the real sandbox, bundled and replayed elsewhere; no network and no image from an archive."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from builders.bundles import make_test_bundle, open_test_world
from builders.host import HostSandbox

from reprobuild.steps.replay.replay import Options, replay_bundle
from reprobuild.tools.progress import Silent
from reprobuild.verdict.document import Effect, Kind, ReplayReport
from reprobuild.verdict.render import render_report

pytestmark = pytest.mark.sandbox

TRAIN = """
import json, os, random, time
rate = json.load(open(os.environ["REPROBUILD_PARAMS"]))["rate"]
weights = [rate * random.gauss(0, 1) for _ in range(100)]
with open("data/points.csv") as stream:
    loss = sum(w * float(x) for w, x in zip(weights, stream)) ** 2
json.dump(weights, open("out/weights.json", "w"))
json.dump({"loss": loss}, open("out/metrics.json", "w"))
print("loss", loss, time.tzname, os.stat("out/weights.json").st_mode)
"""
PROJECT: dict[str, Any] = {
    "hyperparameters": {"rate": 0.5},
    "outputs": ("out/weights.json",),
    "metrics": "out/metrics.json",
    "data": {"points": "data/points.csv"},
}
POINTS = "".join(f"{number / 7}\n" for number in range(100))


def make(folder: Path, train: str = TRAIN, project: dict[str, Any] | None = None) -> Path:
    files: dict[str, str | bytes] = {"train.py": train, "data/points.csv": POINTS}
    return make_test_bundle(folder, HostSandbox(), project or PROJECT, files=files)


def replay(folder: Path, bundle: Path, options: Options | None = None) -> ReplayReport:
    world = open_test_world(folder / "another store", HostSandbox())
    return replay_bundle(bundle, world, options or Options(), on_output=lambda _: None, progress=Silent())


@contextmanager
def elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another folder, umask and time zone."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TZ", "Pacific/Chatham")
    monkeypatch.setenv("HOME", str(folder))
    before = os.umask(0o077)
    time.tzset()
    try:
        yield
    finally:
        os.umask(before)
        monkeypatch.undo()
        time.tzset()


def test_elsewhere_the_same_result_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = make(tmp_path / "made")
    with elsewhere(tmp_path / "away", monkeypatch):
        report = replay(tmp_path, bundle, Options(output=Path("results")))

    assert (report.verdict, report.exit_status) == (Kind.IDENTICAL, 0), report
    assert report.findings == ()
    assert (tmp_path / "away" / "results" / "outputs" / "out" / "weights.json").is_file()


def test_another_seed_gives_other_weights_and_is_named(tmp_path: Path) -> None:
    report = replay(tmp_path, make(tmp_path / "made"), Options(seed=4321))
    weights = next(item for item in report.comparisons if item.name == "out/weights.json")

    assert report.verdict is Kind.DIFFERENT
    assert (report.findings[0].subject, report.findings[0].effect) == ("seed", Effect.WILL)
    assert weights.first is not None
    assert (weights.first.where, weights.differing, weights.values) == ("[0]", 100, 100)


def test_a_training_that_reads_the_clock_is_caught(tmp_path: Path) -> None:
    train = "import time\nopen('out/weights.json', 'w').write(str(time.time_ns()))\n"
    bundle = make(tmp_path / "made", train, {"outputs": ("out/weights.json",)})
    report = replay(tmp_path, bundle)

    assert report.verdict is Kind.DIFFERENT
    assert report.comparisons[0].max_absolute is not None


def test_a_log_that_only_says_when_it_was_is_different_and_says_how_to_be_rid_of_it(tmp_path: Path) -> None:
    train = (
        "import datetime, os, tempfile, time\n"
        "with open('out/log.txt', 'w') as log:\n"
        "    print('loss 0.5', file=log)\n"
        "    print(datetime.datetime.now().isoformat(), 'pid', os.getpid(), tempfile.mkdtemp(), file=log)\n"
    )
    bundle = make(tmp_path / "made", train, {"outputs": ("out/log.txt",)})
    report = replay(tmp_path, bundle)

    assert report.verdict is Kind.DIFFERENT
    assert "temporary paths and time stamps differ: line 2" in report.reasons[0]
    assert [(cause.kind, cause.certainty) for cause in report.causes] == [("moment", "decides")]
    assert "leave the file out of [run] outputs" in render_report(report)


def test_a_training_that_asks_for_entropy_is_caught_with_its_line(tmp_path: Path) -> None:
    train = "import json, os\njson.dump([*os.urandom(9)], open('out/weights.json', 'w'))\n"
    bundle = make(tmp_path / "made", train, {"outputs": ("out/weights.json",)})
    report = replay(tmp_path, bundle)

    assert report.verdict is Kind.DIFFERENT
    assert [(cause.kind, cause.subject) for cause in report.causes] == [("unseeded source", "os.urandom at train.py:2")]


def test_a_training_that_takes_too_long_here_is_different(tmp_path: Path) -> None:
    train = (
        "import os, time\n"
        "open('out/a.txt', 'w').write('1')\n"
        "time.sleep(0 if os.environ['REPROBUILD_SEED'] == '1' else 60)\n"
    )
    bundle = make(tmp_path / "made", train, {"outputs": ("out/a.txt",), "seed": 1, "timeout": 5.0})
    report = replay(tmp_path, bundle, Options(seed=2))

    assert report.verdict is Kind.DIFFERENT
    assert "deadline" in report.reasons[0]


def test_the_sandbox_of_a_replay_shows_nothing_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hidden")
    (tmp_path / "private.txt").write_text("hidden")
    train = (
        "import os\n"
        f"seen = [os.path.exists({str(tmp_path / 'private.txt')!r}), 'SECRET_TOKEN' in os.environ]\n"
        "open('out/a.json', 'w').write(str(seen).lower())\n"
    )
    bundle = make(tmp_path / "made", train, {"outputs": ("out/a.json",)})
    options = Options(output=tmp_path / "results", variables=os.environ)

    assert replay(tmp_path, bundle, options).verdict is Kind.IDENTICAL
    assert (tmp_path / "results" / "outputs" / "out" / "a.json").read_text() == "[false, false]"
