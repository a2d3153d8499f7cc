"""The source tree of a project: what a run copies in."""

import os
import stat
from collections.abc import Collection
from pathlib import Path

from reprobuild.ground.errors import InputError, ToolError
from reprobuild.project.model import Project
from reprobuild.tools.process import Runner

LEFT_OUT = (".git", ".reprobuild", "__pycache__", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache")


def source_files(project: Project, runner: Runner, bundles: Collection[Path] = ()) -> dict[str, Path]:
    """The files of the source by relative path: git's tracked and untracked ones that are not ignored; without git all
    but declared outputs, bundles, virtual environments and our own records. Data is mounted instead, and is not source.
    """
    listed = _git_files(project.root, runner)
    names = _all_files(project.root) if listed is None else listed
    hidden = [*project.outputs, *([project.metrics] if project.metrics else [])]
    hidden += [source.path for source in project.data if not source.path.startswith(("/", ".."))]
    found = {}
    for name in sorted(names):
        path = project.root / name
        inside = any(name == path or name.startswith(path.rstrip("/") + "/") for path in hidden)
        if inside or path in bundles or name.startswith(".reprobuild/") or _is_bundle(path):
            continue
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue  # tracked, and deleted in the working tree
        if stat.S_ISDIR(mode):
            continue  # a submodule: its files are another repository's
        if not stat.S_ISREG(mode):
            raise InputError(
                f"{name}: neither a file nor a folder; a source tree travels as regular files",
                hint="replace the link by what it points to, or let git ignore it",
            )
        found[name] = path
    return found


def _git_files(root: Path, runner: Runner) -> set[str] | None:
    """What git would add in that folder, or None where there is no git or no repository."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    # Another user's repository is refused by git unless told otherwise; reading its list of files is harmless.
    environment = {
        **os.environ,
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
    }
    try:
        done = runner(command, env=environment)
    except ToolError:
        return None
    return None if done.status else {name for name in done.stdout.split("\0") if name}


def _all_files(root: Path) -> set[str]:
    found = set()
    for folder, folders, names in os.walk(root):
        folders[:] = [
            name for name in folders if name not in LEFT_OUT and not (Path(folder) / name / "pyvenv.cfg").exists()
        ]
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        found |= {(Path(folder) / name).relative_to(root).as_posix() for name in [*names, *links]}
    return found


def _is_bundle(path: Path) -> bool:
    """True for a tar that begins as a bundle does."""
    if path.suffix != ".tar" or not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(11) == b"oci-layout\0"
