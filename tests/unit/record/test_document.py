import json
from typing import Any

import pytest

from reprobuild.ground.canonical import canonical_json
from reprobuild.ground.errors import InputError
from reprobuild.hardware.fingerprint import Cpu, Fingerprint
from reprobuild.record.document import Asked, DataUse, Ending, FileDigest, Log, Record, Tolerance, Tree

DIGEST = "0" * 64


def record(reason: Any = "finished", status: int | None = 0, signal: str | None = None) -> Record:
    return Record(
        reprobuild="0.1",
        project="digits",
        image=DIGEST,
        lock=DIGEST,
        source=Tree(sha256=DIGEST, size=10, files=1),
        data={"d": DataUse(path="/data/d", sha256=DIGEST, size=1, files=1)},
        asked=Asked(
            command=("python", "train.py"),
            seed=2**32 - 1,
            threads=2,
            timeout=1.5,
            gpu=False,
            env=("LANG",),
            hyperparameters={"a": True, "b": 1, "c": 0.1, "d": "x", "e": None},
            params={"p.yaml": {"deep": [1, None, {"ü": 2.5}]}},
            outputs=("out/model.npz",),
            metrics="out/metrics.json",
            tolerances={"loss": Tolerance(relative=1e-6)},
        ),
        found={"seeds": {"numpy": 1}},
        fingerprint=Fingerprint(
            cpu=Cpu(model="x"),
            memory_bytes=1,
            kernel="6",
            libc="glibc 2.36",
            python="3.11.2",
            packages={"numpy": "2"},
            libraries=[{"name": "openblas", "threads": 2}],
        ),
        outputs={"out/model.npz": FileDigest(sha256=DIGEST, size=3)},
        metrics={"loss": 0.5},
        ending=Ending(reason=reason, status=status, signal=signal),
        wall_seconds=1.25,
        peak_memory_bytes=5,
        log=Log(sha256=DIGEST, size=4, truncated=False),
    )


def test_a_record_from_before_there_were_profiles_was_native() -> None:
    old = json.loads(record().to_bytes())
    del old["asked"]["numerics"]

    assert Record.from_bytes(canonical_json(old), "record.json").asked.numerics == "native"


def test_a_record_comes_back_as_it_was_written_and_is_written_as_it_came() -> None:
    data = record().to_bytes()

    assert Record.from_bytes(data, "record.json") == record()
    assert Record.from_bytes(data, "record.json").to_bytes() == data


@pytest.mark.parametrize(
    ("reason", "status", "signal", "good"),
    [
        ("finished", 0, None, True),
        ("finished", 1, None, False),
        ("finished", None, "SIGKILL", False),
        ("deadline", None, None, False),
        ("interrupted", None, None, False),
        ("outputs", 0, None, False),
    ],
)
def test_only_a_run_that_finished_with_0_and_left_its_outputs_is_good(
    reason: str, status: int | None, signal: str | None, good: bool
) -> None:
    assert record(reason, status, signal).good is good


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (("asked", "outputs"), ["../../.ssh/authorized_keys"]),
        (("asked", "outputs"), ["/etc/passwd"]),
        (("asked", "metrics"), "a/../../b"),
        (("asked", "command"), []),
        (("asked", "command"), ["a\0b"]),
        (("asked", "env"), ["A=B"]),
        (("asked", "seed"), 2**32),
        (("asked", "seed"), True),
        (("asked", "timeout"), 0.0),
        (("asked", "timeout"), 1e300),
        (("data", "d", "path"), "/etc"),
        (("data", "d", "path"), "/data/../etc"),
        (("data",), {"../d": {"path": "d", "sha256": DIGEST, "size": 1, "files": 1}}),
        (("outputs",), {"../x": {"sha256": DIGEST, "size": 1}}),
        (("ending", "reason"), "perfect"),
        (("image",), "sha256:" + DIGEST),
        (("surprise",), 1),
        (("format",), "reprobuild.record/2"),
    ],
)
def test_a_record_from_a_stranger_names_no_place_outside_the_run(key: tuple[str, ...], value: object) -> None:
    table: Any = record().model_dump(mode="json")
    place = table
    for part in key[:-1]:
        place = place[part]
    place[key[-1]] = value

    with pytest.raises(InputError, match=r"record\.json: "):
        Record.from_bytes(canonical_json(table), "record.json")
