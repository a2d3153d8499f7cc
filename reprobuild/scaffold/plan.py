"""The files that `init` writes, and how each differs from what lies there."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reprobuild.scaffold.choice import Choice
from reprobuild.scaffold.dependencies import Needs, rescued
from reprobuild.scaffold.draft import draft_project
from reprobuild.scaffold.guide import draft_guide
from reprobuild.scaffold.survey import Package, Survey
from reprobuild.scaffold.toml import plain

PROJECT, GUIDE = "reprobuild.toml", "guide.toml"
REQUIREMENTS = "requirements.in"
_IMPORTED = "# From imports, without versions: reprobuild lock pins what is newest now."


@dataclass(frozen=True)
class Planned:
    """A file with its content, and in a word what it is for."""

    path: str
    text: str
    purpose: str


def plan(survey: Survey, choice: Choice, starter: Mapping[str, str]) -> list[Planned]:
    """The files, the most important first; `starter` are those of a runnable beginning, by path."""
    requirements, written = _requirements(survey)
    files = [Planned(PROJECT, draft_project(survey, choice, requirements), "what a run is asked to do")]
    files += [written] if written else []
    files += [Planned(path, text, "a small training to begin with") for path, text in sorted(starter.items())]
    return [*files, Planned(GUIDE, draft_guide(survey, choice), "what people say of it, for the guide")]


def _requirements(survey: Survey) -> tuple[list[str], Planned | None]:
    """The requirement files to name, and the one to write for that, if any."""
    needs = survey.needs
    if needs and not needs.refused:
        return [needs.path], None
    if needs:
        path = REQUIREMENTS if needs.path != REQUIREMENTS else "requirements-reprobuild.in"
        return [path], Planned(path, _restated(needs), f"what {needs.path} says, in lines that a lock takes")
    if survey.pyproject and (survey.pyproject.requirements or survey.pyproject.refused):
        return [REQUIREMENTS], Planned(REQUIREMENTS, _restated(survey.pyproject), "what pyproject.toml depends on")
    if survey.packages:
        return [REQUIREMENTS], Planned(REQUIREMENTS, _imported(survey.packages), "what the scripts import")
    return [], None


def _restated(needs: Needs) -> str:
    lines = [f"# From {plain(needs.path)}.", *needs.requirements]
    for item in needs.refused:
        again, at = rescued(item), f":{item.line}" if item.line else ""
        lines += [again] if again else [f"# {plain(needs.path)}{at}: {plain(item.text)}: {plain(item.reason)}"]
    return "\n".join(lines) + "\n"


def _imported(packages: Sequence[Package]) -> str:
    return "\n".join((_IMPORTED, *map(_import_line, packages))) + "\n"


def _import_line(package: Package) -> str:
    note = package.found.at if package.known else f"{package.found.at}; it is imported by that name"
    aside = "# " if package.optional or not package.name.isascii() else ""
    return f"{aside}{package.name}  # {plain(note)}"


def render_difference(path: str, before: str | None, after: str) -> str:
    """A unified diff from what is there, `None` for nothing, to what would be written."""
    old = (before or "").splitlines(keepends=True)
    names = ("/dev/null" if before is None else f"a/{path}", f"b/{path}")
    lines = difflib.unified_diff(old, after.splitlines(keepends=True), *names)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
