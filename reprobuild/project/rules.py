"""What the keys of a `reprobuild.toml` may not say together, and the files that they name."""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reprobuild.ground.errors import InputError
from reprobuild.lock.oci import is_reference, parse_reference
from reprobuild.numerics.profiles import environment
from reprobuild.project.model import Project
from reprobuild.record.request import OWN_VARIABLES, fill_command

OWN_PLACES = (".git", ".reprobuild", "lockfiles", "reprobuild.toml")
"""Where no output goes: history, records, lock and the request itself."""


@dataclass(frozen=True)
class Problem:
    """A key and what is wrong with its value."""

    key: tuple[str, ...]
    message: str
    hint: str = ""


def problems(project: Project) -> Iterator[Problem]:
    """Everything that does not go together; looks at no file."""
    yield from _base(project)
    yield from _command(project)
    yield from _variables(project)
    yield from _outputs(project)
    if project.environment and not project.environment.endswith((".yml", ".yaml")):
        yield Problem(("conda", "environment"), f"{project.environment}: not a conda environment: it ends in .yml")


def file_problems(project: Project) -> Iterator[Problem]:
    """Everything that is named and missing, or is no file where a file is asked for."""
    named = (
        (("python", "requirements"), project.requirements),
        (("conda", "environment"), (project.environment,) if project.environment else ()),
        (("run", "params"), project.params),
    )
    for key, paths in named:
        for path in paths:
            if problem := _no_file(project.root / path):
                yield Problem(key, f"{path} {problem}")
    for source in project.data:
        if not (project.root / source.path).exists():
            yield Problem(("data", source.name, "path"), f"{source.path} does not exist")


def _base(project: Project) -> Iterator[Problem]:
    if not is_reference(project.base):
        if project.interpreter:
            yield Problem(("image", "python"), "this base says itself where its Python is", "leave it out")
        return
    try:
        parse_reference(project.base)
    except InputError as error:
        yield Problem(("image", "base"), str(error), error.hint)
    if project.debian:
        hint = "install them in the image that is the base, or take a base such as debian12-python311"
        yield Problem(("image", "debian"), "a base that is an image takes no Debian packages", hint)


def _command(project: Project) -> Iterator[Problem]:
    try:
        fill_command(project.command, project.hyperparameters)
    except InputError as error:
        yield Problem(("run", "command"), str(error), error.hint)


def _variables(project: Project) -> Iterator[Problem]:
    pinned = environment(project.numerics, project.threads)
    for name in project.env:
        if name in pinned:
            hint = "leave it out, or take the profile native"
            yield Problem(("run", "env"), f"{name}: the numerics profile {project.numerics} sets it", hint)
        elif name in OWN_VARIABLES or name.startswith("REPROBUILD_"):
            yield Problem(("run", "env"), f"{name}: not a variable to pass through", "reprobuild sets it itself")


def _outputs(project: Project) -> Iterator[Problem]:
    metrics = [project.metrics] if project.metrics else []
    for key, paths in ((("run", "outputs"), project.outputs), (("run", "metrics"), metrics)):
        for number, path in enumerate(paths):
            if path in paths[:number]:
                yield Problem(key, f"{path} is named twice", "leave one of them out")
            for other in paths:
                if path.startswith(f"{other}/"):
                    yield Problem(key, f"{path} lies in {other}, an output too", "leave one of them out")
            if any(part == OWN_PLACES[0] for part in path.split("/")) or path.split("/")[0] in OWN_PLACES:
                yield Problem(key, f"{path}: a place that is not for results", "give results a folder of its own")
            for source in project.data:
                if f"{path}/".startswith(f"{source.path.rstrip('/')}/"):
                    yield Problem(key, f"{path} lies in data.{source.name}", "a run's data is read-only")


def _no_file(path: Path) -> str:
    try:
        return "" if stat.S_ISREG(path.stat().st_mode) else "is not a file"
    except FileNotFoundError:
        return "does not exist"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
