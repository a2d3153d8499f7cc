"""Operations of a PyTorch that small objects play: what is seen, and what must not reach the training."""

from collections.abc import Iterator

import pytest
from reprobuild_inside.found import FOUND
from reprobuild_inside.watch import Watch


@pytest.fixture
def problems() -> Iterator[list[str]]:
    """What is told of the process of the tests."""
    FOUND["problems"].clear()
    yield FOUND["problems"]
    FOUND["problems"].clear()


class Shapeless:
    """A parameter that is to get its shape with the first batch."""

    def numel(self) -> int:
        raise ValueError("no shape yet")


class Optimiser:
    """One as scripts make them."""

    param_groups = ({"params": [Shapeless()]},)


class Mode:
    """A mode that cannot be entered or left."""

    def __enter__(self) -> None:
        raise RuntimeError("no mode today")


def test_an_optimiser_that_cannot_be_looked_at_makes_its_step(problems: list[str]) -> None:
    watch = Watch()

    watch.before_step(Optimiser())
    watch.before_step([])  # it can be neither hashed nor referred to weakly

    assert problems[0] == "signatures: ValueError: no shape yet"
    assert len(problems) == 2


def test_a_step_ends_where_watching_cannot_go_on_and_the_rest_is_a_gap(problems: list[str]) -> None:
    watch = Watch()
    watch.mode = Mode()

    watch.after_step()

    assert watch.steps == 1
    assert (watch.recording, watch.told(ended=True)["complete"], watch.missed) == (False, False, 2)
    assert len(problems) == 1
