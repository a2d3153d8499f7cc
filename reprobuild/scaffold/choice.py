"""Archetypes and features: what a user asks for, or what a folder looks like and why."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from reprobuild.ground.errors import UsageError
from reprobuild.scaffold.found import Found
from reprobuild.scaffold.imports import distributions
from reprobuild.scaffold.survey import Survey

ARCHETYPES = ("generic", "tabular", "text", "vision")
METRICS = {"generic": "loss", "tabular": "accuracy", "text": "accuracy", "vision": "accuracy"}
"""What a training of each kind is usually judged by, where its script does not say."""
FEATURES = ("conda", "cuda", "fairness", "monitoring")
_SPECIAL = ("vision", "text", "tabular")
"""The most special first: a training on pictures uses pandas too."""


@dataclass(frozen=True)
class Choice:
    """What was chosen, each with the reason: `asked for`, or a fact of the folder."""

    archetype: str
    why: str
    features: tuple[tuple[str, str], ...] = ()

    def has(self, feature: str) -> bool:
        """True for a feature that was asked for or found."""
        return any(name == feature for name, _ in self.features)


def parse_archetype(text: str) -> str:
    """One of ARCHETYPES; UsageError with the nearest name."""
    return _known(text, ARCHETYPES, "archetype")


def parse_features(text: str) -> tuple[str, ...]:
    """Names separated by commas, sorted; UsageError with the nearest name."""
    named = [part.strip() for part in text.split(",") if part.strip()]
    return tuple(sorted({_known(part, FEATURES, "feature") for part in named}))


def _known(text: str, names: Sequence[str], kind: str) -> str:
    if text in names:
        return text
    near = difflib.get_close_matches(text.lower(), names, n=1)
    raise UsageError(
        f"{text[:40]}: no such {kind}",
        hint=f"did you mean {near[0]!r}? there are {', '.join(names)}" if near else f"there are {', '.join(names)}",
    )


def choose(survey: Survey, archetype: str | None, features: Sequence[str]) -> Choice:
    """What is asked for, and what the folder says where nothing is."""
    guessed, why = _guess(survey)
    chosen = dict.fromkeys(features, "asked for")
    if survey.cuda:
        chosen.setdefault("cuda", f"{survey.cuda.at}: {survey.cuda.value}")
    if survey.environment and not survey.needs:
        chosen.setdefault("conda", f"{survey.environment.path} is here, and no requirement file")
    return Choice(archetype or guessed, "asked for" if archetype else why, tuple(sorted(chosen.items())))


def _guess(survey: Survey) -> tuple[str, str]:
    table = distributions().archetypes
    evidence: dict[str, list[Found]] = {}
    for script in survey.scripts:
        for item in script.imports:
            top = item.module.split(".")[0]
            if archetype := table.get(top):
                evidence.setdefault(archetype, []).append(Found("import", top, script.path, item.line))
    for archetype in _SPECIAL:
        if found := evidence.get(archetype):
            return archetype, f"{found[0].at} imports {found[0].value}"
    return "generic", "nothing that is imported says more"
