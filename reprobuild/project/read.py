"""`reprobuild.toml` to a Project; every complaint is one line with file, line, key and the nearest right name."""

import difflib
import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from reprobuild.ground.errors import InputError
from reprobuild.project.examples import example_of
from reprobuild.project.file import ProjectFile, parse_duration
from reprobuild.project.lines import line_of
from reprobuild.project.model import DataSource, Project
from reprobuild.project.rules import Problem, file_problems, problems
from reprobuild.record.document import Tolerance

FILE = "reprobuild.toml"
MAX_SIZE = 1 << 20
_UNION_TAGS = ("float", "int", "bool", "str", "none", "Tolerance", "constrained-float", "constrained-int")


def read_project(root: Path) -> Project:
    """The project in the folder `root`; InputError when its file is missing, broken or names missing files."""
    try:
        with (root / FILE).open("rb") as stream:
            data = stream.read(MAX_SIZE + 1)
    except OSError as error:
        raise InputError(
            f"{FILE}: {error.strerror or error}",
            hint="run reprobuild in the folder that holds it, or name that folder with --project",
        ) from error
    if len(data) > MAX_SIZE:
        raise InputError(f"{FILE}: larger than {MAX_SIZE} bytes", hint="it holds settings; data has files of its own")
    project = parse_project(data, root)
    _refuse(data.decode(), file_problems(project))
    return project


def parse_project(data: bytes, root: Path) -> Project:
    """The project that the bytes of a `reprobuild.toml` describe; looks at no other file."""
    try:
        text = data.decode()
        table = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise InputError(f"{FILE}: not UTF-8: {error}", hint="save it as UTF-8 text") from error
    except ValueError as error:  # tomllib.TOMLDecodeError, or an integer of thousands of digits
        line = re.search(r"at line (\d+)", str(error))
        number = f":{line[1]}" if line else ""
        if "end of document" in str(error):
            number = f":{data.decode().count(chr(10)) + 1}"
        raise InputError(
            f"{FILE}{number}: not TOML: {error}", hint="see https://toml.io for how TOML is written"
        ) from error
    try:
        file = ProjectFile.model_validate(table)
    except ValidationError as error:
        raise _from_pydantic(text, error) from error
    project = _project(file, root)
    _refuse(text, problems(project))
    return project


def _project(file: ProjectFile, root: Path) -> Project:
    run = file.run
    return Project(
        root=root,
        name=file.project.name,
        base=file.image.base,
        debian=tuple(file.image.debian),
        requirements=tuple(file.python.requirements),
        resolver=file.python.resolver,
        command=tuple(run.command),
        seed=run.seed,
        threads=run.threads,
        timeout=parse_duration(run.timeout),
        gpu=run.gpu,
        env=tuple(run.env),
        params=tuple(run.params),
        outputs=tuple(run.outputs),
        metrics=run.metrics,
        hyperparameters=run.hyperparameters,
        tolerances={
            name: value if isinstance(value, Tolerance) else Tolerance(absolute=float(value))
            for name, value in run.tolerances.items()
        },
        data=tuple(
            DataSource(name, table.path, table.licence, table.origin, table.preprocessing)
            for name, table in sorted(file.data.items())
        ),
    )


def _refuse(text: str, found: Iterable[Problem]) -> None:
    for problem in found:
        raise _complaint(text, problem.key, problem.message, problem.hint)


def _complaint(text: str, key: Sequence[str], message: str, hint: str = "") -> InputError:
    return InputError(f"{FILE}:{line_of(text, key)}: {'.'.join(key)}: {message}", hint=hint or example_of(key))


def _from_pydantic(text: str, error: ValidationError) -> InputError:
    # An unknown key explains a missing one beside it (a misspelling makes both), so it is told first.
    errors = sorted(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")
    first = errors[0]
    key = [str(part) for part in first["loc"] if part not in _UNION_TAGS]
    if first["type"] == "extra_forbidden":
        known = _keys_beside(key)
        near = difflib.get_close_matches(key[-1], known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else f"known keys: {', '.join(known)}"
        return _complaint(text, key, "unknown key", hint)
    if first["type"] == "missing":
        return _complaint(text, key, "missing", f"add it: {example_of(key)}")
    if key[:2] == ["run", "hyperparameters"] and len(key) == 3 and first["type"] != "value_error":
        return _complaint(text, key, "not a boolean, number or string")
    if key[:2] == ["run", "tolerances"] and len(key) == 3:
        return _complaint(text, key, "not a number")
    where = [part for part in key if not part.isdigit()]
    return _complaint(text, where, str(first["msg"]).removeprefix("Value error, "))


def _keys_beside(key: Sequence[str]) -> list[str]:
    model: Any = ProjectFile
    for part in key[:-1]:
        if isinstance(model, type) and issubclass(model, BaseModel) and part in model.model_fields:
            model = model.model_fields[part].annotation
            nested = [item for item in get_args(model) if isinstance(item, type) and issubclass(item, BaseModel)]
            model = nested[0] if nested else model
    fields = model.model_fields if isinstance(model, type) and issubclass(model, BaseModel) else Tolerance.model_fields
    return sorted(fields)
