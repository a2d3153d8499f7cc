import io
from collections.abc import Mapping
from pathlib import Path

import pytest
from builders.bundles import BASE
from builders.records import FAILED, make_record, write_run
from builders.results import make_asked, make_fingerprint

from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.tar import END, Entry, padding, render_header
from reprobuild.image.model import TRANSFORM_VERSION
from reprobuild.ledger.compare import RunComparison
from reprobuild.ledger.render import render_comparison
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.index import LockIndex
from reprobuild.numerics.document import Numerics, ProcessCpu
from reprobuild.record.document import DataUse, FileDigest, Record, Tree
from reprobuild.steps.runs.compare import compare_recorded
from reprobuild.tools.store import Store

Files = Mapping[str, bytes | str]
SOURCE: dict[str, bytes | str] = {"train.py": "import numpy\nlr = 0.1\nfit(lr)\n", "data.bin": b"\x00\xff"}
METRICS: dict[str, bytes | str] = {"out/metrics.json": '{"loss": 0.25}'}


def make_tar(files: Files, executable: tuple[str, ...] = ()) -> bytes:
    raw = io.BytesIO()
    for name, content in sorted(files.items()):
        data = content.encode() if isinstance(content, str) else content
        raw.write(render_header(Entry(name, "file", 0o755 if name in executable else 0o644, len(data)), 0) + data)
        raw.write(padding(len(data)))
    raw.write(END)
    return raw.getvalue()


def make_wheel(name: str, version: str, sha256: str = "a" * 64) -> Artifact:
    return Artifact(
        kind="wheel", name=name, version=version, filename=f"{name}.whl", size=1, sha256=sha256, source="pip"
    )  # fmt: skip


def make_lock(*artifacts: Artifact, **changes: object) -> LockIndex:
    fields = {"transform": TRANSFORM_VERSION, "base": BASE, "python": "3.11.2", "artifacts": artifacts}
    return LockIndex.model_validate({**fields, "data": {}, "inputs": {}, **changes})


def write(
    project: Path,
    name: str,
    record: Record | None = None,
    *,
    source: Files = SOURCE,
    outputs: Files = METRICS,
    lock: LockIndex | None = None,
    executable: tuple[str, ...] = (),
) -> Path:
    """A run's folder whose parts agree with its record."""
    packed, lock_bytes = make_tar(source, executable), (lock or make_lock()).to_bytes()
    digests = {
        path: FileDigest(sha256=sha256_bytes(data), size=len(data))
        for path, content in outputs.items()
        for data in [content.encode() if isinstance(content, str) else content]
    }
    told = {
        "source": Tree(sha256=sha256_bytes(packed), size=len(packed), files=len(source)),
        "lock": sha256_bytes(lock_bytes),
        "outputs": digests,
    }
    folder = write_run(project, name, (record or make_record()).model_copy(update=told))
    (folder / "source.tar").write_bytes(packed)
    (folder / "reprobuild.lock").write_bytes(lock_bytes)
    (folder / "outputs.tar").write_bytes(make_tar(outputs))
    return folder


def compare(project: Path, first: Path, second: Path) -> RunComparison:
    return compare_recorded((first, second), Store(project / "store"))


def changes(comparison: RunComparison, part: str) -> list[tuple[str, str, str, str]]:
    return [(item.subject, item.recorded, item.seen, item.detail) for item in getattr(comparison, part)]


def test_two_runs_that_are_the_same_differ_in_nothing(tmp_path: Path) -> None:
    first = write(tmp_path, "1", make_record(metrics={"loss": 0.25}))
    second = write(tmp_path, "2", make_record(metrics={"loss": 0.25}, wall_seconds=99.0, peak_memory_bytes=1))
    found = compare(tmp_path, first, second)

    assert found.same
    assert render_comparison(found).endswith("\nnothing differs")
    assert RunComparison.from_bytes(found.to_bytes(), "it") == found
    assert list((tmp_path / "store" / "tmp").iterdir()) == []


def test_requests_are_compared_by_name(tmp_path: Path) -> None:
    params = [{"params.yaml": {"model": {"depth": depth}, "lr": 1}} for depth in (3, 4)]
    own = [{"a": 1, "b": None}, {"a": 1.0, "c": "x"}]
    asked = [
        make_asked(seed=seed).model_copy(update={"params": params[seed], "hyperparameters": own[seed]})
        for seed in (0, 1)
    ]
    first, second = (write(tmp_path, str(n), make_record(asked=side)) for n, side in enumerate(asked, 1))
    found = compare(tmp_path, first, second)

    assert [(item.subject, item.recorded, item.seen) for item in found.findings if "seed of" not in item.subject] == [
        ("seed", "0", "1"),
        ("hyperparameter a", "1", "1.0"),
        ("hyperparameter b", "null", "–"),
        ("hyperparameter c", "–", '"x"'),
        ("hyperparameter model.depth", "3", "4"),
    ]
    assert not found.same


def test_source_files_that_differ_are_named_with_their_first_line(tmp_path: Path) -> None:
    later: dict[str, bytes | str] = {
        "train.py": "import numpy\nlr = 0.2\nfit(lr)\n",
        "data.bin": b"\x00\xfe\x01",
        "new.py": "pass\n",
    }
    first = write(tmp_path, "1", source={**SOURCE, "old.py": "old\n", "same.py": "same\n", "tool.sh": "ls\n"})
    second = write(tmp_path, "2", source={**later, "same.py": "same\n", "tool.sh": "ls\n"}, executable=("tool.sh",))

    assert changes(compare(tmp_path, first, second), "source") == [
        ("data.bin", "2 bytes", "3 bytes", "other bytes"),
        ("new.py", "–", "5 bytes", ""),
        ("old.py", "4 bytes", "–", ""),
        ("tool.sh", "644", "755", "permissions"),
        ("train.py", "lr = 0.1", "lr = 0.2", "line 2"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "recorded", "seen", "line"),
    [
        ("a\n", "a\nb\n", "–", "b", "line 2"),
        ("a\n", "a", "'a\\\\n'", "'a'", "line 1"),
        ("a\n\nb\n", "a\nb\n", "an empty line", "b", "line 2"),
        ("a\r\n", "a\n", "'a\\\\r\\\\n'", "'a\\\\n'", "line 1"),
        ("", "\x1b[2J\n", "–", "\\x1b[2J", "line 1"),
    ],
)
def test_the_first_line_that_differs_is_told_whatever_it_is(
    tmp_path: Path, before: str, after: str, recorded: str, seen: str, line: str
) -> None:
    first, second = write(tmp_path, "1", source={"a": before}), write(tmp_path, "2", source={"a": after})
    found = changes(compare(tmp_path, first, second), "source")

    assert found == [("a", recorded.replace("\\\\", "\\"), seen.replace("\\\\", "\\"), line)]


def test_locks_are_compared_by_package(tmp_path: Path) -> None:
    versions = {"numpy": "2.0", "same": "1", "gone": "1", "re": "1"}
    first = write(tmp_path, "1", lock=make_lock(*(make_wheel(*item) for item in versions.items())))
    other = make_lock(
        *(make_wheel("numpy", "2.1"), make_wheel("same", "1"), make_wheel("new", "3"), make_wheel("re", "1", "b" * 64)),
        python="3.11.3",
        base=BASE.model_copy(update={"packages": ("libc6",)}),
        inputs={"requirements.in": "c" * 64},
    )
    second = write(tmp_path, "2", lock=other)

    assert changes(compare(tmp_path, first, second), "lock") == [
        ("wheel gone", "1", "–", ""),
        ("wheel new", "–", "3", ""),
        ("wheel numpy", "2.0", "2.1", ""),
        ("wheel re", "1 (aaaaaaaaaaaa)", "1 (bbbbbbbbbbbb)", "another file of the same version"),
        ("Python", "3.11.2", "3.11.3", ""),
        ("base: packages", "one", "another", ""),
        ("input requirements.in", "–", "cccccccccccc", ""),
    ]


def test_outputs_are_compared_as_values_and_metrics_by_their_tolerance(tmp_path: Path) -> None:
    first = write(
        tmp_path,
        "1",
        make_record(metrics={"loss": 0.25}),
        outputs={"out/metrics.json": '{"loss": 0.25}', "out/a.txt": "x 1\n", "out/only": "1", "out/b": b"\x00"},
    )
    second = write(
        tmp_path,
        "2",
        make_record(metrics={"loss": 0.5}),
        outputs={"out/metrics.json": '{"loss": 0.5}', "out/a.txt": "x 2\n", "out/b": b"\x00"},
    )
    found = compare(tmp_path, first, second)

    assert {check.name: str(check.outcome) for check in found.checks} == {
        "exit status": "same",
        "out/a.txt": "different",
        "out/b": "same bytes",
        "out/metrics.json": "different",
        "out/only": "missing",
        "loss": "different",
    }
    assert "out/a.txt: line 1, number 1: recorded 1.0, seen 2.0 (apart by 1)" in render_comparison(found)


def test_a_failed_run_is_compared_with_a_good_one(tmp_path: Path) -> None:
    first, second = write(tmp_path, "1"), write(tmp_path, "2", make_record(ending=FAILED), outputs={})
    text = render_comparison(compare(tmp_path, first, second))

    assert text.splitlines()[1].split("  ")[-1] == "different: it ended with exit status 3"


def test_machines_software_data_and_the_rest_of_a_request_are_compared(tmp_path: Path) -> None:
    uses = [DataUse(path="data", sha256=letter * 64, size=1, files=1) for letter in "ab"]
    first = write(tmp_path, "1", make_record(data={"a": uses[0], "b": uses[0]}))
    record = make_record(
        data={"a": uses[0].model_copy(update={"licence": "MIT"}), "b": uses[1], "c": uses[1]},
        fingerprint=make_fingerprint(packages={"numpy": "2.1.0"}),
        image="f" * 64,
        asked=make_asked(outputs=("out/other",)),
    )
    found = compare(tmp_path, first, write(tmp_path, "2", record))

    assert [item.subject for item in found.findings] == ["package numpy"]
    assert changes(found, "data") == [
        ("a: licence", "–", "MIT", ""),
        ("b", "1 files, 1 bytes, aaaaaaaaaaaa", "1 files, 1 bytes, bbbbbbbbbbbb", ""),
        ("c", "–", "1 files, 1 bytes, bbbbbbbbbbbb", ""),
    ]
    assert [item[0] for item in changes(found, "other")] == ["image", "outputs"]


@pytest.mark.parametrize("damage", ["missing", "truncated", "other", "empty", "link"])
@pytest.mark.parametrize("part", ["source.tar", "outputs.tar", "reprobuild.lock"])
def test_a_damaged_part_is_a_difference_with_its_reason_and_never_a_pass(
    tmp_path: Path, part: str, damage: str
) -> None:
    first = write(tmp_path, "1")
    second = write(
        tmp_path, "2", source={"train.py": "other\n"}, outputs={"out/metrics.json": "{}"}, lock=make_lock(python="3.12")
    )
    path = second / part
    data = path.read_bytes()
    path.unlink()
    if damage == "link":
        path.symlink_to("/etc/passwd")
    elif damage != "missing":
        path.write_bytes({"truncated": data[: len(data) // 2], "other": make_tar({"a": "b"}), "empty": b""}[damage])
    found = compare(tmp_path, first, second)
    told = [*changes(found, "source"), *changes(found, "lock"), *[("", "", "", i.detail) for i in found.outputs]]

    assert not found.same
    assert [detail for *_, detail in told if part in detail]
    assert list((tmp_path / "store" / "tmp").iterdir()) == []


def test_the_report_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    first, second = write(tmp_path, "1", source={"a": "1\n"}), write(tmp_path, "2", source={"a": "2\n", "b": ""})

    assert compare(tmp_path, first, second).to_bytes() == compare(tmp_path, first, second).to_bytes()


def test_other_results_have_causes_in_a_ranked_list(tmp_path: Path) -> None:
    entropy = {"unseeded": [{"what": "os.urandom", "file": "train.py", "line": 2, "count": 1}]}
    first = write(tmp_path, "0001", make_record(seed=1), lock=make_lock(make_wheel("numpy", "2.0.0")))
    second = write(
        tmp_path,
        "0002",
        make_record(seed=7, found={"seeds": {"random": 7}, "environment": {}, **entropy}),
        source={**SOURCE, "train.py": "import numpy\nlr = 0.2\nfit(lr)\n"},
        outputs={"out/metrics.json": '{"loss": 0.5}'},
        lock=make_lock(make_wheel("numpy", "2.0.1")),
    )
    comparison = compare(tmp_path, first, second)

    assert [(cause.kind, cause.subject, cause.certainty) for cause in comparison.causes] == [
        ("seed", "seed", "decides"),
        ("code", "train.py, line 2", "may"),
        ("unseeded source", "os.urandom at train.py:2", "may"),
        ("package", "wheel numpy", "may"),
    ]
    assert "  1. seed: recorded 1, seen 7 (another request: --seed was given)" in render_comparison(comparison)


def test_the_same_results_have_no_cause(tmp_path: Path) -> None:
    first = write(tmp_path, "0001", make_record(seed=1))
    comparison = compare(tmp_path, first, write(tmp_path, "0002", make_record(seed=7)))

    assert comparison.causes == ()
    assert "cause" not in render_comparison(comparison)


def probed(last: str) -> bytes:
    return Numerics(
        probe=1,
        profile="native",
        threads=2,
        python="3.11.2",
        cpu=ProcessCpu(),
        libraries={},
        operations={"torch/sqrt/f32/9": "0" * 15 + last},
        failed={},
        problems=(),
        seconds={},
    ).to_bytes()


def test_what_the_numeric_probe_got_otherwise_may_be_the_cause(tmp_path: Path) -> None:
    first = write(tmp_path, "0001")
    second = write(tmp_path, "0002", outputs={"out/metrics.json": '{"loss": 0.5}'})
    (first / "numerics.json").write_bytes(probed("1"))
    (second / "numerics.json").write_bytes(probed("2"))

    (cause,) = compare(tmp_path, first, second).causes
    assert (cause.kind, cause.recorded) == ("probed operation", "torch/sqrt")
    (second / "numerics.json").write_bytes(b"{")
    assert compare(tmp_path, first, second).causes == ()
