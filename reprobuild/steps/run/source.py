"""The source tree of a project: what a run copies in.

It has regular files only. A link that stays inside the project stands for what it points to, so that no link travels
in a bundle.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from reprobuild.ground.errors import InputError, ToolError
from reprobuild.ground.tree import check_name, open_regular, refuse_unread
from reprobuild.guide.place import PAGE, PLACE
from reprobuild.project.model import Project
from reprobuild.tools.process import Runner

RECORDS = ".reprobuild"
LEFT_OUT = (".git", RECORDS, "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache")
BUNDLE_BEGINS = b"oci-layout\0"


def source_files(project: Project, runner: Runner) -> dict[str, Path]:
    """The files of the source by relative path: git's tracked and untracked ones that are not ignored; without git all.

    Never among them: declared outputs, bundles, our own records and the guide that tells of them, virtual environments,
    caches, and data, which is mounted. InputError for links that leave the project, and for pipes, sockets and devices.
    """
    listed = _git_files(project.root, runner)
    names = _less_left_out(set(_all_files(project.root) if listed is None else listed), project)
    found: dict[str, Path] = {}
    for name in sorted(names):
        for relative, path in _resolve(project, name, names):
            if not is_bundle(path):
                found[check_name(relative, "source")] = path
    return dict(sorted(found.items()))


def _less_left_out(names: set[str], project: Project) -> set[str]:
    environments = {name.removesuffix("/pyvenv.cfg") for name in names if name.endswith("/pyvenv.cfg")}
    hidden = (
        environments | {PLACE, PAGE} | {os.path.normpath(source.path) for source in project.data} | _outputs(project)
    )
    return {
        name
        for name in names
        if not any(_within(name, folder) for folder in hidden) and not set(LEFT_OUT) & set(name.split("/"))
    }


def _outputs(project: Project) -> set[str]:
    return {*project.outputs, *([project.metrics] if project.metrics else [])}


def _within(name: str, folder: str) -> bool:
    return name == folder or name.startswith(f"{folder}/")


def _resolve(project: Project, name: str, names: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """The regular files that a listed name stands for: one, none, or those that a link to a folder shows."""
    path = project.root / name
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return  # tracked, and deleted in the working tree
    if stat.S_ISREG(mode):
        yield name, path
    elif stat.S_ISLNK(mode):
        yield from _follow(project, name, names)
    elif not stat.S_ISDIR(mode):
        raise InputError(f"{name}: a pipe, socket or device; a source tree has files and folders", hint="remove it")


def _follow(project: Project, name: str, names: Iterable[str]) -> Iterator[tuple[str, Path]]:
    target = _target(project, name)
    if target is None or any(_within(target, folder) for folder in _outputs(project)):
        return
    if (project.root / target).is_file():
        yield name, (project.root / target).resolve()
    for other in sorted(names):
        if other.startswith(f"{target}/") and _is_plain(project.root / other):
            yield f"{name}/{other.removeprefix(f'{target}/')}", project.root / other


def _is_plain(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _target(project: Project, name: str) -> str | None:
    """What a link points to, relative to the project; None when nothing is there."""
    path, root = project.root / name, project.root.resolve()
    try:
        target = path.resolve(strict=True)
    except FileNotFoundError:
        return None
    except (RuntimeError, OSError) as error:  # a loop is the former before Python 3.13
        raise InputError(f"{name}: a link that leads back to itself") from error
    if not target.is_relative_to(root):
        raise InputError(
            f"{name}: a link that leaves the project, to {path.readlink()}",
            hint="name it as [data.NAME] path, replace it by what it points to, or let git ignore it",
        )
    relative = target.relative_to(root).as_posix()
    for source in project.data:
        if _within(relative, os.path.normpath(source.path)):
            raise InputError(f"{name}: a link into [data.{source.name}]", hint=f"let the training read {source.path}")
    return relative


def _git_files(root: Path, runner: Runner) -> set[str] | None:
    """What git would add in that folder, or None where there is no git, no repository, or one that ignores the project.

    A repository within (a submodule, or another clone) is asked in its turn, for git itself lists only its name.
    """
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = runner(command, env=_git_environment())
    except ToolError:
        return None
    names = {name.rstrip("/") for name in done.stdout.split("\0")} - {"", "."}
    if done.status or not names:
        return None
    for name in sorted(names):
        if "\N{REPLACEMENT CHARACTER}" in name:
            raise InputError(f"source: {name!r}: a name that is not UTF-8", hint="rename it")
        if (root / name).is_dir() and not (root / name).is_symlink():
            names.discard(name)
            names |= {f"{name}/{inner}" for inner in _git_files(root / name, runner) or ()}
    return names


def _git_environment() -> dict[str, str]:
    """Ours, less what git's hooks set, with a repository of another user allowed: its list of files is only read.

    The variables are those of git-config(1); a file system monitor would be a program that the repository names.
    """
    told = (("safe.directory", "*"), ("core.fsmonitor", "false"))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for number, (key, value) in enumerate(told):
        kept |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return kept | {"GIT_CONFIG_COUNT": str(len(told)), "GIT_OPTIONAL_LOCKS": "0"}


def _all_files(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root, onerror=refuse_unread("source")):
        here = Path(folder)
        links = [name for name in folders if (here / name).is_symlink()]
        folders[:] = [name for name in folders if name not in LEFT_OUT and name not in links]
        for name in [*names, *links]:
            yield (here / name).relative_to(root).as_posix()


def is_bundle(path: Path) -> bool:
    """True for a regular file that begins as bundles do, whatever its name."""
    if not path.is_file():
        return False
    with open_regular(path.resolve(), str(path)) as stream:
        return stream.read(len(BUNDLE_BEGINS)) == BUNDLE_BEGINS
