"""Runs to compare, without running anything."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from reprobuild.ground.digests import sha256_file
from reprobuild.hardware.fingerprint import Fingerprint
from reprobuild.record.document import Asked, Ending, FileDigest, Tolerance
from reprobuild.verdict.compare import compare_output
from reprobuild.verdict.document import Comparison, Outcome

FINISHED = Ending(reason="finished", status=0, signal=None)


def make_asked(
    *,
    outputs: tuple[str, ...] = ("out/model.npz",),
    metrics: str | None = None,
    tolerances: dict[str, Tolerance] | None = None,
    seed: int = 1,
) -> Asked:
    return Asked(
        command=("python", "train.py"),
        seed=seed,
        threads=2,
        timeout=60,
        gpu=False,
        env=(),
        hyperparameters={},
        params={},
        outputs=outputs,
        metrics=metrics,
        tolerances=tolerances or {},
    )


@dataclass(frozen=True)
class FakeResult:
    """One side of a verdict."""

    ending: Ending = FINISHED
    metrics: dict[str, float] = field(default_factory=dict)


def make_comparison(outcome: Outcome, name: str = "out/model.npz") -> Comparison:
    return Comparison(name=name, outcome=outcome, compared_as="npz", recorded=None, seen=None, detail="as made up")


def make_fingerprint(**changes: object) -> Fingerprint:
    facts: dict[str, object] = {
        "cpu": {"vendor": "AuthenticAMD", "name": "EPYC", "cores": 2, "flags": ["avx", "avx2", "fma", "nx"]},
        "memory_bytes": 8_000_000_000,
        "kernel": "6.1.0",
        "libc": "glibc 2.36",
        "python": "3.11.2",
        "packages": {"numpy": "2.0.0"},
        "libraries": [{"file": "/usr/lib/libopenblas.so", "name": "openblas", "core": "Zen", "threads": 2}],
        "gpus": [],
    }
    return Fingerprint.model_validate_json(json.dumps({**facts, **changes}))


def compare_bytes_of(folder: Path, name: str, recorded: bytes, seen: bytes) -> Comparison:
    """The comparison of two files of one name."""
    sides = []
    for side, data in (("recorded", recorded), ("seen", seen)):
        path = folder / side / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        sides.append((FileDigest(sha256=sha256_file(path), size=len(data)), path))
    return compare_output(name, sides[0], sides[1])
