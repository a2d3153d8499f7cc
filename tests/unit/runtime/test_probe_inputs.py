"""The probe's inputs: the same numbers from Python, NumPy and whatever has NumPy's integers."""

import numpy as np
import pytest
from reprobuild_probe.inputs import BITS, NAMES, Inputs, floats

MAKE = Inputs(np).make


@pytest.mark.parametrize("dtype", sorted(set(NAMES) - {"bf16"}))
def test_an_input_has_its_type_and_shape(dtype: str) -> None:
    made = MAKE(dtype, (5, 7), salt=3)

    assert (str(made.dtype), made.shape) == (NAMES[dtype], (5, 7))
    assert len(np.unique(made)) > 1


@pytest.mark.parametrize("dtype", ["f16", "f32", "f64"])
@pytest.mark.parametrize("positive", [True, False])
def test_numbers_are_those_that_python_makes_of_integers(dtype: str, positive: bool) -> None:
    made = MAKE(dtype, (400,), salt=2, exponent=3, positive=positive)

    assert made.tolist() == floats(400, 2, 3, positive, BITS[NAMES[dtype]])
    assert made.min() >= (0 if positive else -8)
    assert made.max() <= 8


def test_the_first_numbers_are_what_they_always_were() -> None:
    assert floats(3) == [-0.6160550531931221, -0.19801108911633492, 0.7477667653001845]
    assert MAKE("f32", (3,)).tobytes().hex() == "cab51dbf70c34abea46d3f3f"


def test_salt_gives_other_numbers() -> None:
    assert not np.array_equal(MAKE("f64", (100,), salt=1), MAKE("f64", (100,), salt=2))


def test_strides_count_elements_and_may_repeat_or_run_backwards() -> None:
    plain = MAKE("i64", (12,)).tolist()

    assert MAKE("i64", (3, 4), (1, 3)).tolist() == [plain[row::3] for row in range(3)]
    assert MAKE("i64", (2, 4), (0, 1)).tolist() == [plain[:4], plain[:4]]
    assert MAKE("i64", (4,), (-1,)).tolist() == plain[3::-1]


def test_integers_lie_in_their_range_and_in_their_type() -> None:
    made = MAKE("i64", (1000,), low=-3, high=4)

    assert set(made.tolist()) == {-3, -2, -1, 0, 1, 2, 3}
    assert MAKE("i8", (1000,), low=0, high=100000).max() == 127
    assert MAKE("f32", (0, 3)).shape == (0, 3)
