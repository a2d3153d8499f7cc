"""Which of a folder's scripts trains, and which other files of the folder it imports."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from reprobuild.scaffold.arguments import Argument
from reprobuild.scaffold.folder import Folder
from reprobuild.scaffold.imports import Import, find_local
from reprobuild.scaffold.script import ENOUGH, Glance, Script, is_aside, read_glance, read_script, score

_DATA_FOLDERS = ("data", "dataset", "datasets", "input")


@dataclass(frozen=True)
class Training:
    """The training script, when one was found, then the files of the project that it imports."""

    scripts: tuple[Script, ...] = ()
    roots: tuple[str, ...] = ()
    """Folders, beside the script's own, from which it imports."""
    imports: tuple[tuple[str, Import], ...] = ()
    """Of those scripts by path; without a training script those of every file but tests and the like."""
    notes: tuple[str, ...] = ()


def find_training(folder: Folder, started: str) -> Training:
    """The training; `started` is the script that a Dockerfile starts."""
    seen = {path: read_glance(path, folder.texts[path]) for path in folder.scripts}
    notes = [f"{path}: {why}" for path, why in seen.items() if isinstance(why, str)]
    good = {path: glance for path, glance in seen.items() if isinstance(glance, Glance)}
    chosen = _choose(good, started)
    reached, roots = _reached(chosen, good, folder) if chosen else ([], ())
    read = {glance.path: read_script(glance, folder.texts[glance.path], _filler(folder)) for glance in reached}
    notes += [f"{path}: {why}" for path, why in read.items() if isinstance(why, str)]
    scripts = tuple(script for script in read.values() if isinstance(script, Script))
    if chosen and (not scripts or scripts[0].path != chosen.path):
        scripts = ()
    return Training(scripts, roots, tuple(_imports(reached or good.values())), tuple(notes))


def _choose(scripts: Mapping[str, Glance], started: str) -> Glance | None:
    ranked = sorted(scripts.values(), key=lambda glance: (-score(glance, started), glance.path))
    best = ranked[0] if ranked else None
    only = len(ranked) == 1 and best is not None and (best.is_program or best.acts)
    return best if best and (score(best, started) >= ENOUGH or only) else None


def _imports(glances: Iterable[Glance]) -> Iterator[tuple[str, Import]]:
    for glance in glances:
        if not is_aside(glance.path):
            yield from ((glance.path, item) for item in glance.imports)


def _filler(folder: Folder) -> Callable[[Argument], str]:
    """Guesses a required argument that names where data is, or where results go."""

    def fill(argument: Argument) -> str:
        if argument.reads:
            own = (argument.name, f"data/{argument.name}")
            return next((path for path in (*own, *_DATA_FOLDERS) if path in folder.folders), "")
        return "out" if argument.writes else ""

    return fill


def _reached(script: Glance, scripts: Mapping[str, Glance], folder: Folder) -> tuple[list[Glance], tuple[str, ...]]:
    """The script and what it imports of the project, in the order of reading, and the folders imported from."""
    reached = {script.path: script}
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
    return list(reached.values()), tuple(roots)


def _roots(own: str) -> tuple[str, ...]:
    return (own, "", "src")


def is_local(module: str, script: str, folder: Folder) -> bool:
    """True when an import of that script means a file of the project."""
    top = module.split(".")[0]
    here = script.rpartition("/")[0]
    stems = [f"{root}/{top}" if root else top for root in dict.fromkeys((here, *_roots(here)))]
    return any(f"{stem}.py" in folder.files or stem in folder.code_folders for stem in stems)
