"""A guide as text: lines that are generated, people's own blocks between them, and at its end a seal.

The seal is a comment with a digest of every generated line, so that a line which was edited outside the blocks is found
in a fresh clone too, where no record lies.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError

MAX_LINES = 50_000
_BEGIN = re.compile(r"<!-- reprobuild:begin own ([a-z0-9][a-z0-9_-]{0,63}) -->")
_END = re.compile(r"<!-- reprobuild:end own ([a-z0-9][a-z0-9_-]{0,63}) -->")
_SEAL = "<!-- reprobuild:seal"
_SEAL_END = "-->"
_FIELDS = re.compile(
    r"run (none|\d{4,9} [0-9a-f]{64})\ninputs ([0-9a-f]{64})\ntext ([0-9a-f]{64})\nlines((?:\s[0-9a-f]+)*)\n"
)
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_SHORT, _ROW = 6, 16
HINT = "the markers stand alone on their lines, each begin with its end; git shows how they were"


@dataclass(frozen=True)
class Seal:
    """What a guide was written from: run number and digest of its record, or None; and the digests of what it says."""

    run: tuple[str, str] | None
    inputs: str
    """Of `guide.toml` and the template."""
    text: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Guide:
    """A guide taken apart; `lines` are the generated ones that are not empty, with their numbers, from 1."""

    lines: tuple[tuple[int, str], ...]
    blocks: Mapping[str, str]
    places: Mapping[str, int] = field(default_factory=dict)
    """The line at which each block begins."""
    seal: Seal | None = None

    @property
    def generated(self) -> list[str]:
        """The generated lines."""
        return [line for _, line in self.lines]


@dataclass(frozen=True)
class Edit:
    """A generated line that is not as it was; `was` is None where nobody knows any more, `now` where it is gone."""

    line: int
    was: str | None
    now: str | None


def begin_of(name: str) -> str:
    """The line that begins a block."""
    return f"<!-- reprobuild:begin own {name} -->"


def end_of(name: str) -> str:
    """The line that ends a block."""
    return f"<!-- reprobuild:end own {name} -->"


def parse_guide(text: str, subject: str) -> Guide:
    """The guide taken apart; InputError where a block does not end, has a namesake, or lies in another."""
    lines: list[tuple[int, str]] = []
    blocks: dict[str, str] = {}
    places: dict[str, int] = {}
    name, body = "", ""
    for number, raw in enumerate(_LINE.findall(text), 1):
        line = raw.rstrip("\r\n")
        begin, end = _BEGIN.fullmatch(line), _END.fullmatch(line)
        if begin and (name or begin[1] in places):
            problem = f"begins inside own {name}" if name else f"begins at line {places[begin[1]]} too"
            raise InputError(f"{subject}:{number}: own {begin[1]} {problem}", hint=HINT)
        if end and end[1] != name:
            raise InputError(f"{subject}:{number}: own {end[1]} ends and did not begin", hint=HINT)
        if end:
            blocks[name], name, body = body, "", ""
        elif name:
            body += raw
            continue
        if begin:
            name, places[begin[1]] = begin[1], number
        if line.strip():
            lines.append((number, line.rstrip()))
    if name:
        raise InputError(f"{subject}:{places[name]}: own {name} does not end", hint=HINT)
    if len(lines) > MAX_LINES:
        raise InputError(f"{subject}: {len(lines)} lines outside of its blocks, at most {MAX_LINES} are read")
    kept, seal = _take_seal(lines)
    return Guide(tuple(kept), blocks, places, seal)


def _take_seal(lines: list[tuple[int, str]]) -> tuple[list[tuple[int, str]], Seal | None]:
    """The lines around the seal, and the seal, when it is whole."""
    begin = next((at for at, (_, line) in enumerate(lines) if line == _SEAL), len(lines))
    end = next((at for at in range(begin, len(lines)) if lines[at][1] == _SEAL_END), len(lines))
    fields = _FIELDS.fullmatch("".join(f"{line}\n" for _, line in lines[begin + 1 : end]))
    if end == len(lines) or not fields:
        return lines, None
    run = None if fields[1] == "none" else (fields[1].split(" ")[0], fields[1].split(" ")[1])
    return lines[:begin] + lines[end + 1 :], Seal(run, fields[2], fields[3], tuple(fields[4].split()))


def write_guide_text(generated: str, blocks: Mapping[str, str], run: tuple[str, str] | None, inputs: str) -> str:
    """The whole guide: the generated text with each block's words in their place, and the seal."""
    lines = generated.split("\n")[:-1]
    digests = [_short_digest(line) for line in lines if line]
    rows = [" ".join(digests[at : at + _ROW]) for at in range(0, len(digests), _ROW)]
    told = "none" if run is None else " ".join(run)
    seal = [_SEAL, f"run {told}", f"inputs {inputs}", f"text {digest_lines(lines)}", "lines", *rows, _SEAL_END]
    written = []
    for line in [*lines, *seal]:
        begin = _BEGIN.fullmatch(line)
        written += [f"{line}\n", blocks.get(begin[1], "") if begin else ""]
    return "".join(written)


def digest_lines(lines: Sequence[str]) -> str:
    """The digest of the generated text; empty lines do not count."""
    return sha256_bytes("\n".join(line for line in lines if line).encode())


def _short_digest(line: str) -> str:
    return sha256_bytes(line.encode())[:_SHORT]


def edits(guide: Guide, rendered: list[str]) -> list[Edit]:
    """The lines outside the blocks that are not as the seal has them, in order.

    What a line was is known when it is among those that would be written now.
    """
    if guide.seal is None or digest_lines(guide.generated) == guide.seal.text:
        return []
    known = {_short_digest(line): line for line in rendered}
    seen = [_short_digest(line) for line in guide.generated]
    return list(_compare(guide, guide.seal.lines, seen, known)) or [Edit(1, None, "another text than its seal tells")]


def _compare(guide: Guide, sealed: tuple[str, ...], seen: list[str], known: Mapping[str, str]) -> Iterator[Edit]:
    for kind, a, b, c, d in difflib.SequenceMatcher(None, sealed, seen, autojunk=len(seen) > 5000).get_opcodes():
        if kind == "equal":
            continue
        for offset in range(max(b - a, d - c)):
            number, now = guide.lines[min(c + offset, len(seen) - 1)] if seen else (1, "")
            was = known.get(sealed[a + offset]) if a + offset < b else ""
            yield Edit(number, was, now if c + offset < d else None)
