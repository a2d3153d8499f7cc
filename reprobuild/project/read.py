"""`reprobuild.toml` to a Project; every complaint is one line with file, line, key and the nearest right name."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from reprobuild.ground.errors import InputError
from reprobuild.project.examples import example_of
from reprobuild.project.file import ProjectFile, parse_duration
from reprobuild.project.model import DataSource, Project
from reprobuild.project.rules import Problem, file_problems, problems
from reprobuild.project.toml import Complaints, parse_toml
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
    text, table = parse_toml(data, FILE)
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
        environment=file.conda.environment if file.conda else None,
        command=tuple(run.command),
        seed=run.seed,
        threads=run.threads,
        timeout=parse_duration(run.timeout),
        gpu=run.gpu,
        engine=run.engine,
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
        interpreter=file.image.python or "",
        numerics=run.numerics,
    )


def _refuse(text: str, found: Iterable[Problem]) -> None:
    for problem in found:
        raise _complaints(text).about(problem.key, problem.message, problem.hint)


def _complaints(text: str) -> Complaints:
    return Complaints(FILE, text, ProjectFile, example_of, _UNION_TAGS)


def _from_pydantic(text: str, error: ValidationError) -> InputError:
    complaints = _complaints(text)
    key, first = complaints.first(error)
    if first["type"] not in ("extra_forbidden", "missing", "value_error") and len(key) == 3:
        if key[:2] == ["run", "hyperparameters"]:
            return complaints.about(key, "not a boolean, number or string")
        if key[:2] == ["run", "tolerances"]:
            return complaints.about(key, "not a number")
    return complaints.of(error)
