"""The text of a TOML file as people write it: a remark behind a short line, above a long one."""

import textwrap
from collections.abc import Iterable, Sequence

from reprobuild.scaffold.toml import Value, plain, render_key, render_value

COLUMN, WIDTH, MAX_REMARK = 37, 120, 1000


class Lines:
    """Collects lines."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def table(self, *name: str, remark: str = "") -> None:
        """The header of a table, after an empty line."""
        self._lines += [""] if self._lines else []
        self._add(f"[{render_key(*name)}]", remark)

    def entry(self, key: str, value: Value, remark: str = "") -> None:
        """A key with its value."""
        text = f"{render_key(key)} = {render_value(value)}"
        if len(text) > WIDTH and isinstance(value, Sequence) and not isinstance(value, str):
            self.remark(remark)
            self._lines += [f"{render_key(key)} = [", *_rows([render_value(item) for item in value]), "]"]
        else:
            self._add(text, remark)

    def aside(self, key: str, value: Value, remark: str = "") -> None:
        """A key that is only proposed."""
        self._add(f"# {render_key(key)} = {render_value(value)}", remark)

    def remark(self, text: str) -> None:
        """A comment on lines of its own."""
        said = plain(text[:MAX_REMARK]) + ("…" if len(text) > MAX_REMARK else "")
        self._lines += [f"# {line}" for line in textwrap.wrap(said, WIDTH - 2, break_long_words=False)]

    def remarks(self, texts: Iterable[str]) -> None:
        """Several."""
        for text in texts:
            self.remark(text)

    def _add(self, text: str, remark: str) -> None:
        line = f"{text:{COLUMN - 1}} # {plain(remark[:WIDTH])}" if remark else text
        if len(line) > WIDTH:
            self.remark(remark)
            line = text
        self._lines.append(line)

    def text(self) -> str:
        """Everything, with a newline at the end."""
        return "\n".join(self._lines) + "\n"


def _rows(items: Sequence[str]) -> list[str]:
    """The items of an array in as few lines as they fit into, an option and its value on the same one."""
    rows: list[str] = []
    for number, item in enumerate(items):
        follower = items[number + 1] if number + 1 < len(items) and item.startswith('"--') else ""
        if rows and len(rows[-1]) + len(item) + len(follower) + 4 <= WIDTH:
            rows[-1] += f" {item},"
        else:
            rows.append(f"    {item},")
    return rows
