"""What maintainer scripts would have made, made explicitly from what the artifacts hold and what the base says."""

from collections.abc import Iterator, Sequence

from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import Entry
from reprobuild.image.deb import MERGED, merged
from reprobuild.image.ldcache import render_cache, search_folders
from reprobuild.image.model import ScriptNote
from reprobuild.image.note import Note
from reprobuild.image.scripts import find_doings
from reprobuild.image.spool import Spool
from reprobuild.lock.base import Base

CERTIFICATES = "usr/share/ca-certificates/"
HISTORY = "opt/conda/conda-meta/history"
"""The file by which conda knows an environment; what was done to it is told by its packages' records."""
FOLDERS = {
    **dict.fromkeys(("proc", "sys", "dev", "run", "work", "data"), 0o755),
    **dict.fromkeys(("tmp", "var/tmp"), 0o1777),
    "root": 0o700,
}
"""Where an engine mounts, and what every program expects; `work` and `data` are the training's."""


def make_rest(base: Base, notes: Sequence[Note], spool: Spool, toolkit: Note | None = None) -> None:
    """Put into `spool` everything that depends on the whole image: links, copies, caches, dpkg's status.

    `toolkit` is what else the image has, made of links and texts alone (`image.cuda`).
    """
    if toolkit:
        notes = [*notes, toolkit]
        _add(toolkit, spool)
    paths = {path: kind for note in notes for path, kind in note.paths.items()}
    texts = {path: text for note in notes for path, text in note.texts.items()}
    for name in MERGED[:2] + tuple(name for name in MERGED[2:] if any(p.startswith(f"usr/{name}/") for p in paths)):
        spool.add(Entry(name, "symlink", 0o777, link=f"usr/{name}"))
    for folder, mode in FOLDERS.items():
        spool.add(Entry(folder, "dir", mode))
    for path, data in made_files(base, paths, texts):
        spool.add_bytes(merged(path.lstrip("/")), data)
    for link, target in made_links(base, paths):
        spool.add(Entry(merged(link.lstrip("/")), "symlink", 0o777, link=target))
    if bundle := certificates(texts):
        spool.add_bytes("etc/ssl/certs/ca-certificates.crt", bundle)
    spool.add_bytes("etc/ld.so.cache", render_cache(libraries(notes, texts, paths)))
    if any(path.startswith(f"{HISTORY.rpartition('/')[0]}/") for path in paths):
        spool.add_bytes(HISTORY, b"")
    status = "\n".join(note.status for note in sorted(notes, key=lambda note: note.package) if note.status)
    # Format 1 of the database has the architecture in the names of info files (dpkg, lib/dpkg/infodb-access.c).
    spool.add_bytes("var/lib/dpkg/info/format", b"1\n")
    spool.add_bytes("var/lib/dpkg/status", status.encode(errors="surrogateescape"))


def _add(toolkit: Note, spool: Spool) -> None:
    for path, kind in toolkit.paths.items():
        spool.add(Entry(path, "symlink", 0o777, link=kind.removeprefix("symlink:")))
    for path, text in toolkit.texts.items():
        spool.add_bytes(path, text.encode())


def made_files(base: Base, paths: dict[str, str], texts: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """The base's copies that no package has already, then its own small files."""
    for path, source in sorted(base.copies.items()):
        if (text := texts.get(merged(source.lstrip("/")))) is not None and path.lstrip("/") not in paths:
            yield path, text.encode(errors="surrogateescape")
        elif path.lstrip("/") not in paths:
            raise InputError(f"{base.name}: copies: no package holds {source}")
    for path, content in sorted(base.files.items()):
        yield path, content.encode()


def made_links(base: Base, paths: dict[str, str]) -> Iterator[tuple[str, str]]:
    """The links of the base whose target is there, and `python` and `python3` where no package has them."""
    for link, targets in sorted(base.links.items()):
        there = [target for target in targets if merged(target.lstrip("/")) in paths]
        if there and merged(link.lstrip("/")) not in paths:
            yield link, there[0]
    for name in ("python", "python3"):
        if f"usr/bin/{name}" not in paths and f"usr/local/bin/{name}" not in paths:
            yield f"/usr/local/bin/{name}", base.python.executable


def certificates(texts: dict[str, str]) -> bytes:
    """The bundle that `update-ca-certificates` would write: every packaged certificate, in the order of their names."""
    packaged = sorted(path for path in texts if path.startswith(CERTIFICATES) and path.endswith(".crt"))
    return "".join(texts[path].rstrip("\n") + "\n" for path in packaged).encode()


def libraries(notes: Sequence[Note], texts: dict[str, str], paths: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(SONAME, path) of every library in the linker's folders that can be found under its SONAME."""
    sonames = {path: soname for note in notes for path, soname in note.sonames.items()}
    seen: set[str] = set()
    for folder in search_folders(texts):
        place = merged(folder.lstrip("/"))
        if place in seen:  # /lib/x86_64-linux-gnu and /usr/lib/x86_64-linux-gnu are one folder
            continue
        seen.add(place)
        for path, soname in sorted(sonames.items()):
            if path.rpartition("/")[0] == place and f"{place}/{soname}" in paths:
                yield soname, f"{folder}/{soname}"


def script_notes(base: Base, notes: Sequence[Note]) -> tuple[ScriptNote, ...]:
    """Packages whose scripts would have done more than the image has, with the first such line of each script."""
    found = []
    for note in sorted(notes, key=lambda note: note.package):
        if note.package in base.explained:
            continue
        for script, text in sorted(note.scripts.items()):
            line = next(iter(find_doings(text, base.links.keys())), "")
            if line:
                found.append(ScriptNote(package=note.package, script=script, line=line[:200]))
    return tuple(found)
