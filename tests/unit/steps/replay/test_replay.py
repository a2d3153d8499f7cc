import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders.bundles import BASE, ScriptedEngine, Training, make_test_bundle, open_test_world
from builders.numerics import make_numerics

from reprobuild.engines.engine import Container, Execution
from reprobuild.ground.errors import InputError, ReprobuildError, UsageError
from reprobuild.record.document import Tolerance
from reprobuild.steps.replay.replay import Options, replay_bundle
from reprobuild.tools.progress import Silent
from reprobuild.verdict.document import Kind, ReplayReport


def train(work: Path, environment: Mapping[str, str]) -> int:
    """Writes what depends on the seed alone."""
    seed = int(environment["REPROBUILD_SEED"])
    (work / "out" / "model.csv").write_text(f"weight\n{seed / 7}\n")
    (work / "out" / "metrics.json").write_text(json.dumps({"loss": 1 / (1 + seed)}))
    return 0


OUTPUTS: Mapping[str, Any] = {"outputs": ("out/model.csv",), "metrics": "out/metrics.json"}


def replay(
    folder: Path, bundle: Path, training: Training = train, options: Options | None = None
) -> tuple[ReplayReport, ScriptedEngine]:
    engine = ScriptedEngine(training)
    world = open_test_world(folder / "another" / "store", engine)
    report = replay_bundle(bundle, world, options or Options(), on_output=lambda _: None, progress=Silent())
    return report, engine


def test_the_same_training_is_identical(tmp_path: Path) -> None:
    report, _ = replay(tmp_path, make_test_bundle(tmp_path, ScriptedEngine(train), OUTPUTS))

    assert (report.verdict, report.exit_status) == (Kind.IDENTICAL, 0)
    assert [check.name for check in report.checks] == ["exit status", "out/metrics.json", "out/model.csv", "loss"]


def test_an_image_that_has_a_layer_twice_is_replayed(tmp_path: Path) -> None:
    """A base has many an empty layer; a wheel's may be the base's own."""
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), OUTPUTS, times=2)

    assert replay(tmp_path, bundle)[0].verdict is Kind.IDENTICAL


@pytest.mark.parametrize("transform", [1, 999])
def test_a_bundle_outlives_the_transform_that_made_its_image(tmp_path: Path, transform: int) -> None:
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), OUTPUTS, transform=transform)

    assert replay(tmp_path, bundle)[0].verdict is Kind.IDENTICAL


def test_another_seed_is_caught_and_is_the_first_cause(tmp_path: Path) -> None:
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), OUTPUTS)
    report, engine = replay(tmp_path, bundle, options=Options(seed=7))

    assert (report.verdict, report.exit_status) == (Kind.DIFFERENT, 10)
    assert (report.findings[0].subject, report.findings[0].seen) == ("seed", "7")
    assert report.seen.asked.seed == 7
    assert engine.seen[0].environment["PYTHONHASHSEED"] == "7"


def test_another_numerics_profile_is_the_first_cause(tmp_path: Path) -> None:
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), OUTPUTS)
    report, engine = replay(tmp_path, bundle, options=Options(numerics="portable", anyway=True))

    assert (report.findings[0].subject, report.findings[0].seen) == ("numerics profile", "portable")
    assert report.seen.asked.numerics == "portable"
    assert engine.seen[0].environment["OPENBLAS_CORETYPE"] == "Haswell"


@pytest.mark.parametrize(("require", "status"), [("equivalent", 0), ("identical", 10)])
def test_metrics_inside_their_tolerance_are_equivalent(tmp_path: Path, require: str, status: int) -> None:
    bundle = make_test_bundle(
        tmp_path, ScriptedEngine(train), {**OUTPUTS, "tolerances": {"loss": Tolerance(absolute=0.5)}}
    )
    options = Options(seed=7, require="identical" if require == "identical" else "equivalent")
    report, _ = replay(tmp_path, bundle, options=options)

    assert (report.verdict, report.exit_status) == (Kind.EQUIVALENT, status)


def test_nothing_declared_is_unchecked(tmp_path: Path) -> None:
    report, _ = replay(tmp_path, make_test_bundle(tmp_path, ScriptedEngine(lambda *_: 0)), lambda *_: 0)

    assert (report.verdict, report.exit_status) == (Kind.UNCHECKED, 11)


def test_a_training_that_fails_here_is_different(tmp_path: Path) -> None:
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), OUTPUTS)
    report, _ = replay(tmp_path, bundle, lambda *_: 3)

    assert report.verdict is Kind.DIFFERENT
    assert report.reasons[0] == "exit status: recorded 0, seen 3: it ended with exit status 3"


def test_a_link_in_place_of_an_output_is_different_and_is_not_followed(tmp_path: Path) -> None:
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), OUTPUTS)

    def link(work: Path, environment: Mapping[str, str]) -> int:
        train(work, environment)
        (work / "out" / "model.csv").unlink()
        (work / "out" / "model.csv").symlink_to("/etc/passwd")
        return 0

    report, _ = replay(tmp_path, bundle, link, Options(output=tmp_path / "results"))

    assert report.verdict is Kind.DIFFERENT
    assert "link" in report.reasons[0]
    assert not (tmp_path / "results" / "outputs" / "out" / "model.csv").exists()


def test_metrics_that_are_not_finite_are_different(tmp_path: Path) -> None:
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), OUTPUTS)

    def explode(work: Path, environment: Mapping[str, str]) -> int:
        train(work, environment)
        (work / "out" / "metrics.json").write_text('{"loss": NaN}')
        return 0

    report, _ = replay(tmp_path, bundle, explode)

    assert report.verdict is Kind.DIFFERENT
    assert "not a finite number" in report.reasons[0]


def test_a_variable_that_was_set_and_is_not_here_is_a_finding(tmp_path: Path) -> None:
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), {**OUTPUTS, "env": ("LANG",)}, variables={"LANG": "C"})
    report, _ = replay(tmp_path, bundle)

    assert [(item.subject, item.recorded, item.seen) for item in report.findings] == [("variable LANG", "set", "unset")]
    assert report.verdict is Kind.IDENTICAL


def test_the_variables_of_this_machine_that_a_bundle_gets_are_named_before_it_runs(tmp_path: Path) -> None:
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), {**OUTPUTS, "env": ("LANG", "TOKEN")})
    told: list[str] = []

    class Listening(Silent):
        def note(self, line: str) -> None:
            told.append(line)

    def trained(work: Path, environment: Mapping[str, str]) -> int:
        told.append("trained")
        return train(work, environment)

    world = open_test_world(tmp_path / "another" / "store", ScriptedEngine(trained))
    options = Options(variables={"TOKEN": "secret", "OTHER": "x"})
    replay_bundle(bundle, world, options, on_output=lambda _: None, progress=Listening())

    assert told[-2:] == ["passed from this machine, as the bundle asks: TOKEN", "trained"]
    assert not any("secret" in line for line in told)


def test_results_appear_in_a_new_folder(tmp_path: Path) -> None:
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), OUTPUTS)
    report, _ = replay(tmp_path, bundle, options=Options(output=tmp_path / "results"))
    names = {path.relative_to(tmp_path / "results").as_posix() for path in (tmp_path / "results").rglob("*.*")}

    assert names == {"outputs/out/model.csv", "outputs/out/metrics.json", "log.txt", "replay.json"}
    assert (tmp_path / "results" / "replay.json").read_bytes() == report.to_bytes()
    assert (tmp_path / "results" / "log.txt").read_text() == "training\n"


def test_a_folder_that_exists_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()

    with pytest.raises(UsageError, match="exists already"):
        replay(tmp_path, tmp_path / "bundle.tar", options=Options(output=tmp_path / "results"))


class InterruptedEngine(ScriptedEngine):
    """Ctrl-C while it trains."""

    def execute(self, place: str, container: Container, on_output: object) -> Execution:
        done = super().execute(place, container, lambda _: None)
        return done if "compileall" in container.argv else replace(done, reason="interrupted", status=None)


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    bundle = make_test_bundle(tmp_path / "made", ScriptedEngine(train), OUTPUTS)
    world = open_test_world(tmp_path / "store", InterruptedEngine(train))
    options = Options(output=tmp_path / "results")

    with pytest.raises(KeyboardInterrupt):
        replay_bundle(bundle, world, options, on_output=lambda _: None, progress=Silent())

    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "store"]
    assert list((tmp_path / "store" / "tmp").iterdir()) == []


def test_data_travels_in_the_bundle_file_and_folder_alike(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"train.py": "", "data/a.csv": "1\n", "data/many/b.csv": "2\n"}
    data = {"one": "data/a.csv", "many": "data/many"}
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), {**OUTPUTS, "data": data}, files=files)
    report, engine = replay(tmp_path, bundle)
    mounts = engine.seen[0].read_only

    assert report.verdict is Kind.IDENTICAL
    assert set(mounts) >= {"/work/data/a.csv", "/work/data/many"}


def test_data_given_by_the_caller_is_checked_by_digest(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"train.py": "", "data/a.csv": "1\n"}
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), {**OUTPUTS, "data": {"one": "data/a.csv"}}, files=files)
    (tmp_path / "same.csv").write_text("1\n")
    (tmp_path / "other.csv").write_text("2\n")

    report, engine = replay(tmp_path, bundle, options=Options(data={"one": tmp_path / "same.csv"}))
    assert report.verdict is Kind.IDENTICAL
    assert engine.seen[0].read_only["/work/data/a.csv"] == tmp_path / "same.csv"
    for path, message in ((tmp_path / "other.csv", "other data"), (tmp_path / "none.csv", "does not exist")):
        with pytest.raises(InputError, match=message):
            replay(tmp_path, bundle, options=Options(data={"one": path}))
    with pytest.raises(UsageError, match="no such data set"):
        replay(tmp_path, bundle, options=Options(data={"two": tmp_path / "same.csv"}))


def test_data_that_does_not_travel_is_asked_for(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"train.py": "", "big.bin": bytes(100_000_001)}
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), {**OUTPUTS, "data": {"big": "big.bin"}}, files=files)

    with pytest.raises(InputError, match=r"data.big: 100,000,001 bytes that the bundle does not carry") as caught:
        replay(tmp_path, bundle)
    assert caught.value.hint == "get it and add --data big=PATH"


def test_nothing_runs_when_a_byte_is_flipped_or_the_end_is_missing(tmp_path: Path) -> None:
    whole = make_test_bundle(tmp_path, ScriptedEngine(train), OUTPUTS).read_bytes()
    broken = tmp_path / "broken.tar"
    engine = ScriptedEngine(train)
    world = open_test_world(tmp_path / "another", engine)
    step = max(1, len(whole) // 60)
    for at in range(0, len(whole), step):
        flipped = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        for data in (whole[:at], flipped):
            broken.write_bytes(data)
            with pytest.raises(ReprobuildError):
                replay_bundle(broken, world, Options(), on_output=lambda _: None, progress=Silent())

    assert engine.seen == []
    assert not (tmp_path / "another" / "roots").exists()


def test_a_record_that_lies_about_its_outputs_is_refused(tmp_path: Path) -> None:
    bundle = make_test_bundle(
        tmp_path,
        ScriptedEngine(train),
        OUTPUTS,
        change=lambda record: record.model_copy(update={"metrics": {"loss": 0.0}}),
    )

    with pytest.raises(InputError, match="its metrics are not what the record tells"):
        replay(tmp_path, bundle)


@pytest.mark.parametrize(
    ("field", "value", "message"), [("lock", "0" * 64, "another lock"), ("outputs", {}, "not what the record tells")]
)
def test_documents_that_do_not_belong_together_are_refused(
    tmp_path: Path, field: str, value: object, message: str
) -> None:
    bundle = make_test_bundle(
        tmp_path, ScriptedEngine(train), OUTPUTS, change=lambda record: record.model_copy(update={field: value})
    )

    with pytest.raises(InputError, match=message):
        replay(tmp_path, bundle)


def test_numerics_larger_than_are_read_are_refused(tmp_path: Path) -> None:
    numerics = make_numerics(failed={f"torch/sort/i64/{number}": "x" * 1000 for number in range(9000)})
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), OUTPUTS, numerics=numerics)

    with pytest.raises(InputError, match=r"bundle.tar: numerics.json: 9\d{6} bytes, at most 8388608 are read"):
        replay(tmp_path, bundle)


def test_a_lock_cannot_choose_what_compiles_the_image(tmp_path: Path) -> None:
    locked = BASE.model_copy(update={"environment": {**BASE.environment, "BASH_ENV": "$(touch /evil)"}})
    bundle = make_test_bundle(tmp_path, ScriptedEngine(train), OUTPUTS, locked=locked)

    with pytest.raises(InputError, match="its image is not of its lock"):
        replay(tmp_path, bundle)
