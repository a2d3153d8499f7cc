"""The files that `init` writes, and how each differs from what lies there."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reprobuild.scaffold.choice import Choice
from reprobuild.scaffold.conda import new_environment, restate
from reprobuild.scaffold.dependencies import read_wheels, restated
from reprobuild.scaffold.draft import draft_project
from reprobuild.scaffold.guide import draft_guide
from reprobuild.scaffold.survey import Package, Survey
from reprobuild.scaffold.toml import plain

PROJECT, GUIDE = "reprobuild.toml", "guide.toml"
REQUIREMENTS, OURS = "requirements.in", "requirements-reprobuild.in"
ENVIRONMENT, OURS_CONDA = "environment.yml", "environment-reprobuild.yml"
_IMPORTED = "# From imports, without versions: reprobuild lock pins what is newest now."


@dataclass(frozen=True)
class Planned:
    """A file with its content, and in a word what it is for."""

    path: str
    text: str
    purpose: str


def plan(survey: Survey, choice: Choice, starter: Mapping[str, str]) -> list[Planned]:
    """The files, the most important first; `starter` are those of a runnable beginning, by path."""
    conda = choice.has("conda")
    environment, restated = _environment(survey) if conda else ("", None)
    requirements, written = _requirements(survey, conda=conda)
    project = draft_project(survey, choice, requirements, environment)
    return [
        Planned(PROJECT, project, "what a run is asked to do"),
        *(file for file in (written, restated) if file),
        *(Planned(path, text, "a small training to begin with") for path, text in sorted(starter.items())),
        Planned(GUIDE, draft_guide(survey, choice), "what people say of it, for the guide"),
    ]


def _environment(survey: Survey) -> tuple[str, Planned | None]:
    """The environment file to name, and the one to write for that, if any."""
    found = survey.environment
    if found is None:
        asked = re.fullmatch(r"3\.\d+", survey.python.value) if survey.python else None
        return ENVIRONMENT, Planned(ENVIRONMENT, new_environment(asked[0] if asked else "3.11"), "what conda brings")
    if found.refused or not found.path.endswith(".yml"):
        return OURS_CONDA, Planned(OURS_CONDA, restate(found), f"what {found.path} says, as a lock takes it")
    return found.path, None


def _requirements(survey: Survey, *, conda: bool) -> tuple[list[str], Planned | None]:
    """The requirement files to name, and the one to write for that, if any."""
    needs = survey.needs
    if needs and not needs.refused:
        return [needs.path], None
    if needs:
        path = REQUIREMENTS if needs.path != REQUIREMENTS else OURS
        return [path], Planned(path, restated(needs), f"what {needs.path} says, in lines that a lock takes")
    if conda and survey.environment:
        wheels = read_wheels(survey.environment.path, survey.environment.wheels)
        written = Planned(REQUIREMENTS, restated(wheels), f"what {wheels.path} leaves to pip")
        return ([REQUIREMENTS], written) if survey.environment.wheels else ([], None)
    if survey.pyproject and (survey.pyproject.requirements or survey.pyproject.refused):
        return [REQUIREMENTS], Planned(REQUIREMENTS, restated(survey.pyproject), "what pyproject.toml depends on")
    if survey.packages:
        return [REQUIREMENTS], Planned(REQUIREMENTS, _imported(survey.packages), "what the scripts import")
    return [], None


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
