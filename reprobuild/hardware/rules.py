"""The published rules: what each difference does to the bits of a result, with its reason and its source."""

import json
import re
import tomllib
from functools import cache
from importlib.resources import files

from pydantic import Field

from reprobuild.ground.documents import Document
from reprobuild.ground.text import shown
from reprobuild.hardware.findings import Effect, Finding

NOTHING = "–"
NO_RULE = "no rule"


class Rule(Document):
    """One rule; `facts` are paths with `*` for any text, which `{}` in the subject repeats."""

    id: str = Field(pattern=r"^[a-z][a-z-]*$")
    facts: tuple[str, ...] = Field(min_length=1)
    subject: str
    effect: Effect
    reason: str
    source: str = Field(pattern=r"^https://")

    def match(self, path: str) -> str | None:
        """The subject of a fact that this rule is about; a path without `*` is named by its last part."""
        for pattern in self.facts:
            found = re.fullmatch(re.escape(pattern).replace(r"\*", "(.*)"), path, re.DOTALL)
            if found:
                part = found[1] if found.groups() else path.rpartition(".")[2].replace("_", " ")
                return self.subject.replace("{}", part)
        return None


class Rules(Document):
    """The table."""

    rule: tuple[Rule, ...]


@cache
def published_rules() -> tuple[Rule, ...]:
    """The rules of `rules.toml`, in its order."""
    table = tomllib.loads((files("reprobuild") / "hardware" / "rules.toml").read_text())
    return Rules.model_validate_json(json.dumps(table)).rule


def render_rules() -> str:
    """The table for the documentation, in Markdown."""
    rows = [
        (
            f"`{rule.id}`",
            ", ".join(f"`{path}`" for path in rule.facts),
            rule.effect,
            f"{rule.reason} ([source]({rule.source}))",
        )
        for rule in published_rules()
    ]
    lines = [("rule", "facts", "effect", "reason"), ("---",) * 4, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def judge(path: str, recorded: object, seen: object) -> Finding:
    """What a difference in the fact at `path` does; without a rule it may change bits, and says so."""
    for rule in published_rules():
        subject = rule.match(path)
        if subject is not None:
            return Finding(
                subject=shown(subject),
                recorded=_text(recorded),
                seen=_text(seen),
                effect=rule.effect,
                detail=rule.reason,
                rule=rule.id,
            )
    return Finding(
        subject=shown(path), recorded=_text(recorded), seen=_text(seen), effect=Effect.MAY, detail=NO_RULE
    )  # fmt: skip


def rank(finding: Finding) -> tuple[int, int]:
    """The worst effect first, and within one the likeliest."""
    order = [rule.id for rule in published_rules()]
    return list(Effect).index(finding.effect), order.index(finding.rule) if finding.rule in order else len(order)


def _text(value: object) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True))
