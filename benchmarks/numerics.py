"""`python -m benchmarks.numerics`: what `portable` costs beside `native`, per operation or per training, in one run.

The two sides take turns; `--python` names a Python that has the libraries to measure, outside any image.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from benchmarks.timing import describe_machine
from reprobuild.numerics.pins import PROFILES, Profile
from reprobuild.numerics.profiles import environment, inside
from reprobuild.record.request import THREAD_VARIABLES

OPERATIONS = Path(__file__).parent / "operations.py"
TRAININGS = Path(__file__).parent / "trainings.py"
RUNTIME = Path(str(files("reprobuild") / "runtime"))


def measure(python: str, script: Path, profile: Profile, threads: int) -> dict[str, float]:
    """Seconds by operation, or by training, under one profile."""
    with tempfile.TemporaryDirectory() as name:
        table = Path(name) / "numerics.json"
        table.write_bytes(inside(profile, threads))
        given = {
            **os.environ,
            **dict.fromkeys(THREAD_VARIABLES, str(threads)),
            **environment(profile, threads),
            "PYTHONPATH": str(RUNTIME),
            "REPROBUILD_THREADS": str(threads),
            "REPROBUILD_NUMERICS": str(table),
        }
        done = subprocess.run([python, str(script)], env=given, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.numerics", description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="whose libraries are measured")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--trainings", action="store_true", help="trainings of tests/machines instead of operations")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="pairs of measurements (default: 3)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    script = TRAININGS if arguments.trainings else OPERATIONS
    rounds = []
    for number in range(arguments.repeat):
        sys.stderr.write(f"pair {number + 1} of {arguments.repeat}\n")
        rounds.append({profile: measure(arguments.python, script, profile, arguments.threads) for profile in PROFILES})
    ratios = {name: [pair["portable"][name] / pair["native"][name] for pair in rounds] for name in rounds[0]["native"]}
    if arguments.json:
        sys.stdout.write(json.dumps(ratios, indent=1) + "\n")
        return
    machine = describe_machine(0, "")
    sys.stdout.write(f"{machine.cores} cores, {machine.cpu}; {arguments.threads} threads\n\n")
    for name, values in ratios.items():
        median = statistics.median(values)
        sys.stdout.write(f"{name:36}{median:6.2f} times as long ({min(values):.2f} to {max(values):.2f})\n")
    every = [statistics.median(values) for values in ratios.values()]
    sys.stdout.write(f"\n{'all, geometric mean':36}{statistics.geometric_mean(every):6.2f}\n")


if __name__ == "__main__":
    main()
