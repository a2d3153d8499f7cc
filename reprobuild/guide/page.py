"""The guide as one HTML page that needs nothing else: no script, no font, no picture, no other file.

Its Markdown is read by markdown-it-py with HTML switched off, so that whatever is in a guide is text. People's own
blocks are read apart from the generated text: what they say cannot look like a measured statement.
"""

import html
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from reprobuild.guide.blocks import begin_of, end_of, parse_guide
from reprobuild.guide.template import FOLDER

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

PAGE = "training_reproducibility.html.tmpl"
KINDS = ("measured", "declared", "missing")
_PARTS = re.compile(r"\$\{(title|contents|body)\}")


def render_page(text: str, title: str) -> str:
    """The whole page of a guide's text; the same bytes for the same text."""
    contents: list[tuple[int, str, str]] = []
    body = "".join(_render_parts(text, contents))
    frame = (files("reprobuild") / FOLDER / PAGE).read_text(encoding="utf-8")
    filled = {"title": html.escape(title), "contents": _contents(contents), "body": body}
    return _PARTS.sub(lambda found: filled[found[1]], frame)


def _render_parts(text: str, contents: list[tuple[int, str, str]]) -> Iterator[str]:
    """Generated text and people's blocks by turns."""
    guide = parse_guide(text, "guide")
    numbered = [line for _, line in guide.lines]
    generated = _without_seal(text)
    for name, words in guide.blocks.items():
        assert begin_of(name) in numbered
        before, _, rest = generated.partition(f"{begin_of(name)}\n")
        generated = rest[len(words) :].removeprefix(f"{end_of(name)}\n")
        yield _generated(before, contents)
        if words.strip():
            yield f'<div class="own">\n{_reader().render(words)}</div>\n'
    yield _generated(generated, contents)


def _without_seal(text: str) -> str:
    return text.rpartition("<!-- reprobuild:seal\n")[0] or text


def _generated(text: str, contents: list[tuple[int, str, str]]) -> str:
    reader = _reader()
    tokens = reader.parse(text)
    for at, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag in ("h2", "h3"):
            title = tokens[at + 1].content
            name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
            token.attrSet("id", name)
            contents.append((int(token.tag[1]), name, title))
        _mark(token.children or [])
    return str(reader.renderer.render(tokens, reader.options, {}))


def _mark(tokens: "Sequence[Token]") -> None:
    """Give the marks of statements a class by their kind."""
    for at, token in enumerate(tokens[:-1]):
        kind = tokens[at + 1].content.split(" · ")[0]
        if token.type == "em_open" and kind in KINDS:
            token.attrSet("class", f"mark {kind}")


@cache
def _reader() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.add_render_rule("image", _as_link)
    reader.add_render_rule("table_open", lambda *_: '<div class="wide"><table>\n')
    reader.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return reader


def _as_link(_self: Any, tokens: "Sequence[Token]", at: int, _options: Any, _env: Any) -> str:
    """A picture as a link to it: a page that needs nothing else fetches nothing."""
    place, words = html.escape(str(tokens[at].attrs.get("src", ""))), html.escape(tokens[at].content)
    return f'<a href="{place}">{words or place}</a>'


def _contents(found: list[tuple[int, str, str]]) -> str:
    items = (f'<li><a href="#{name}">{html.escape(title)}</a></li>\n' for level, name, title in found if level == 2)
    return "".join(items)
