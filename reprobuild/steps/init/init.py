"""`init`: survey a folder, and write what makes it a project; nothing in it is run, and nothing is overwritten."""

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from reprobuild.ground.errors import InputError, ReprobuildError, ToolError, UsageError
from reprobuild.guide.place import PLACE
from reprobuild.guide.read import parse_guide_file
from reprobuild.guide.source import Source
from reprobuild.guide.template import FOLDER, OWN, own_template
from reprobuild.guide.write import join_guide, render_guide
from reprobuild.project.read import parse_project
from reprobuild.record.folder import run_folders
from reprobuild.scaffold.choice import Choice, choose
from reprobuild.scaffold.folder import Folder
from reprobuild.scaffold.plan import GUIDE, PROJECT, Planned, plan, render_difference
from reprobuild.scaffold.survey import Survey, survey
from reprobuild.steps.init.listing import read_folder, read_text


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

    @property
    def difference(self) -> str:
        """A unified diff from what lies there to what would be written."""
        return render_difference(self.planned.path, self.before, self.planned.text)


@dataclass(frozen=True)
class Scaffolded:
    """What was found, what was chosen, and what came of each file."""

    survey: Survey
    choice: Choice
    files: tuple[Outcome, ...]
    notes: tuple[str, ...]


def scaffold(root: Path, archetype: str | None, features: Sequence[str], *, write: bool) -> Scaffolded:
    """The files of a project for the folder `root`, written unless they are there already or `write` is false."""
    if root.exists() and not root.is_dir():
        raise UsageError(f"--dir {root}: a file, not a folder", hint="name the folder that holds the training")
    folder = read_folder(root)
    starter = _starter(folder, archetype or "generic")
    seen = survey(_with(folder, starter))
    choice = choose(seen, archetype, features)
    planned = plan(seen, choice, starter)
    stub, notes = _stub(root, {item.path: item.text for item in planned})
    for item in (*planned, *stub):
        check_folder(root, item.path)
    outcomes = [_outcome(root, item, write=write) for item in (*planned, *stub)]
    return Scaffolded(seen, choice, tuple(outcomes), (*seen.notes, *notes))


def _with(folder: Folder, starter: Mapping[str, str]) -> Folder:
    sizes = {path: len(text) for path, text in starter.items()}
    return replace(folder, files={**sizes, **folder.files}, texts={**starter, **folder.texts})


def _stub(root: Path, planned: Mapping[str, str]) -> tuple[list[Planned], list[str]]:
    """The guide before the first run, or a note why `reprobuild guide` has to write it."""
    if run_folders(root):
        return [], [f"runs are recorded here: reprobuild guide writes {PLACE}"]
    present: dict[str, str] = {}
    for name in (PROJECT, GUIDE):
        text = _present(root / name, name) if os.path.lexists(root / name) else planned[name]
        present[name] = text
    if present[GUIDE] != planned[GUIDE]:
        return [], [f"{GUIDE} is yours: reprobuild guide writes {PLACE} from it"]
    try:
        project = parse_project(present[PROJECT].encode(), root)
    except ReprobuildError as error:
        return [], [f"{error}: so {PLACE} cannot be written yet"]
    declared = present[GUIDE].encode()
    source = Source(
        project.name, parse_guide_file(declared), declared, (f"{FOLDER}/{OWN}", own_template()), data=project.data
    )
    text = join_guide(render_guide(source), {}, source, PLACE, {})
    return [Planned(PLACE, text, "the guide before the first run; reprobuild guide writes it again")], []


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
    written = write and not os.path.lexists(path) and create_file(root, planned.path, planned.text.encode())
    before = _present(path, planned.path) if not written and os.path.lexists(path) else None
    return Outcome(planned, before, written=written)


def _present(path: Path, name: str) -> str:
    """What lies there, as text for a comparison."""
    notes: list[str] = []
    text = read_text(path, name, notes)
    return text if text is not None else f"({'; '.join(notes) or f'{name}: not a file'})\n"


def create_file(root: Path, name: str, data: bytes) -> bool:
    """Write a new file whole; False when something is there by now, which stays as it is."""
    folder = (root / name).parent
    check_folder(root, name)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{(root / name).name}.{secrets.token_hex(4)}"
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


def check_folder(root: Path, name: str) -> None:
    """InputError when a file would be written through a link, or below a file."""
    path = root
    for part in name.split("/")[:-1]:
        path = path / part
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            kind = "a link, and files are written through none" if path.is_symlink() else "a file, and no folder"
            raise InputError(f"{name}: {part} is {kind}", hint="nothing was written: replace it by a folder")
