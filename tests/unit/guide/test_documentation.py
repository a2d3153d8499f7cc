"""docs/guide.md says of rules, keys and templates what the code has."""

import re
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from reprobuild.guide.file import GuideFile, Statement
from reprobuild.guide.rules import RULES
from reprobuild.guide.source import Source
from reprobuild.guide.view import Writing

TEXT = (Path(__file__).parents[3] / "docs" / "guide.md").read_text()


def models(annotation: Any) -> list[type[BaseModel]]:
    own = [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []
    return own + [model for item in get_args(annotation) for model in models(item)]


def test_the_table_of_rules_is_that_of_the_code() -> None:
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in TEXT.splitlines() if "| RG0" in line]

    assert rows == [(rule.id, rule.meaning, rule.remedy) for rule in RULES]


def test_every_key_of_guide_toml_is_told() -> None:
    for topic, field in GuideFile.model_fields.items():
        for model in models(field.annotation):
            row = next(line for line in TEXT.splitlines() if line.startswith("|") and f"`[{topic}]`" in line)
            for key in model.model_fields.keys() - Statement.model_fields.keys():
                assert f"`{key}`" in row
                for inner in models(model.model_fields[key].annotation):
                    assert all(f"`{name}`" in row for name in inner.model_fields)
    assert all(f"`{key}`" in TEXT for key in (*Statement.model_fields, "template"))


def test_everything_that_a_template_may_use_is_told() -> None:
    source = Source("p", GuideFile(), b"", ("t", ""))
    told = re.findall(r"`([a-z_]+)(?:\([a-z, ]*\))?`", TEXT.partition("| function |")[2])

    assert set(Writing(source).values()) <= set(told)
