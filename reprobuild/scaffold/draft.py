"""`reprobuild.toml` for a folder: what was found, and in comments what could not be known and what to do about it."""

import re
from collections import Counter
from collections.abc import Sequence

from reprobuild.scaffold.bases import choose_base
from reprobuild.scaffold.choice import METRICS, Choice
from reprobuild.scaffold.command import Command, draft_command
from reprobuild.scaffold.found import Found
from reprobuild.scaffold.imports import distributions
from reprobuild.scaffold.lines import Lines
from reprobuild.scaffold.survey import Survey

_NO_NAME = "my-training"
_LIBRARY = ("libgomp1", "a wheel that misses a shared library needs one")
_LIBRARIES = {"vision": ("libgl1", "opencv-python needs this one, opencv-python-headless does not")}


def draft_project(survey: Survey, choice: Choice, requirements: Sequence[str], environment: str) -> str:
    """The text of the file; requirement files and the conda environment are named as they will be there."""
    lines, command = Lines(), draft_command(survey)
    lines.table("project")
    lines.entry("name", project_name(survey.name))
    _image(lines, survey, choice)
    _python(lines, survey, choice, requirements)
    if environment:
        lines.table("conda")
        lines.entry("environment", environment, "its packages are locked too; its Python is the image's")
    _run(lines, survey, choice, command)
    _hyperparameters(lines, survey, command)
    _tolerances(lines, survey, choice)
    _data(lines, survey)
    return lines.text()


def project_name(text: str) -> str:
    """The nearest text that may be a project's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-._")[:100] or _NO_NAME


def _image(lines: Lines, survey: Survey, choice: Choice) -> None:
    base, remarks = choose_base(survey, choice)
    lines.table("image")
    lines.remarks(remarks)
    lines.entry("base", base, "a file under images/, or the path of one")
    found = _debian(survey)
    left_out = survey.dockerfile.left_out if survey.dockerfile else ()
    if left_out and survey.dockerfile:
        lines.remark(
            f"{survey.dockerfile.path} also installs {', '.join(left_out)}: for building, or in the base already"
        )
    if found:
        lines.entry("debian", [item.value for item in found], f"more Debian packages: {_places(found)}")
    else:
        package, why = _LIBRARIES.get(choice.archetype, _LIBRARY)
        lines.aside("debian", [package], f"more Debian packages; {why}")


def _debian(survey: Survey) -> list[Found]:
    """The Dockerfile's packages, and those that a distribution's wheel is known to need."""
    docker = survey.dockerfile
    found = {name: Found("debian", name, docker.path, line) for name, line in docker.debian} if docker else {}
    needs = survey.needs or survey.pyproject
    named = {name: Found("debian", name, needs.path) for name in needs.names} if needs else {}
    named |= {package.name: package.found for package in survey.packages if not needs}
    for distribution, packages in distributions().debian.items():
        if distribution in named:
            for name in packages:
                found.setdefault(name, Found("debian", name, named[distribution].path, named[distribution].line))
    return [found[name] for name in sorted(found)]


def _places(found: Sequence[Found]) -> str:
    return ", ".join(dict.fromkeys(item.at for item in found))


def _python(lines: Lines, survey: Survey, choice: Choice, requirements: Sequence[str]) -> None:
    lines.table("python")
    if requirements:
        lines.entry("requirements", list(requirements), "what they name is resolved and pinned with hashes")
    else:
        lines.aside("requirements", ["requirements.in"], "nothing here imports a package that Python does not bring")
    needs = survey.needs or (survey.environment if choice.has("conda") else None)
    if needs:
        missing = [item for item in survey.packages if item.name not in needs.names and not item.optional]
        if missing:
            named = ", ".join(f"{item.name} ({item.found.at})" for item in missing)
            lines.remark(f"Imported, and not named in {needs.path}, so add what does not come with others: {named}")


def _run(lines: Lines, survey: Survey, choice: Choice, command: Command) -> None:
    places = survey.places
    lines.table("run")
    lines.remarks(command.remarks)
    lines.entry("command", list(command.words))
    _seed(lines, survey)
    _threads(lines, survey)
    lines.entry("timeout", "24h", "a run is ended at its deadline")
    if choice.has("cuda"):
        lines.entry("gpu", True, "false on a machine without one")
    if places.params:
        lines.entry("params", [item.value for item in places.params], f"hyperparameters of {_places(places.params)}")
    _results(lines, survey)
    for name, line, path in (
        (name, line, script.path) for script in survey.scripts for name, line in script.uses.downloads
    ):
        lines.remark(
            f"{path}:{line} {name} may want a network, and a run has none: "
            "fetch it once, keep it as a file, and name that as [data.NAME] path"
        )
    for name, line, path in (
        (name, line, script.path) for script in survey.scripts for name, line in script.uses.reports
    ):
        lines.remark(f"{path}:{line} {name} reports to a server, and a run has no network: let it keep files only")


def _seed(lines: Lines, survey: Survey) -> None:
    """The seed that the scripts set most often, the first of those."""
    found = [
        Found("seed", str(seed), script.path, line) for script in survey.scripts for seed, line in script.uses.seeds
    ]
    if not found:
        lines.entry("seed", 1234, "of Python, NumPy and PyTorch, set before the script's first line")
        return
    seed = Counter(item.value for item in found).most_common(1)[0][0]
    lines.remark(
        f"Seeds set at {_places(found[:6])}: the script's own win over this one. To let a replay try another, "
        "let the script read $REPROBUILD_SEED."
    )
    lines.entry("seed", int(seed))


def _threads(lines: Lines, survey: Survey) -> None:
    found = [
        Found("threads", str(count), script.path, line)
        for script in survey.scripts
        for count, line in script.uses.threads
    ]
    fixed = next((item for item in found if 1 <= int(item.value) <= 4096), None)
    lines.entry("threads", int(fixed.value) if fixed else 1, "more are faster; another number gives other bits")
    if fixed:
        lines.remark(f"{fixed.at} asks for as many threads.")
    for item in found:
        if int(item.value) < 1:
            lines.remark(f"{item.at} takes as many threads as there are cores, so another machine may give other bits.")


def _results(lines: Lines, survey: Survey) -> None:
    places = survey.places
    lines.remarks(places.output_remarks)
    if places.outputs:
        lines.entry("outputs", [item.value for item in places.outputs], _places(places.outputs))
    else:
        lines.aside("outputs", ["out/model.npz"], "files or folders that the run must leave; a replay compares them")
    if places.metrics:
        known = (
            "a flat JSON file of numbers"
            if places.metric_names
            else "if it is a flat JSON file of numbers, else an output"
        )
        lines.entry("metrics", places.metrics.value, f"{places.metrics.at}: {known}")
    else:
        lines.aside("metrics", "out/metrics.json", 'a flat JSON file of numbers that the script writes, {"loss": 0.25}')
    if not places.outputs and not places.metrics:
        lines.remark("No file that the script writes was found: without one of these lines a replay is unchecked.")


def _hyperparameters(lines: Lines, survey: Survey, command: Command) -> None:
    if survey.script is None or not command.hyperparameters:
        return
    lines.table(
        "run", "hyperparameters", remark="reach the script as {name} in command and as JSON at $REPROBUILD_PARAMS"
    )
    for name, value, line in command.hyperparameters:
        lines.entry(name, value, f"{survey.script.path}:{line}")


def _tolerances(lines: Lines, survey: Survey, choice: Choice) -> None:
    if not survey.places.metrics:
        return
    lines.table("run", "tolerances", remark="how far a replay's metric may lie; none given: 0")
    for name in survey.places.metric_names or (METRICS[choice.archetype],):
        lines.aside(name, 0.001)


def _data(lines: Lines, survey: Survey) -> None:
    for name, found in survey.places.data:
        lines.table("data", name)
        lines.entry("path", found.value, found.at)
        lines.aside("licence", "", "nothing here says it: the licence under which you have it, e.g. CC-BY-4.0")
        lines.aside("origin", "", "who made it, and where another engineer finds it")
        lines.aside("preprocessing", "", "what was done to it before it lay here")
    if survey.places.data_remarks:
        lines.remark("")
        lines.remarks(survey.places.data_remarks)
