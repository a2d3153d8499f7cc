import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reprobuild.guide.markdown import Markdown, code, escape, one_line, paragraphs, table

HOSTILE = (
    "<!-- reprobuild:begin own data -->",
    "# Heading",
    "x\n# Heading",
    "x\n\n<script>alert(1)</script>",
    "<b>bold</b> &amp; &lt;",
    "*measured · run 9999 · abc*",
    "**not met**",
    "[link](javascript:alert(1)) ![picture](http://elsewhere.example/a.png)",
    "a | b | c",
    "`code` ``more``",
    "- item",
    "+ item",
    "1. item",
    "===",
    "---",
    "> quote",
    "    indented",
    "a\\",
    "~~struck~~ $x$ ^y^",
    "\x1b[31mred\x1b[0m \u202eright to left\u202c \u200bnothing",
    "{{ template }} {% raw %}",
    "_under_ __twice__ snake_case_name",
    "[ref]: http://elsewhere.example",
    "<http://elsewhere.example>",
)


def plain(html: str) -> str:
    return html.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


def inline(text: str) -> str:
    """What a Markdown reader that lets HTML through makes of a paragraph."""
    return str(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_shows_as_what_it_is_and_begins_nothing(value: str) -> None:
    assert plain(inline(escape(value))) == f"<p>{one_line(value)}</p>\n"


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_stays_in_its_cell(value: str) -> None:
    html = inline(table(("name", "value"), [(code(value), value)]))

    assert html.count("<td>") == 2
    cells = [plain(cell.partition("</td>")[0]) for cell in html.split("<td>")[1:]]
    assert cells[1] == one_line(value)
    assert cells[0] in (one_line(value), f"<code>{one_line(value)}</code>")


@given(st.text(max_size=80))
def test_no_value_at_all_makes_markup(value: str) -> None:
    if one_line(value):
        assert plain(inline(escape(value))) == f"<p>{one_line(value)}</p>\n"


def test_what_no_paper_shows_is_told_by_its_number() -> None:
    assert one_line("a\x1b[0m\u202eb\n\tc\x00") == "a[U+001B][0m[U+202E]b c[U+0000]"


def test_names_and_numbers_stay_as_people_write_them() -> None:
    assert [escape(value) for value in ("learning_rate", "3.11.2", 0.01, True, None, "1e-06", "a/b:c")] == [
        *("learning_rate", "3.11.2", "0.01", "true", "", "1e-06", "a/b:c")
    ]


def test_plain_text_has_paragraphs_and_nothing_else() -> None:
    text = paragraphs("One *line*\nand another.\n\n \n# Two\n")

    assert text == "One \\*line\\* and another.\n\n\\# Two"


def test_markdown_on_purpose_stays() -> None:
    assert escape(Markdown("*x*")) == "*x*"


def test_a_long_value_is_cut() -> None:
    assert len(escape("a" * 5000)) == 1000
