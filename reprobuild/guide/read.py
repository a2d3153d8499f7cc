"""`guide.toml`, read strictly; a project may have none."""

from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from reprobuild.ground.errors import InputError
from reprobuild.ground.tree import open_given
from reprobuild.guide.file import GuideFile
from reprobuild.project.toml import Complaints, parse_toml

FILE = "guide.toml"
MAX_SIZE = 1 << 20
_WHO = 'by = "Ada Example", on = 2026-11-24'
_EXAMPLES = {
    "template": 'template = "kb/team.md.tmpl", a file inside the project',
    "on": "on = 2026-11-24",
    "review_by": "review_by = 2027-05-24",
    "after": "after = 2027-12-31",
    "by": 'by = "Ada Example"',
    "text": 'text = "What there is to say, in plain words."',
    "parts": 'parts = [{ name = "training", share = 0.8, how = "at random, by class" }]',
    "groups": 'groups = [{ group = "left-handed", metric = "recall", recorded_as = "recall_left" }], or value = 0.93',
    "signals": 'signals = [{ name = "share of unsure answers", at_most = 0.1, action = "look at them" }]',
    "steps": 'steps = ["deploy the image of the release before"]',
    "triggers": 'triggers = ["accuracy on the weekly sample below 0.95"]',
    "criteria": 'criteria = [{ name = "accuracy", at_least = 0.95, recorded_as = "accuracy" }]',
    "share": "share = 0.1",
    "days": "days = 14",
}


def read_guide_file(root: Path) -> tuple[GuideFile, bytes]:
    """What the folder's `guide.toml` says, and its bytes; nothing and b"" where there is none."""
    path = root / FILE
    if not path.exists() and not path.is_symlink():
        return GuideFile(), b""
    with open_given(path, FILE) as stream:
        data = stream.read(MAX_SIZE + 1)
    if len(data) > MAX_SIZE:
        raise InputError(f"{FILE}: larger than {MAX_SIZE} bytes", hint="long texts have files of their own")
    return parse_guide_file(data), data


def parse_guide_file(data: bytes) -> GuideFile:
    """The value of a `guide.toml`; InputError with line, key and the nearest right name."""
    text, table = parse_toml(data, FILE)
    try:
        return GuideFile.model_validate(table)
    except ValidationError as error:
        raise Complaints(FILE, text, GuideFile, example_of, ("float", "int", "constrained-float")).of(error) from error


def example_of(key: Sequence[str]) -> str:
    """A right value of a key, else of a whole table."""
    names = [part for part in key if not part.isdigit()]
    for name in reversed(names):
        if name in _EXAMPLES:
            return f"for example {_EXAMPLES[name]}"
    return f'for example [{names[0] if names else "data"}] text = "…", {_WHO}'
