"""`python -m benchmarks.runs`: `reprobuild runs` over 10,000 records, with its ledger and after the ledger was lost."""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.timing import timed

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from builders.records import make_large_record, write_many_runs

LEDGER = ".reprobuild/runs.sqlite"
LOST = "after it was lost"
KINDS: dict[str, tuple[str, ...]] = {
    LOST: (),
    "with the ledger": (),
    "sorted and filtered": ("--sort", "-accuracy", "--where", "lr<0.1"),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.runs", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--records", type=int, default=10_000, metavar="N", help="how many (default: 10000)")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="measurements of each (default: 5)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir="/tmp") as name:
        found = measure(Path(name), arguments.records, arguments.repeat)
    if arguments.json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
        return
    sys.stdout.write(f"{arguments.records} records of {len(make_large_record().to_bytes())} bytes\n")
    for title, times in found.items():
        sys.stdout.write(f"{title:36}{statistics.median(times):6.2f} s  ({min(times):.2f} to {max(times):.2f})\n")


def measure(folder: Path, records: int, repeat: int) -> dict[str, list[float]]:
    """Seconds of whole commands, the start of Python included, and those of the processors alone."""
    write_many_runs(folder, records)
    time.sleep(2.1)  # files that were changed just now are not kept in the ledger
    found: dict[str, list[float]] = {}
    for _ in range(repeat):
        (folder / LEDGER).unlink(missing_ok=True)
        for title, words in KINDS.items():
            before = processor_seconds()
            found.setdefault(title, []).append(timed(lambda words=words: listed(folder, *words)))  # type: ignore[misc]
            if title != LOST:  # the processes that read records then are not waited for, and not counted
                found.setdefault(f"{title}, processors", []).append(processor_seconds() - before)
    return found


def processor_seconds() -> float:
    """Of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def listed(folder: Path, *words: str) -> None:
    """One list, its output thrown away."""
    argv = [sys.executable, "-m", "reprobuild", "--project", str(folder), "runs", *words]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
