from datetime import date
from pathlib import Path

import pytest

from reprobuild.ground.errors import InputError
from reprobuild.guide.file import GuideFile
from reprobuild.guide.read import parse_guide_file, read_guide_file

COMPLETE = """\
template = "kb/team.md.tmpl"

[data]
text = "Where the rows came from."
by = "Ada Example"
on = 2026-11-24
review_by = 2027-11-24

[splits]
text = "At random."
by = "Ada Example"
on = 2026-11-24
parts = [{ name = "training", share = 0.75 }, { name = "test", rows = 450 }]

[fairness]
text = "Two groups."
by = "Ada Example"
on = 2026-11-24

[[fairness.groups]]
group = "a"
metric = "recall"
recorded_as = "recall_a"

[[fairness.groups]]
group = "b"
metric = "recall"
value = 0.5

[business]
text = "Sorting letters."
by = "Ada Example"
on = 2026-11-24
criteria = [{ name = "accuracy", at_least = 0.95 }]
"""


def complaint(text: str) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        parse_guide_file(text.encode())
    return str(caught.value), caught.value.hint


def test_what_is_declared_arrives_with_who_and_when() -> None:
    file = parse_guide_file(COMPLETE.encode())

    assert file.template == "kb/team.md.tmpl"
    assert file.data is not None
    assert (file.data.by, file.data.on, file.data.review_by) == ("Ada Example", date(2026, 11, 24), date(2027, 11, 24))
    assert file.fairness is not None
    assert [group.value for group in file.fairness.groups] == [None, 0.5]
    assert file.limitations is None


@pytest.mark.parametrize(
    ("old", "new", "said", "hint"),
    [
        ("review_by", "revew_by", "guide.toml:7: data.revew_by: unknown key", "did you mean 'review_by'?"),
        ("[splits]", "[split]", "guide.toml:9: split: unknown key", "did you mean 'splits'?"),
        ("template =", "tmplate =", "guide.toml:1: tmplate: unknown key", "did you mean 'template'?"),
        ("value = 0.5", "valu = 0.5", "guide.toml:28: fairness.groups.1.valu: unknown key", "did you mean 'value'?"),
        ("share =", "shre =", "guide.toml:13: splits.parts.0.shre: unknown key", "did you mean 'share'?"),
        ("on = 2026", 'by2 = "x"\non = 2026', "guide.toml:6: data.by2: unknown key", "did you mean 'by'?"),
        ("0.75", "75", "guide.toml:13: splits.parts.0.share: ", "share = 0.1"),
        ("value = 0.5", "", "guide.toml:25: fairness.groups: it needs either recorded_as", "groups = "),
        ("value = 0.5", 'value = 1\nrecorded_as = "x"', "guide.toml:25: fairness.groups: it needs either", ""),
        (", at_least = 0.95", "", "guide.toml:34: business.criteria: it needs at_least, at_most", "at_least = "),
        ("at_least = 0.95", "at_least = nan", "guide.toml:34: business.criteria.0.at_least: ", "at_least = "),
        ('by = "Ada Example"', "", "guide.toml:3: data.by: missing", 'by = "Ada Example"'),
        ("on = 2026-11-24", 'on = "yesterday"', "guide.toml:6: data.on: ", "on = 2026-11-24"),
        ("on = 2026-11-24", "on = 2026-11-24T10:00:00", "guide.toml:6: data.on: ", "on = 2026-11-24"),
        ("Ada Example", "Ada\\nExample", "guide.toml:5: data.by: it has more than one line", ""),
        ("Ada Example", "Ada \\u0000", "guide.toml:5: data.by: it holds a NUL character", ""),
        ("kb/team.md.tmpl", "../team.md.tmpl", "guide.toml:1: template: not a plain relative path", ""),
        (
            "Where the rows",
            "https://u:secret@x.example Where",
            "guide.toml:4: data.text: a URL with credentials",
            "",
        ),
        ("[data]", "[data", "guide.toml:3: not TOML", ""),
    ],
)
def test_a_mistake_is_told_with_its_line_its_key_and_the_right_name(old: str, new: str, said: str, hint: str) -> None:
    message, given = complaint(COMPLETE.replace(old, new, 1))

    assert message.startswith(said)
    assert "\n" not in message + given
    assert hint in given
    assert "secret" not in message + given


def test_a_project_without_the_file_has_declared_nothing(tmp_path: Path) -> None:
    assert read_guide_file(tmp_path) == (GuideFile(), b"")


def test_a_file_that_is_no_file_or_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "guide.toml").mkdir()
    with pytest.raises(InputError, match=r"guide\.toml: not a regular file"):
        read_guide_file(tmp_path)
    (tmp_path / "guide.toml").rmdir()
    (tmp_path / "guide.toml").write_bytes(b"#" * (1 << 20) + b"#")
    with pytest.raises(InputError, match=r"guide\.toml: larger than 1048576 bytes"):
        read_guide_file(tmp_path)
