"""What a profile costs, by the probe's own times."""

from reprobuild.numerics.document import Numerics, ProcessCpu
from reprobuild.numerics.pins import Profile
from reprobuild.numerics.price import price, render_price


def timed(profile: Profile, **seconds: float) -> Numerics:
    return Numerics(
        probe=1,
        profile=profile,
        threads=2,
        python="3.11.2",
        cpu=ProcessCpu(),
        libraries={},
        operations={},
        failed={},
        problems=(),
        seconds={name.replace("_", "."): value for name, value in seconds.items()},
    )


NATIVE = timed("native", numpy=0.5, torch=1.0, torch_import=2.0, math=0.001)
PORTABLE = timed("portable", numpy=0.5, torch=1.5, torch_import=9.0, math=0.004, scipy=1.0)


def test_the_price_is_a_ratio_for_each_library_that_both_timed() -> None:
    assert price(NATIVE, PORTABLE) == {"numpy": 1.0, "torch": 1.5}


def test_the_price_is_a_line() -> None:
    assert render_price(NATIVE, PORTABLE) == (
        "numerics portable: the probe's operations took this many times as long as natively here: numpy 1.0, torch 1.5"
    )


def test_nothing_is_said_where_nothing_was_timed_or_nothing_pinned() -> None:
    assert render_price(NATIVE, timed("portable")) == ""
    assert render_price(NATIVE, NATIVE) == ""
