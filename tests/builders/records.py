"""Records of runs that nobody ran, as small or as large as real ones, and the folders that hold them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builders.results import make_asked, make_fingerprint

from reprobuild.record.document import Asked, Ending, FileDigest, Log, Record, Scalar, Tree

WELL = Ending(reason="finished", status=0, signal=None)
FAILED = Ending(reason="finished", status=3, signal=None, message="it ended with exit status 3")


def make_record(
    *, seed: int = 1, hyperparameters: Mapping[str, Scalar] | None = None, asked: Asked | None = None, **changes: Any
) -> Record:
    """The record of a run that succeeded, unless `changes` say otherwise."""
    request = asked or make_asked(seed=seed).model_copy(update={"hyperparameters": dict(hyperparameters or {})})
    fields: dict[str, Any] = {
        "reprobuild": "0.1.0",
        "project": "test",
        "image": "1" * 64,
        "lock": "2" * 64,
        "source": Tree(sha256="3" * 64, size=10_240, files=3),
        "data": {},
        "asked": request,
        "found": {"seeds": {"random": seed}, "environment": {}},
        "fingerprint": make_fingerprint(),
        "outputs": {"out/model.npz": FileDigest(sha256="4" * 64, size=29_000)},
        "metrics": {},
        "ending": WELL,
        "wall_seconds": 4.2,
        "peak_memory_bytes": 200_000_000,
        "log": Log(sha256="5" * 64, size=100, truncated=False),
    }
    return Record(**{**fields, **changes})


def make_large_record() -> Record:
    """A record of some 12 kB: the flags of a real CPU, a hundred packages, several libraries and outputs."""
    fingerprint = make_fingerprint(
        cpu={
            "vendor": "AuthenticAMD",
            "name": "AMD EPYC 9B14",
            "cores": 8,
            "flags": [f"flag_{flag:03}" for flag in range(160)],
        },
        packages={f"package-{name:03}": f"1.{name}.0" for name in range(150)},
        libraries=[
            {"file": f"/opt/site/lib{name}.so", "name": name, "version": "0.3.27", "config": "Zen " * 30, "threads": 1}
            for name in ("openblas", "gomp", "mkl_rt", "torch_cpu")
        ],
    )
    return make_record(
        seed=987654321,
        hyperparameters={"lr": 0.987654321, "depth": 87654321, "optimizer": "87654321"},
        fingerprint=fingerprint,
        outputs={f"out/part{part}.npz": FileDigest(sha256=f"{part:064}", size=part) for part in range(20)},
        metrics={"accuracy": 0.87654321, "loss": 0.7654321},
    )


def write_run(project: Path, name: str, record: Record | bytes) -> Path:
    """The folder of a recorded run."""
    folder = project / ".reprobuild" / "runs" / name
    folder.mkdir(parents=True)
    (folder / "record.json").write_bytes(record if isinstance(record, bytes) else record.to_bytes())
    return folder


def write_many_runs(project: Path, count: int) -> None:
    """Runs 1 to `count`, each large and not quite like the others; every tenth failed."""
    good = make_large_record()
    templates = [record.to_bytes().decode() for record in (good.model_copy(update={"ending": FAILED}), good)]
    for number in range(1, count + 1):
        text = templates[bool(number % 10)]
        for old, new in (
            ("0.987654321", repr(10.0 ** -(number % 5))),
            ("0.87654321", repr(number * 7919 % 1000 / 1000)),
            ("0.7654321", repr(number * 104_729 % 997 / 500)),
            ("987654321", str(number)),
            ('"87654321"', ('"sgd"', '"adam"')[number % 2]),
            ("87654321", str(number % 7)),
        ):
            text = text.replace(old, new)
        write_run(project, f"{number:04}", text.encode())
