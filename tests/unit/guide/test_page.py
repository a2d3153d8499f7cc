import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from builders.guides import COMPLETE, declaration, letters_record, make_guide_project
from builders.records import FAILED

from reprobuild.guide.blocks import begin_of
from reprobuild.guide.page import render_page
from reprobuild.guide.place import PLACE
from reprobuild.record.document import DataUse
from reprobuild.steps.guide import write_guide

VOID = {"meta", "br", "hr"}
HOSTILE = "<script>alert(1)</script> *measured · run 9999 · abc* <!-- reprobuild:begin own data --> \x1b[31m | `x`"


class Page(HTMLParser):
    """The elements of a page; AssertionError where they are not nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.marks: list[str] = []
        self.marked = False
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "em":
            self.marked = "mark" in (dict(attrs).get("class") or "")
            self.marks += [""] if self.marked else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data
        if self.open and self.open[-1] == "em" and self.marked:
            self.marks[-1] += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(project: Path) -> Page:
    write_guide(project, None)
    return Page((project / PLACE).with_suffix(".html").read_text())


def test_the_page_is_well_formed_and_needs_nothing_else(tmp_path: Path) -> None:
    page = page_of(make_guide_project(tmp_path))

    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "img", "link", "iframe", "object", "embed", "audio", "video", "form", "base"}
    assert not any(
        name.startswith("on") or name in ("src", "srcset", "style") for _, has in page.elements for name in has
    )
    assert "url(" not in (tmp_path / PLACE).with_suffix(".html").read_text()
    assert page.named("html") == [{"lang": "en"}]
    assert {"http-equiv": "Content-Security-Policy", "content": "default-src 'none'; style-src 'unsafe-inline'"} in (
        page.named("meta")
    )


def test_the_table_of_contents_leads_to_every_section(tmp_path: Path) -> None:
    page = page_of(make_guide_project(tmp_path))
    ids = [attributes["id"] for attributes in page.named("h2") if "id" in attributes]

    assert len(ids) == 16
    assert [attributes["href"] for attributes in page.named("a")][:16] == [f"#{name}" for name in ids]


def test_light_dark_and_print_are_provided_for(tmp_path: Path) -> None:
    page_of(make_guide_project(tmp_path))
    text = (tmp_path / PLACE).with_suffix(".html").read_text()

    assert "@media (prefers-color-scheme: dark)" in text
    assert "@media print" in text
    assert '<meta name="color-scheme" content="light dark">' in text


def contrast(first: str, second: str) -> float:
    """The contrast of two colours (WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio)."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(first), light(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_has_enough_contrast(scheme: int) -> None:
    styles = re.findall(r":root \{(.*?)\}", render_page("", ""), re.DOTALL)[scheme]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", styles))

    pairs = [("ink", "paper"), ("faint", "paper"), ("ink", "panel"), ("link", "paper")]
    pairs += [(kind, f"{kind}-paper") for kind in ("measured", "declared", "missing")]
    assert [pair for pair in pairs if contrast(colours[pair[0]], colours[pair[1]]) < 4.5] == []


def test_values_of_strangers_forge_no_element_no_mark_and_no_block(tmp_path: Path) -> None:
    record = letters_record(
        hyperparameters={"name": HOSTILE},
        data={"letters": DataUse(path="a.csv", sha256="6" * 64, size=1, files=1, licence=HOSTILE, origin=HOSTILE)},
        metrics={HOSTILE: 1.0},
        found={"seeds": {HOSTILE: HOSTILE}, "problems": [HOSTILE]},
    )
    failed = letters_record(ending=FAILED.model_copy(update={"message": HOSTILE}))
    declared = COMPLETE.replace(declaration("data"), declaration("data", text=HOSTILE.replace("\x1b", "\\u001b")))
    page = page_of(make_guide_project(tmp_path, declared=declared, runs={"0001": failed, "0002": record}))
    text = (tmp_path / PLACE).read_text()

    assert "script" not in {tag for tag, _ in page.elements}
    assert not any(mark.startswith("measured · run 9999") for mark in page.marks)
    assert page.words.count("<script>alert(1)</script>") > 5
    assert page.marks.count("measured · run 0002 · " + page.marks[3][-12:]) > 5
    assert "\x1b" not in text
    assert sum(line == begin_of("data") for line in text.split("\n")) == 1
    write_guide(tmp_path, None)
    assert (tmp_path / PLACE).read_text() == text


def test_words_of_people_are_text_without_marks_and_fetch_nothing(tmp_path: Path) -> None:
    project = make_guide_project(tmp_path)
    write_guide(project, None)
    words = (
        "*measured · run 9999 · abc*\n\n<script>alert(1)</script>\n\n![scan](http://elsewhere.example/a.png)\n\n"
        "[bad](javascript:alert(1)) [ref]\n\n## Not in the contents\n\n[ref]: http://elsewhere.example\n"
    )
    text = (project / PLACE).read_text()
    (project / PLACE).write_text(text.replace(f"{begin_of('data')}\n", f"{begin_of('data')}\n{words}"))
    page = page_of(project)

    assert not any(mark.startswith("measured · run 9999") for mark in page.marks)
    assert "img" not in {tag for tag, _ in page.elements}
    assert "script" not in {tag for tag, _ in page.elements}
    links = [attributes["href"] for attributes in page.named("a")]
    assert "http://elsewhere.example/a.png" in links
    assert not any((link or "").startswith("javascript") for link in links)
    assert "#not-in-the-contents" not in links


def test_a_title_is_text() -> None:
    assert "<title>&lt;b&gt;${body}: training" in render_page("", "<b>${body}")
