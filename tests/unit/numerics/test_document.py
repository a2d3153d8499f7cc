"""`numerics.json`: one spelling, and a strict reader of what an image's own Python printed."""

import json
from typing import Any

import pytest
from builders.numerics import OPERATIONS, make_numerics, printed

from reprobuild.ground.errors import InputError
from reprobuild.numerics.document import MAX_OPERATIONS, MAX_SIZE, Numerics, parse_probe


def test_a_document_has_one_spelling_and_is_read_again() -> None:
    numerics = make_numerics(emulated="Haswell", failed={"torch/sort/i64/9": "RuntimeError: no"})

    assert Numerics.from_bytes(numerics.to_bytes(), "n") == numerics
    assert Numerics.from_bytes(numerics.to_bytes(), "n").to_bytes() == numerics.to_bytes()
    assert numerics.to_bytes() == make_numerics(emulated="Haswell", failed=numerics.failed).to_bytes()


def test_what_a_probe_prints_becomes_a_document() -> None:
    numerics = parse_probe(printed(), "probe", "portable", 4, "EPYC")

    assert (numerics.profile, numerics.threads, numerics.emulated) == ("portable", 4, "EPYC")
    assert numerics.operations == OPERATIONS
    assert numerics.failed == {"torch/sort/i64/9": "RuntimeError: no"}
    assert (numerics.cpu.vendor, numerics.cpu.features) == ("AuthenticAMD", ("avx2", "fma"))


HOSTILE: list[tuple[str, bytes | dict[str, Any]]] = [
    ("not strict JSON", b"Traceback (most recent call last):"),
    ("not strict JSON", b""),
    ("not a JSON object", b"[]"),
    ("not strict JSON", b'{"probe": 1, "probe": 1}'),
    ("nested deeper", b'{"operations": ' + b"[" * 100 + b"]" * 100 + b"}"),
    ("bytes of JSON", b" " * (MAX_SIZE + 1)),
    ("libraries", {"libraries": {"torch\n": "2"}}),
    ("libraries", {"libraries": {"torch": "2\0"}}),
    ("libraries", {"libraries": {str(name): "1" for name in range(101)}}),
    ("operations", {"operations": {"torch/matmul/f32/1x1": "../../etc/passwd"}}),
    ("operations", {"operations": {"torch/matmul": "0" * 16}}),
    ("operations", {"operations": {"a/b/c/\x1b[31m": "0" * 16}}),
    ("operations", {"operations": {f"a/b/c/{number}": "0" * 16 for number in range(MAX_OPERATIONS + 1)}}),
    ("failed", {"operations": {"a/b/c/d": 3}}),
    ("failed", {"operations": {"a/b/c/d": {"error": "x", "more": 1}}}),
    ("failed", {"operations": {"a/b/c/d": {"error": "x" * 2000}}}),
    ("probe", {"probe": -1}),
    ("probe", {"probe": "1"}),
    ("seconds", {"seconds": {"torch": -1.0}}),
    ("seconds", {"seconds": {"torch": "soon"}}),
    ("problems", {"problems": ["x"] * 101}),
    ("problems", {"problems": "x"}),
    ("more", {"more": 1}),
    ("signature", {"signature": 1}),
]


@pytest.mark.parametrize(("problem", "told"), HOSTILE, ids=range(len(HOSTILE)))
def test_anything_else_is_one_line(problem: str, told: bytes | dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"^probe: ") as caught:
        parse_probe(told if isinstance(told, bytes) else printed(**told), "probe", "native", 1)

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    "cpu", [None, [], 7, {"vendor": 3, "features": "all"}, {"vendor": "A", "features": [None] * 5000}]
)
def test_a_strange_processor_is_no_reason_to_lose_the_rest(cpu: object) -> None:
    assert parse_probe(printed(cpu=cpu), "probe", "native", 1).operations == OPERATIONS


def test_a_document_of_another_format_is_refused() -> None:
    data = make_numerics().to_bytes().replace(b"reprobuild.numerics/1", b"reprobuild.numerics/9")

    with pytest.raises(InputError, match="format"):
        Numerics.from_bytes(data, "n")
    assert json.loads(data)["format"] == "reprobuild.numerics/9"
