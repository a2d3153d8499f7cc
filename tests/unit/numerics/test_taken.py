"""What the processes of a run told of its pins."""

from pydantic import JsonValue

from reprobuild.numerics.taken import missed_lines, missed_pins, parse_taken, taken_pins

TOOK: JsonValue = {"took": True, "detail": "core Haswell"}
MISSED: JsonValue = {"took": False, "detail": "core Zen, not Haswell"}


def test_a_pin_took_when_it_did_in_every_process_that_has_its_library() -> None:
    told = parse_taken([{"openblas-core": TOOK}, {"openblas-core": MISSED, "numpy-simd": TOOK}, {}, None])

    assert told == {"numpy-simd": TOOK, "openblas-core": MISSED}
    assert parse_taken([{"openblas-core": MISSED}, {"openblas-core": TOOK}]) == {"openblas-core": MISSED}


def test_words_of_another_shape_and_unknown_pins_are_dropped() -> None:
    shapes: list[JsonValue] = [
        None,
        3,
        "took",
        ["numpy-simd"],
        {"numpy-simd": True},
        {"numpy-simd": {"took": 1, "detail": ""}},
    ]

    assert parse_taken([*shapes, {"numpy-simd": {"took": True}}, {"no-pin": TOOK}]) == {}
    assert parse_taken([{"numpy-simd": {"took": True, "detail": "x" * 999 + "\0"}}])["numpy-simd"] == {
        "took": True,
        "detail": "x" * 300,
    }


def test_pins_that_did_not_take_are_lines() -> None:
    found: dict[str, JsonValue] = {"pins": {"openblas-core": MISSED, "numpy-simd": TOOK}}

    assert missed_pins(found) == {"openblas-core": "core Zen, not Haswell"}
    assert taken_pins(found) == ["numpy-simd", "openblas-core"]
    assert list(missed_lines(found, "portable")) == [
        "warning: numerics portable: pin openblas-core did not take: core Zen, not Haswell"
    ]
    assert missed_pins({}) == {}
