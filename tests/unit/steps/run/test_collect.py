"""What the processes of a training told, in files that any program may have written."""

import json
from pathlib import Path
from typing import Any

from reprobuild.numerics.signatures import UNREAD
from reprobuild.steps.run.collect import MAX_FOUND, MAX_PROCESSES, read_found, read_signatures

TOLD = {"complete": True, "cpu": {"vendor": "GenuineIntel"}}
SIGNATURES = {"seen": [], "complete": True, "gaps": [], "missed": None, "hidden": [], "steps": 0, "seconds": 0.5}


def tell(folder: Path, pid: int, size: int = 0, **more: Any) -> None:
    """A process's file, filled up to its size."""
    told = {**TOLD, "signatures": {**SIGNATURES, "operations": 1}, **more, "rest": ""}
    fill = "x" * max(0, size - len(json.dumps(told)))
    (folder / f"{pid:08d}.json").write_text(json.dumps({**told, "rest": fill}))


def cpus_of(folder: Path) -> dict[str, int]:
    """How many processes were on which maker's processor; "" stands for those that were not read."""
    processes: Any = read_found(folder, ("python", "train.py"), "/work")["processes"]
    return {cpu.get("vendor", ""): cpu["count"] for cpu in processes["cpus"]}


def test_files_beyond_the_most_are_counted_and_not_read(tmp_path: Path) -> None:
    for pid in range(MAX_PROCESSES + 3):
        tell(tmp_path, pid)

    assert cpus_of(tmp_path) == {"GenuineIntel": MAX_PROCESSES, "": 3}


def test_large_files_are_read_up_to_64_mebibytes_together_in_the_order_of_their_names(tmp_path: Path) -> None:
    for pid in range(16):
        tell(tmp_path, pid, MAX_FOUND)
    tell(tmp_path, 16, cpu={"vendor": "AuthenticAMD"})
    tell(tmp_path, 17)

    assert cpus_of(tmp_path) == {"GenuineIntel": 16, "": 2}
    assert read_signatures(tmp_path).operations == 16
    assert read_signatures(tmp_path).gaps == (UNREAD,)


def test_what_is_no_json_counts_as_read_of_those_bytes(tmp_path: Path) -> None:
    tell(tmp_path, 1)
    for pid in range(2, 20):
        (tmp_path / f"{pid:08d}.json").write_bytes(b"x" * (MAX_FOUND + 9))
    tell(tmp_path, 20)
    found = read_found(tmp_path, ("python", "train.py"), "/work")

    assert cpus_of(tmp_path) == {"GenuineIntel": 1, "": 19}
    assert found["problems"] == [
        f"found: {pid:08d}.json: {MAX_FOUND + 1} bytes of JSON, at most {MAX_FOUND} are read" for pid in range(2, 17)
    ]
