"""`guide`: the training reproducibility guide of a project, written from its records, its lock and `guide.toml`."""

import os
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from reprobuild.ground.canonical import MAX_SIZE
from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError, UsageError
from reprobuild.ground.tree import open_given, open_regular
from reprobuild.ground.whole import write_whole
from reprobuild.guide.blocks import Edit, Guide, edits, parse_guide
from reprobuild.guide.check import Checked, Finding, check_guide
from reprobuild.guide.place import PLACE
from reprobuild.guide.read import read_guide_file
from reprobuild.guide.rules import BY_ID
from reprobuild.guide.run import Run, newest_good
from reprobuild.guide.source import Source
from reprobuild.guide.template import FOLDER, MAX_TEMPLATE, OWN, own_template
from reprobuild.guide.write import Rendered, join_guide, render_guide
from reprobuild.lock.index import LockIndex
from reprobuild.project.read import read_project
from reprobuild.record.document import Record
from reprobuild.record.folder import GUIDE, LOCK, OUTPUTS, RECORD, run_folders
from reprobuild.record.note import read_note
from reprobuild.tensors.read import read_models

MAX_GUIDE = 8 << 20
MAX_RUNS = 200
"""Runs whose records a guide lists; `reprobuild runs` lists them all."""


class EditedError(InputError):
    """A guide was edited outside its blocks; nothing was written."""

    def __init__(self, name: str, found: list[Edit]) -> None:
        first, more = found[0], len(found) - 1
        others = f" (and {more} more line{'s' if more > 1 else ''})" if more else ""
        super().__init__(
            f"{told(name, first)}{others}",
            hint="nothing was written: move your words into a block or into guide.toml, and give the line back",
        )
        self.name, self.edits = name, found


def told(name: str, edit: Edit) -> str:
    """One edit on one line: where, what it was and what it is."""
    was = "it was not there" if edit.was == "" else f"it was {edit.was[:200]!r}" if edit.was else "it was another line"
    now = "it is gone" if edit.now is None else f"it is {edit.now[:200]!r}"
    return f"{name}:{edit.line}: edited outside the blocks: {was}, {now}"


@dataclass(frozen=True)
class Written:
    """A guide that was written, and where."""

    place: Path
    page: Path
    rendered: Rendered
    run: tuple[str, str] | None


def write_guide(root: Path, output: Path | None) -> Written:
    """Write the guide and its page; InputError, and nothing is written, where words of people would be lost."""
    from reprobuild.guide.page import render_page

    source = read_source(root)
    place, name = place_of(root, output)
    before = read_guide(place, name)
    rendered = render_guide(source)
    if before:
        _require_kept(before, rendered, source, name)
    text = join_guide(rendered, before.blocks if before else {}, source, name, before.places if before else {})
    page = place.with_suffix(".html")
    place.parent.mkdir(parents=True, exist_ok=True)
    write_whole(place, text.encode())
    write_whole(page, render_page(text, source.project).encode())
    if source.main:
        write_whole(run_folder(root, source.main.number) / GUIDE, text.encode())
    return Written(place, page, rendered, source.run)


def check_project_guide(root: Path, output: Path | None, today: date) -> tuple[Checked, str]:
    """What is wrong with the guide of a project on that day, and the guide's name; nothing is written."""
    from reprobuild.guide.page import render_page

    source = read_source(root)
    place, name = place_of(root, output)
    rendered = render_guide(source)
    try:
        text = read_guide_text(place, name)
        guide = None if text is None else parse_guide(text, name)
    except InputError as error:
        broken = Finding("RG002", str(error), error.hint or BY_ID["RG002"].remedy)
        return Checked((broken, *check_guide(source, rendered, None, today).findings[1:])), name
    checked = check_guide(source, rendered, guide, today)
    page = place.with_suffix(".html")
    if text is not None and not _is_page(page, render_page(text, source.project)):
        stale = Finding("RG007", f"{page.name} is missing or not of this guide", BY_ID["RG007"].remedy)
        checked = replace(checked, findings=(*checked.findings, stale))
    return checked, name


def _is_page(path: Path, page: str) -> bool:
    if not path.is_file():
        return False
    with open_given(path, path.name) as stream:
        return stream.read(len(page.encode()) + 1) == page.encode()


def _require_kept(before: Guide, rendered: Rendered, source: Source, name: str) -> None:
    if before.seal is None:
        raise InputError(
            f"{name}: it has no seal at its end, so it is not as reprobuild guide wrote it",
            hint="move it to another name, run reprobuild guide, and put your words into the blocks",
        )
    if found := edits(before, rendered.guide.generated):
        raise EditedError(name, found)
    if before.seal.run and not source.main:
        raise InputError(
            f"{name}: it tells of run {before.seal.run[0]}, and no run that succeeded is recorded here",
            hint="what was measured would be lost: run reprobuild run first, or write elsewhere with --output",
        )


def keep_guide(root: Path, folder: Path) -> None:
    """Write the guide of a run that has just ended beside its record, for its bundle; the project keeps its own."""
    source = read_source(root, folder.name)
    place, name = place_of(root, None)
    before = read_guide(place, name)
    blocks, places = (before.blocks, before.places) if before else ({}, {})
    text = join_guide(render_guide(source), blocks, source, name, places)
    write_whole(folder / GUIDE, text.encode())


def read_source(root: Path, number: str = "") -> Source:
    """Everything that a guide is written from; it tells of the run `number`, or of the newest that succeeded."""
    project = read_project(root)
    file, declared = read_guide_file(root)
    folders = run_folders(root)
    runs = tuple(_read_run(folder) for folder in folders[-MAX_RUNS:])
    main = next((run for run in runs if run.number == number), None) if number else newest_good(runs)
    if main is None:
        older = (run for folder in reversed(folders[:-MAX_RUNS]) if (run := _read_run(folder)).good)
        main = next(older, None)
    folder = run_folder(root, main.number) if main else None
    return Source(
        project=project.name,
        file=file,
        declared=declared,
        template=_read_template(root, file.template),
        runs=runs,
        older=len(folders) - len(runs),
        main=main,
        data=project.data,
        lock=_read_lock(folder) if folder else None,
        models=read_models(folder / OUTPUTS, f"run {folder.name}: {OUTPUTS}")
        if folder and (folder / OUTPUTS).exists()
        else (),
    )


def run_folder(root: Path, number: str) -> Path:
    """The folder of a run by the number that is its name."""
    return next(folder for folder in run_folders(root) if folder.name == number)


def _read_run(folder: Path) -> Run:
    try:
        with open_regular(folder / RECORD, folder.name) as stream:
            data = stream.read(MAX_SIZE + 1)
        record = Record.from_bytes(data, RECORD)
        return Run(folder.name, sha256_bytes(data), record, read_note(folder))
    except InputError as error:
        return Run(folder.name, "", None, problem=f"cannot be read: {error}")


def _read_lock(folder: Path) -> LockIndex | None:
    if not (folder / LOCK).exists():
        return None
    subject = f"run {folder.name}: {LOCK}"
    with open_regular(folder / LOCK, subject) as stream:
        return LockIndex.from_bytes(stream.read(MAX_SIZE + 1), subject)


def _read_template(root: Path, name: str | None) -> tuple[str, str]:
    if name is None:
        return f"{FOLDER}/{OWN}", own_template()
    with open_given(root / name, name) as stream:
        data = stream.read(MAX_TEMPLATE + 1)
    if len(data) > MAX_TEMPLATE:
        raise InputError(f"{name}: larger than {MAX_TEMPLATE} bytes", hint="a template is text of some pages")
    try:
        return name, data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8: {error}", hint="save it as UTF-8 text") from error


def place_of(root: Path, output: Path | None) -> tuple[Path, str]:
    """Where the guide is, and its name in complaints."""
    name = output or Path(PLACE)
    if name.suffix != ".md":
        raise UsageError(f"--output {name}: a guide is a .md file", hint=f"for example --output {PLACE}")
    place = root / name
    if place.is_symlink() or place.with_suffix(".html").is_symlink():
        raise InputError(f"{name}: a link, and a guide is written through none", hint="replace it by a file")
    return place, str(name)


def read_guide(place: Path, name: str) -> Guide | None:
    """The guide that is there, taken apart."""
    text = read_guide_text(place, name)
    return None if text is None else parse_guide(text, name)


def read_guide_text(place: Path, name: str) -> str | None:
    """The guide that is there; None where there is none."""
    if not os.path.lexists(place):
        return None
    with open_given(place, name) as stream:
        data = stream.read(MAX_GUIDE + 1)
    if len(data) > MAX_GUIDE:
        raise InputError(f"{name}: larger than {MAX_GUIDE >> 20} MiB", hint="keep pictures and tables beside it")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8: {error}", hint="save it as UTF-8 text") from error
