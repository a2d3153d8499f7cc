"""`python -m benchmarks`: `image` beside `docker build` with pip; `replay` beside `docker load` and `docker run`."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.layers import Throughput, measure_layers
from benchmarks.ours import Ours
from benchmarks.replay import Replay
from benchmarks.theirs import running_theirs
from benchmarks.timing import Comparison, Machine, describe_machine, timed

COLD, UNCHANGED, CACHED = "cold build", "unchanged build", "unchanged build, and docker's layers cached"
LAYERS = "layers, one core"
REPLAY = "replay in docker, against load and run"
REQUIREMENTS = Path(__file__).parent / "requirements.in"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="pairs of measurements (default: 3)")
    parser.add_argument("--layers", action="store_true", help="only layers of conda packages and wheels; no Docker")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir="/tmp") as name:
        machine, found = measure(Path(name), arguments.repeat, images=not arguments.layers)
    if arguments.json:
        figures = {title: item.figures() for title, item in found.items()}
        sys.stdout.write(json.dumps({"machine": machine.__dict__, **figures}, indent=1) + "\n")
    else:
        sys.stdout.write(f"{machine}\n\n" + "\n".join(f"{title:45}{item}" for title, item in found.items()) + "\n")


def measure(folder: Path, repeat: int, *, images: bool) -> tuple[Machine, dict[str, Comparison | Throughput]]:
    """Every comparison; the two sides take turns, so that a busy minute is a busy minute for both."""
    say("locking and downloading")
    ours = Ours(folder / "ours", REQUIREMENTS.read_text())
    wheels = ours.prepare()
    say("packing the same files as conda packages")
    layers: dict[str, Comparison | Throughput] = {
        LAYERS: measure_layers(ours.wheels, ours.base, repeat, folder / "conda")
    }
    if not images:
        return describe_machine(len(wheels), "Docker not measured"), layers
    machine, found = measure_images(ours, wheels, folder, repeat)
    return machine, {**found, **layers}


def measure_images(
    ours: Ours, wheels: list[tuple[str, Path]], folder: Path, repeat: int
) -> tuple[Machine, dict[str, Comparison]]:
    """Image builds beside those of Docker."""
    say("starting docker and importing a base with pip")
    with running_theirs(folder / "theirs", Ours(folder / "base", "pip\n")) as theirs:
        theirs.add_wheels(ours.requirements, wheels)
        found = {title: Comparison() for title in (COLD, UNCHANGED, CACHED)}
        for number in range(repeat):
            say(f"pair {number + 1} of {repeat}")
            ours.forget()
            cold, whole = timed(ours.build), timed(theirs.build_cold)
            unchanged, cached = timed(ours.build), timed(theirs.build)
            found[COLD].add(cold, whole)
            found[UNCHANGED].add(unchanged, whole)
            found[CACHED].add(unchanged, cached)
        found[REPLAY] = measure_replay(Replay(folder / "replay", theirs.docker), repeat)
        return describe_machine(len(wheels), theirs.describe()), found


def measure_replay(replay: Replay, repeat: int) -> Comparison:
    """Each side on a machine that has nothing of the image."""
    say("training examples/digits")
    replay.prepare()
    found = Comparison()
    for number in range(repeat):
        say(f"replay {number + 1} of {repeat}")
        replay.forget()
        ours = timed(replay.ours)
        replay.forget()
        found.add(ours, timed(replay.theirs))
    return found


def say(text: str) -> None:
    """Progress, beside the result."""
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
