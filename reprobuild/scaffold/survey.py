"""What lies in a folder, as far as it matters to a training: read from texts, and nothing is run."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reprobuild.ground.errors import InputError
from reprobuild.scaffold.conda import Environment, read_environment
from reprobuild.scaffold.dependencies import Needs, read_pyproject, requirement_file
from reprobuild.scaffold.dockerfile import Dockerfile, read_dockerfile
from reprobuild.scaffold.folder import Folder
from reprobuild.scaffold.found import Found
from reprobuild.scaffold.imports import Import, distributions, is_standard
from reprobuild.scaffold.places import Places, find_places
from reprobuild.scaffold.script import Script
from reprobuild.scaffold.training import find_training, is_local

_PYPROJECT = "pyproject.toml"


@dataclass(frozen=True)
class Package:
    """A distribution that the scripts import; `known` when its name is, `optional` when they can do without it."""

    name: str
    found: Found
    known: bool
    optional: bool


@dataclass(frozen=True)
class Survey:
    """Everything that was found; each fact names its place."""

    folder: Folder
    script: Script | None
    scripts: tuple[Script, ...]
    """The training script and the files of the project that it imports, itself first."""
    roots: tuple[str, ...]
    """Folders, beside the script's own, from which it imports."""
    packages: tuple[Package, ...]
    needs: Needs | None
    """Of a requirement file."""
    pyproject: Needs | None
    environment: Environment | None
    places: Places
    dockerfile: Dockerfile | None
    name: str
    python: Found | None
    cuda: Found | None
    notes: tuple[str, ...]


def survey(folder: Folder) -> Survey:
    """The survey of a folder; what could not be read is in the notes."""
    dockerfile = _dockerfile(folder)
    training = find_training(folder, dockerfile.script if dockerfile else "")
    notes = list(training.notes)
    pyproject, name = _pyproject(folder, notes)
    environment = _environment(folder, notes)
    return Survey(
        folder=folder,
        script=training.scripts[0] if training.scripts else None,
        scripts=training.scripts,
        roots=training.roots,
        packages=tuple(_packages(training.imports, folder)),
        needs=requirement_file(folder.texts),
        pyproject=pyproject,
        environment=environment,
        places=find_places(training.scripts, folder),
        dockerfile=dockerfile,
        name=name or folder.name,
        python=_python(folder, dockerfile, pyproject, environment),
        cuda=_cuda(dockerfile, environment, training.scripts),
        notes=(*folder.notes, *notes),
    )


def _dockerfile(folder: Folder) -> Dockerfile | None:
    paths = [path for path in folder.texts if re.search(r"(^|/)(Dockerfile|Containerfile)|\.Dockerfile$", path)]
    nearest = min(paths, key=lambda path: (path.count("/"), len(path), path), default=None)
    return read_dockerfile(nearest, folder.texts[nearest]) if nearest else None


def _packages(imports: Sequence[tuple[str, Import]], folder: Folder) -> Iterator[Package]:
    table = distributions()
    found: dict[str, Package] = {}
    for path, item in imports:
        module = item.module
        if module.startswith((".", "_")) or is_standard(module) or is_local(module, path, folder):
            continue
        name, known = table.of(module)
        package = Package(name, Found("import", module, path, item.line), known, item.optional)
        if name not in found or (found[name].optional and not item.optional):
            found[name] = package
    yield from sorted(found.values(), key=lambda package: package.name)


def _pyproject(folder: Folder, notes: list[str]) -> tuple[Needs | None, str]:
    try:
        return read_pyproject(_PYPROJECT, folder.texts.get(_PYPROJECT, ""))
    except InputError as error:
        notes.append(str(error))
        return None, ""


def _environment(folder: Folder, notes: list[str]) -> Environment | None:
    path = next((path for path in ("environment.yml", "environment.yaml") if path in folder.texts), "")
    try:
        return read_environment(path, folder.texts[path]) if path else None
    except InputError as error:
        notes.append(str(error))
        return None


def _python(
    folder: Folder, dockerfile: Dockerfile | None, pyproject: Needs | None, environment: Environment | None
) -> Found | None:
    """The version of Python that is asked for, by whoever says it most exactly."""
    if dockerfile and (found := re.search(r"python[:_-]?v?(3\.\d+)", dockerfile.base)):
        return Found("python", found[1], dockerfile.path, dockerfile.base_line)
    if environment and environment.python:
        return Found("python", environment.python, environment.path)
    if found := re.match(r"(3\.\d+)", folder.texts.get(".python-version", "")):
        return Found("python", found[1], ".python-version", 1)
    return Found("python", pyproject.python, pyproject.path) if pyproject and pyproject.python else None


def _cuda(dockerfile: Dockerfile | None, environment: Environment | None, scripts: Sequence[Script]) -> Found | None:
    if dockerfile and re.search(r"cuda|gpu", dockerfile.base):
        return Found("cuda", dockerfile.base, dockerfile.path, dockerfile.base_line)
    if environment and environment.cuda:
        return Found("cuda", "a CUDA package", environment.path)
    needing = next((script for script in scripts if script.uses.gpu), None)
    return Found("cuda", "a GPU", needing.path, needing.uses.gpu) if needing else None
