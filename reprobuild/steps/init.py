"""`init`: survey a folder, and write what makes it a project; nothing in it is run, and nothing is overwritten."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from reprobuild.ground.errors import InputError, ToolError
from reprobuild.lock.bases import shipped_bases
from reprobuild.scaffold.choice import Choice, choose
from reprobuild.scaffold.folder import MAX_TEXT, Folder, worth_reading
from reprobuild.scaffold.plan import Planned, plan
from reprobuild.scaffold.survey import Survey, survey
from reprobuild.steps.source import LEFT_OUT

MAX_FILES = 20_000
MAX_DEPTH = 8
MAX_TOTAL = 16 << 20
_NEVER = {*LEFT_OUT, "node_modules", "site-packages", ".venv", ".tox", ".nox", ".ipynb_checkpoints", "lockfiles"}
_MARKS = ("pyvenv.cfg", "conda-meta")
"""What only a virtual environment has."""


@dataclass(frozen=True)
class Outcome:
    """One file: what would be written, what lies there (None: nothing), and whether it was written now."""

    planned: Planned
    before: str | None
    written: bool

    @property
    def action(self) -> str:
        """In a word."""
        if self.written:
            return "written"
        return "new" if self.before is None else "same" if self.before == self.planned.text else "kept"


@dataclass(frozen=True)
class Scaffolded:
    """What was found, what was chosen, and what came of each file."""

    survey: Survey
    choice: Choice
    files: tuple[Outcome, ...]


def scaffold(root: Path, archetype: str | None, features: Sequence[str], *, write: bool) -> Scaffolded:
    """The files of a project for the folder `root`, written unless they are there already or `write` is false."""
    folder = read_folder(root)
    starter = _starter(folder, archetype or "generic")
    seen = survey(
        Folder(
            folder.name,
            {**{path: len(text) for path, text in starter.items()}, **folder.files},
            {**starter, **folder.texts},
            folder.notes,
        )
    )
    choice = choose(seen, archetype, features)
    bases = sorted(item.name.removesuffix(".toml") for item in shipped_bases().iterdir() if item.name.endswith(".toml"))
    planned = plan(seen, choice, bases, starter)
    outcomes = [_outcome(root, item, write=write) for item in planned]
    return Scaffolded(seen, choice, tuple(outcomes))


def read_folder(root: Path) -> Folder:
    """The folder as it lies there; links are not followed, and what is too large, too deep or too much is told."""
    notes: list[str] = []
    found: dict[str, int] = {}
    for path, size in _listed(root, notes):
        if len(found) >= MAX_FILES:
            notes.append(f"more than {MAX_FILES} files: the rest was not looked at")
            break
        found[path] = size
    texts: dict[str, str] = {}
    left = MAX_TOTAL
    for path in worth_reading(found):
        text = _text(root / path, path, notes) if left > 0 else None
        if text is not None:
            texts[path] = text
            left -= len(text)
    if left <= 0:
        notes.append(f"more than {MAX_TOTAL >> 20} MB of text: the rest was not read")
    return Folder(root.resolve().name, dict(sorted(found.items())), texts, tuple(notes))


def _listed(root: Path, notes: list[str]) -> Iterator[tuple[str, int]]:
    """Regular files with their sizes, a folder's own before those of its folders."""
    waiting = [(root, "", 0)] if root.is_dir() else []
    while waiting:
        folder, prefix, depth = waiting.pop(0)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            notes.append(f"{prefix or '.'}: {error.strerror}")
            continue
        if depth and any(entry.name in _MARKS for entry in entries):
            continue
        for entry in entries:
            name = f"{prefix}{entry.name}"
            if not _is_text(name):
                notes.append(f"{name!r}: a name that is not UTF-8: rename it")
            elif entry.is_file(follow_symlinks=False):
                yield name, entry.stat(follow_symlinks=False).st_size
            elif entry.is_symlink():
                notes.append(f"{name}: a link, not followed")
            elif entry.is_dir(follow_symlinks=False) and entry.name not in _NEVER:
                if depth < MAX_DEPTH:
                    waiting.append((Path(entry.path), f"{name}/", depth + 1))
                else:
                    notes.append(f"{name}: deeper than {MAX_DEPTH} folders")


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(path: Path, name: str, notes: list[str]) -> str | None:
    """The text of a file, or None with a note."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as stream:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return None
            data = stream.read(MAX_TEXT + 1)
        if len(data) > MAX_TEXT:
            notes.append(f"{name}: larger than {MAX_TEXT >> 10} KiB, not read")
            return None
        return data.decode("utf-8-sig")
    except OSError as error:
        notes.append(f"{name}: {error.strerror}")
    except UnicodeDecodeError:
        notes.append(f"{name}: not UTF-8 text, not read")
    return None


def _starter(folder: Folder, archetype: str) -> dict[str, str]:
    """A small training of the archetype for a folder that has no code and asks for no packages."""
    code = any(path.endswith((".py", ".ipynb", ".R", ".jl", ".sh")) for path in folder.files)
    asks = any(path in folder.texts for path in ("pyproject.toml", "environment.yml")) or any(
        path.startswith("requirements") for path in folder.texts
    )
    if code or asks or "reprobuild.toml" in folder.files:
        return {}
    text = (files("reprobuild") / "kb" / "starters" / f"{archetype}.py").read_text(encoding="utf-8")
    return {"train.py": text}


def _outcome(root: Path, planned: Planned, *, write: bool) -> Outcome:
    path = root / planned.path
    if os.path.lexists(path):
        return Outcome(planned, _present(path, planned.path), written=False)
    if write:
        return Outcome(planned, None, written=create_file(root, planned.path, planned.text.encode()))
    return Outcome(planned, None, written=False)


def _present(path: Path, name: str) -> str:
    """What lies there, as text for a comparison."""
    notes: list[str] = []
    text = _text(path, name, notes)
    return text if text is not None else f"({'; '.join(notes) or f'{name}: not a file'})\n"


def create_file(root: Path, name: str, data: bytes) -> bool:
    """Write a new file whole; False when something is there by now, which stays as it is."""
    folder = (root / name).parent
    _check_folder(root, name)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{(root / name).name}.{os.getpid()}"
    try:
        with open(temporary, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        return _named(temporary, root / name)
    finally:
        temporary.unlink(missing_ok=True)


def _named(temporary: Path, path: Path) -> bool:
    try:
        os.link(temporary, path)  # unlike a rename it never replaces
    except FileExistsError:
        return False
    except OSError as error:
        if os.path.lexists(path):
            return False
        try:
            temporary.rename(path)  # a file system without hard links
        except OSError:
            raise ToolError(f"{path}: {error.strerror}") from error
    return True


def _check_folder(root: Path, name: str) -> None:
    """InputError when a file would be written through a link."""
    path = root
    for part in name.split("/")[:-1]:
        path = path / part
        if path.is_symlink():
            raise InputError(
                f"{name}: {part} is a link, and files are written through none", hint="replace it by a folder"
            )
