"""What lies in a folder, as far as it matters to a training: read from texts, and nothing is run."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reprobuild.ground.errors import InputError
from reprobuild.scaffold.arguments import Argument
from reprobuild.scaffold.conda import Environment, read_environment
from reprobuild.scaffold.dependencies import Needs, read_pyproject, requirement_file
from reprobuild.scaffold.dockerfile import Dockerfile, read_dockerfile
from reprobuild.scaffold.folder import Folder
from reprobuild.scaffold.found import Found
from reprobuild.scaffold.imports import distributions, find_local, is_standard
from reprobuild.scaffold.places import Places, find_places
from reprobuild.scaffold.script import ENOUGH, Script, read_script, score

_PYPROJECT = "pyproject.toml"
_DATA_FOLDERS = ("data", "dataset", "datasets", "input")


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
    read = {path: read_script(path, folder.texts[path], _filler(folder)) for path in folder.scripts}
    good = {path: script for path, script in read.items() if isinstance(script, Script)}
    script = _training(good, dockerfile)
    scripts, roots = _reached(script, good, folder)
    notes = [f"{path}: {why}" for path, why in read.items() if isinstance(why, str)]
    pyproject, name = _pyproject(folder, notes)
    environment = _environment(folder, notes)
    return Survey(
        folder=folder,
        script=script,
        scripts=scripts,
        roots=roots,
        packages=tuple(_packages(scripts, folder)),
        needs=requirement_file(folder.texts),
        pyproject=pyproject,
        environment=environment,
        places=find_places(scripts, folder),
        dockerfile=dockerfile,
        name=name or folder.name,
        python=_python(folder, dockerfile, pyproject, environment),
        cuda=_cuda(dockerfile, environment, scripts),
        notes=(*folder.notes, *notes),
    )


def _dockerfile(folder: Folder) -> Dockerfile | None:
    paths = [path for path in folder.texts if re.search(r"(^|/)(Dockerfile|Containerfile)|\.Dockerfile$", path)]
    nearest = min(paths, key=lambda path: (path.count("/"), len(path), path), default=None)
    return read_dockerfile(nearest, folder.texts[nearest]) if nearest else None


def _training(scripts: Mapping[str, Script], dockerfile: Dockerfile | None) -> Script | None:
    started = dockerfile.script if dockerfile else ""
    ranked = sorted(scripts.values(), key=lambda script: (-score(script, started), script.path))
    best = ranked[0] if ranked else None
    only = len(ranked) == 1 and best is not None and (best.uses.is_program or best.uses.writes)
    return best if best and (score(best, started) >= ENOUGH or only) else None


def _filler(folder: Folder) -> Callable[[Argument], str]:
    """Guesses a required argument that names where data is, or where results go."""

    def fill(argument: Argument) -> str:
        if argument.reads:
            own = (argument.name, f"data/{argument.name}")
            return next((path for path in (*own, *_DATA_FOLDERS) if path in folder.folders), "")
        return "out" if argument.writes else ""

    return fill


def _reached(
    script: Script | None, scripts: Mapping[str, Script], folder: Folder
) -> tuple[tuple[Script, ...], tuple[str, ...]]:
    """The training and what it imports of the project, in the order of reading, and the folders imported from."""
    if script is None:
        return (), ()
    reached: dict[str, Script] = {script.path: script}
    roots: dict[str, None] = {}
    waiting = [script]
    own = script.path.rpartition("/")[0]
    while waiting:
        here = waiting.pop(0)
        for item in here.imports:
            place = find_local(item.module, here.path, folder.files, _roots(own))
            if place and place.root != own and not item.module.startswith("."):
                roots[place.root] = None
            if place and place.path in scripts and place.path not in reached:
                reached[place.path] = scripts[place.path]
                waiting.append(scripts[place.path])
    return tuple(reached.values()), tuple(roots)


def _roots(own: str) -> tuple[str, ...]:
    return (own, "", "src")


def _packages(scripts: Sequence[Script], folder: Folder) -> Iterator[Package]:
    table = distributions()
    found: dict[str, Package] = {}
    for script in scripts:
        for item in script.imports:
            module = item.module
            if module.startswith((".", "_")) or is_standard(module) or _is_local(module, script, folder):
                continue
            name, known = table.of(module)
            package = Package(name, Found("import", module, script.path, item.line), known, item.optional)
            if name not in found or (found[name].optional and not item.optional):
                found[name] = package
    yield from sorted(found.values(), key=lambda package: package.name)


def _is_local(module: str, script: Script, folder: Folder) -> bool:
    top = module.split(".")[0]
    here = script.path.rpartition("/")[0]
    stems = [f"{root}/{top}" if root else top for root in dict.fromkeys((here, *_roots(here)))]
    return any(
        f"{stem}.py" in folder.files or any(path.startswith(f"{stem}/") for path in folder.scripts) for stem in stems
    )


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
