"""Pickles compared by their instructions, which `pickletools` lists without running any.

A pickle is a program: its result is known only to who runs it. Two lists of instructions that differ in numbers of the
memo, in the protocol or in frames alone (https://docs.python.org/3/library/pickletools.html) are still other bytes.
"""

import io
import pickletools
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from reprobuild.tensors.errors import BROKEN, ProgramError
from reprobuild.verdict.fleeting import fleeting
from reprobuild.verdict.tally import Tally

A_PROGRAM = "a pickle is a program, which reading would run"
MAX_PICKLE = 64 << 20
"""Bytes; both are held."""
MAX_INSTRUCTIONS = 2_000_000
_SPELLING = frozenset(("PROTO", "FRAME"))
_PUT, _GET = ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"), ("GET", "BINGET", "LONG_BINGET")
_NAMES = {
    **dict.fromkeys(("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), "text"),
    **dict.fromkeys(("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"), "number"),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8"), "bytes"),
    **dict.fromkeys(("BINFLOAT", "FLOAT"), "float"),
}
"""Instructions that differ in how wide their argument is."""
Instruction = tuple[str, Any]


def compare_pickles(recorded: Path, seen: Path, tally: Tally) -> None:
    """Where the instructions first differ; ProgramError where they cannot be listed or are the same."""
    if max(recorded.stat().st_size, seen.stat().st_size) > MAX_PICKLE:
        raise ProgramError(A_PROGRAM)
    try:
        _compare(_instructions(recorded), _instructions(seen), tally)
    except ProgramError:
        raise
    except BROKEN as error:
        raise ProgramError(f"{A_PROGRAM}, and not all of it is instructions") from error
    if not tally.differing:
        raise ProgramError(f"{A_PROGRAM}; only the memo's numbers, the protocol or frames differ in it")
    tally.about = f"{A_PROGRAM}: its instructions were compared"


def _compare(recorded: Iterator[Instruction], seen: Iterator[Instruction], tally: Tally) -> None:
    """Instructions in pairs, up to the first that is another instruction: after it nothing fits together."""
    for number, (one, other) in enumerate(zip_longest(recorded, seen), 1):
        where = f"instruction {number}"
        if one is None or other is None or one[0] != other[0]:
            tally.text(where, *(side[0] if side else "the end" for side in (one, other)))
            return
        if one[1] == other[1] and type(one[1]) is type(other[1]):
            tally.same()
        elif isinstance(one[1], float):
            tally.numbers(f"{where} ({one[0]})", one[1], other[1])
        else:
            texts = isinstance(one[1], str)
            kinds = fleeting(one[1], other[1]) if texts and isinstance(other[1], str) else frozenset()
            tally.text(f"{where} ({one[0]})", _spell(one[1], other[1]), _spell(other[1], one[1]), kinds=kinds)


def _instructions(path: Path) -> Iterator[Instruction]:
    """Each instruction and its argument; places of the memo are counted, whatever their numbers."""
    order: dict[Any, int] = {}
    stream = io.BytesIO(path.read_bytes())
    for number, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if number > MAX_INSTRUCTIONS:
            raise ProgramError(A_PROGRAM)
        if opcode.name in _PUT:
            order[len(order) if argument is None else argument] = len(order)
        elif opcode.name in _GET:
            yield "GET", order[argument]
        elif opcode.name not in _SPELLING:
            yield _NAMES.get(opcode.name, opcode.name), argument
    if stream.read(1):
        raise ProgramError(f"{A_PROGRAM}, and more than a pickle is in it")


def _spell(argument: Any, other: Any) -> str:
    """An argument; of bytes the first that differs."""
    if not isinstance(argument, bytes | bytearray) or not isinstance(other, bytes | bytearray):
        return repr(argument)
    if len(argument) != len(other):
        return f"{len(argument)} bytes"
    at = next(at for at, (x, y) in enumerate(zip(argument, other, strict=True)) if x != y)
    return f"0x{argument[at]:02x} at byte {at} of {len(argument)}"
