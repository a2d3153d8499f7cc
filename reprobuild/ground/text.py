"""What strangers wrote, made fit for one line of a terminal."""

MAX_SHOWN = 120
"""Characters of a stranger's value that are repeated."""


def shown(text: str, limit: int = MAX_SHOWN) -> str:
    """A stranger's text on one line: at most `limit` characters, what a terminal would obey as escapes."""
    return escaped(text if len(text) <= limit else text[: limit - 1] + "…")


def escaped(text: str) -> str:
    """The whole text, with what a terminal would obey as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def escaped_lines(text: str) -> str:
    """A text of several lines, its line ends and tabs kept, and everything else that a terminal would obey escaped."""
    return "\n".join("\t".join(map(escaped, line.split("\t"))) for line in text.split("\n"))
