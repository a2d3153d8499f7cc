"""JSON in one spelling, and a strict reader for JSON from strangers (RFC 8259, I-JSON of RFC 7493)."""

import json
import math
import re
from typing import Any, NoReturn

from reprobuild.ground.errors import InputError

MAX_DEPTH = 32
MAX_SIZE = 64 << 20
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def canonical_json(value: object) -> bytes:
    """Sorted keys, one key a line, UTF-8, a newline at the end; NaN and infinities raise ValueError."""
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def parse_json(data: bytes, subject: str, *, max_size: int = MAX_SIZE, max_depth: int = MAX_DEPTH) -> Any:
    """The value of strict JSON: no duplicate key, no NaN, at most `max_depth` deep, or InputError."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    def finite(text: str) -> float:
        if math.isinf(number := float(text)):
            raise ValueError(f"{text[:20]} is larger than any number")
        return number

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError("a key appears twice")
        return found

    if len(data) > max_size:
        raise InputError(f"{subject}: {len(data)} bytes of JSON, at most {max_size} are read")
    if _depth(data) > max_depth:
        raise InputError(f"{subject}: JSON nested deeper than {max_depth}")
    try:
        value = json.loads(data.decode(), object_pairs_hook=unique, parse_constant=refuse, parse_float=finite)
        if rb"\ud" in data.lower():  # half of a surrogate pair is no character, and cannot be written again
            json.dumps(value, ensure_ascii=False).encode()
        return value
    except (ValueError, RecursionError) as error:
        raise InputError(f"{subject}: not strict JSON: {error}") from error


def _depth(data: bytes) -> int:
    """An upper bound of the nesting: an unclosed string hides what follows it."""
    depth = deepest = 0
    for bracket in _STRING.sub(b"", data).translate(None, _NO_BRACKETS):
        if bracket in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest
