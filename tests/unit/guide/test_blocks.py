from hypothesis import given
from hypothesis import strategies as st

from reprobuild.guide.blocks import begin_of, edits, end_of, parse_guide, write_guide_text

INPUTS = "a" * 64
GENERATED = f"# Title\n\n{begin_of('a')}\n{end_of('a')}\n\ntext\n{begin_of('b')}\n{end_of('b')}\n"
LINES = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=40)
WORDS = st.lists(LINES.filter(lambda line: "reprobuild:" not in line), max_size=6).map(
    lambda lines: "".join(f"{line}\n" for line in lines)
)


@given(WORDS, WORDS)
def test_own_words_come_back_byte_for_byte(first: str, second: str) -> None:
    text = write_guide_text(GENERATED, {"a": first, "b": second}, ("0001", "f" * 64), INPUTS)
    guide = parse_guide(text, "guide.md")

    assert guide.blocks == {"a": first, "b": second}
    assert guide.seal is not None
    assert (guide.seal.run, guide.seal.inputs) == (("0001", "f" * 64), INPUTS)
    assert edits(guide, guide.generated) == []
    assert write_guide_text(GENERATED, guide.blocks, guide.seal.run, INPUTS) == text


@given(st.integers(0, 3), LINES.filter(lambda line: bool(line.strip()) and "reprobuild:" not in line))
def test_every_line_outside_that_is_put_in_is_found(at: int, line: str) -> None:
    lines = write_guide_text(GENERATED, {"a": "ours\n", "b": ""}, None, INPUTS).split("\n")
    place = [0, 2, 6, 7][at]
    lines.insert(place, line)
    guide = parse_guide("\n".join(lines), "guide.md")

    assert [(edit.line, edit.was, edit.now) for edit in edits(guide, [])] == [(place + 1, "", line.rstrip())]


def test_line_ends_of_windows_and_empty_lines_are_no_edit() -> None:
    text = write_guide_text(GENERATED, {"a": "ours\n", "b": ""}, None, INPUTS)
    guide = parse_guide(text.replace("\n", "\r\n").replace("# Title", "# Title\r\n  "), "guide.md")

    assert edits(guide, []) == []
    assert guide.blocks["a"] == "ours\r\n"


def test_the_place_of_every_block_is_known() -> None:
    assert parse_guide(GENERATED, "guide.md").places == {"a": 3, "b": 7}
