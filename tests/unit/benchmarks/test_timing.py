import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from benchmarks.timing import Comparison, Machine, timed


def test_a_ratio_is_the_median_of_pairs_and_not_of_sides() -> None:
    comparison = Comparison()
    for ours, theirs in ((1.0, 5.0), (2.0, 20.0), (4.0, 24.0)):
        comparison.add(ours, theirs)

    assert comparison.ratios == [5.0, 10.0, 6.0]
    assert comparison.figures()["ratio"] == 6.0
    assert str(comparison) == "   6.0 times faster (5.0 to 10.0); 2.000 s, docker 20.000 s"
    json.dumps(comparison.figures())


def test_an_error_of_what_is_measured_is_not_a_measurement() -> None:
    def fail() -> None:
        raise RuntimeError("docker build: it failed")

    with pytest.raises(RuntimeError, match="docker build"):
        timed(fail)


def test_a_machine_says_what_was_compared() -> None:
    assert str(Machine(2, "a CPU", 30, "Docker 20")) == "30 wheels; 2 cores, a CPU; Docker 20"
