"""What was found, chosen and written, for people and for programs."""

from collections.abc import Iterator
from dataclasses import asdict

from reprobuild.scaffold.choice import Choice
from reprobuild.scaffold.command import draft_command
from reprobuild.scaffold.found import Found
from reprobuild.scaffold.survey import Survey


def facts(survey: Survey) -> list[Found]:
    """Every fact with its place, sorted."""
    return sorted(set(_facts(survey)))


def _facts(survey: Survey) -> Iterator[Found]:
    places, docker = survey.places, survey.dockerfile
    yield from (package.found for package in survey.packages)
    yield from (found for _, found in places.data)
    yield from (*places.outputs, *places.params)
    yield from (found for found in (survey.python, survey.cuda) if found)
    if places.metrics:
        yield Found("metrics", places.metrics.value, places.metrics.path, places.metrics.line)
    if survey.script:
        yield Found("script", survey.script.path, survey.script.path)
        for name, value, line in draft_command(survey).hyperparameters:
            yield Found("hyperparameter", f"{name} = {value}", survey.script.path, line)
    for needs in (survey.needs, survey.pyproject):
        if needs:
            yield from (Found("requirement", text, needs.path) for text in needs.requirements)
    if survey.environment:
        yield from (Found("conda", text, survey.environment.path) for text in survey.environment.packages)
    for script in survey.scripts:
        yield from (Found("seed", str(seed), script.path, line) for seed, line in script.uses.seeds)
        yield from (Found("threads", str(count), script.path, line) for count, line in script.uses.threads)
        yield from (Found("download", name, script.path, line) for name, line in script.uses.downloads)
    if docker and docker.base:
        yield Found("base", docker.base, docker.path, docker.base_line)
        yield from (Found("debian", name, docker.path, line) for name, line in docker.debian)


def as_document(survey: Survey, choice: Choice) -> dict[str, object]:
    """For `--json`; notes and files are added by who wrote them."""
    return {
        "archetype": {"name": choice.archetype, "why": choice.why},
        "features": [{"name": name, "why": why} for name, why in choice.features],
        "found": [asdict(found) for found in facts(survey)],
    }
