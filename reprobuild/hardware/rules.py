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


class Rules(Document):
    """The table."""

    rule: tuple[Rule, ...]


@cache
def published_rules() -> tuple[Rule, ...]:
    """The rules of `rules.toml`, in its order."""
    table = tomllib.loads((files("reprobuild") / "hardware" / "rules.toml").read_text())
    return Rules.model_validate_json(json.dumps(table)).rule


@cache
def _patterns() -> dict[str, list[tuple[re.Pattern[str], Rule]]]:
    """The patterns by their first part, which is never `*`: a stranger's record may have very many facts."""
    found: dict[str, list[tuple[re.Pattern[str], Rule]]] = {}
    for rule in published_rules():
        for fact in rule.facts:
            pattern = re.compile(re.escape(fact).replace(r"\*", "(.*)"), re.DOTALL)
            found.setdefault(fact.partition(".")[0], []).append((pattern, rule))
    return found


@cache
def _order() -> dict[str, tuple[int, int]]:
    effects = list(Effect)
    return {rule.id: (effects.index(rule.effect), number) for number, rule in enumerate(published_rules())}


def find_rule(path: str) -> tuple[Rule, str] | None:
    """The first rule that is about a fact, and its subject; a path without `*` is named by its last part."""
    for pattern, rule in _patterns().get(path.partition(".")[0], ()):
        if found := pattern.fullmatch(path):
            part = found[1] if found.groups() else path.rpartition(".")[2].replace("_", " ")
            return rule, rule.subject.replace("{}", part)
    return None


@cache
def _sources() -> dict[str, str]:
    return {rule.id: rule.source for rule in published_rules()}


def rule_source(rule: str) -> str:
    """Where a rule comes from; "" for none."""
    return _sources().get(rule, "")


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
    found = find_rule(path)
    rule, subject = found or (None, path)
    return Finding(
        subject=shown(subject),
        recorded=_text(recorded),
        seen=_text(seen),
        effect=rule.effect if rule else Effect.MAY,
        detail=rule.reason if rule else NO_RULE,
        rule=rule.id if rule else "",
    )


def rank(finding: Finding) -> tuple[int, int]:
    """The worst effect first, and within one the likeliest."""
    return _order().get(finding.rule, (list(Effect).index(finding.effect), len(_order())))


def _text(value: object) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return shown(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True))
