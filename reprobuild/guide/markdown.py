"""Values of strangers in Markdown: they show as what they are and can begin no heading, tag, table, link or block.

Escapes are those of https://spec.commonmark.org/0.31.2/ (2.4 and 2.5) and of GitHub's tables and mathematics.
"""

import re
from collections.abc import Iterable, Sequence

MAX_VALUE = 1000
"""Characters of a value that are shown."""
_SPECIAL = re.compile(r"[\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_BEGINS_A_BLOCK = re.compile(r"(?:#{1,6}|[+-])(?=\s|$)|(?:-+|=+)$|[0-9]{1,9}(?=[.)](?:\s|$))")
_PLAIN_CODE = re.compile(r"[^`|]+")
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n")


class Markdown(str):
    """Text that is Markdown on purpose; every other value is escaped where it is written."""

    __slots__ = ()


def escape(value: object) -> Markdown:
    """A value on one line; Markdown stays as it is."""
    if isinstance(value, Markdown):
        return value
    return _escape(one_line(spell(value)))


def _escape(line: str) -> Markdown:
    line = "".join(_ENTITIES.get(character, character) for character in _SPECIAL.sub(r"\\\g<0>", line))
    if begins := _BEGINS_A_BLOCK.match(line):
        at = begins.end() if line[0].isdigit() else 0
        line = f"{line[:at]}\\{line[at:]}"
    return Markdown(line)


def spell(value: object) -> str:
    """A value as JSON and TOML spell it, without quotes."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def one_line(text: str, limit: int = MAX_VALUE) -> str:
    """The text with single spaces, and what no paper can show (controls, marks of direction) by its number."""
    line = " ".join(text.split())
    if len(line) > limit:
        line = line[: limit - 1] + "…"
    return "".join(c if c.isprintable() else f"[U+{ord(c):04X}]" for c in line)


def code(value: object) -> Markdown:
    """A value as code, where it can be; it stands in tables too."""
    line = one_line(spell(value))
    return Markdown(f"`{line}`") if _PLAIN_CODE.fullmatch(line) else _escape(line)


def paragraphs(text: str) -> Markdown:
    """A person's plain text: an empty line begins a new paragraph."""
    parts = (one_line(part, len(part)) for part in _PARAGRAPH.split(text))
    return Markdown("\n\n".join(_escape(part) for part in parts if part))


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Markdown:
    """A table; cells are escaped."""
    lines = [head, ["---"] * len(head), *rows]
    cells = ([Markdown(cell) if number < 2 else escape(cell) for cell in row] for number, row in enumerate(lines))
    return Markdown("\n".join(f"| {' | '.join(row)} |" for row in cells))
