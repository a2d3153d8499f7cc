"""NVIDIA's wheels as one toolkit: `/usr/local/cuda-X.Y` of links into the site folder, named to the dynamic linker.

Links, because the files stay where the wheels put them: PyTorch looks there, and a second copy would cost gigabytes. A
library that is loaded through a link is the same file to the linker, so it is in a process once.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from reprobuild.ground.errors import InputError
from reprobuild.image.note import Note
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.base import Base
from reprobuild.lock.cuda import release_of

FOLDERS = {"lib": "lib64", "include": "include", "bin": "bin", "nvvm": "nvvm"}
"""A folder of a wheel's component, and its name in NVIDIA's own layout."""
_GENERATION = re.compile(r"cu([0-9]+)")


def toolkit_note(base: Base, artifacts: Sequence[Artifact], notes: Mapping[str, Note]) -> Note | None:
    """What an image with CUDA has besides its artifacts, as if a package held it; `notes` are by artifact's digest."""
    if not base.cuda:
        return None
    release = release_of(base, artifacts)
    root = f"usr/local/cuda-{release}"
    links: dict[str, str] = {}
    wheels = [artifact for artifact in artifacts if is_of(artifact, base.cuda.major)]
    for artifact in sorted(wheels, key=lambda artifact: (artifact.name, artifact.sha256)):
        for path, place in _places(base, notes[artifact.sha256]):
            links.setdefault(f"{root}/{place}", path)
    _check(base.name, root, links, notes)
    sonames = {path: soname for note in notes.values() for path, soname in note.sonames.items()}
    return Note(
        paths={link: f"symlink:/{path}" for link, path in sorted(links.items())}
        | {"usr/local/cuda": f"symlink:cuda-{release}"},
        sonames={link: sonames[path] for link, path in sorted(links.items()) if path in sonames},
        texts={f"etc/ld.so.conf.d/cuda-{release.replace('.', '-')}.conf": f"/{root}/lib64\n"},
        scripts={},
    )


def _check(subject: str, root: str, links: Mapping[str, str], notes: Mapping[str, Note]) -> None:
    """InputError where a folder would have to be a link: below a link of the toolkit, or in its place."""
    for link, path in sorted(links.items()):
        if above := next((str(folder) for folder in PurePosixPath(link).parents if str(folder) in links), None):
            raise InputError(f"{subject}: /{path} and /{links[above]} cannot both be below /{root}")
    for note in notes.values():
        for path in note.paths:
            if path.startswith((f"{root}/", "usr/local/cuda/")) or path in (root, "usr/local/cuda"):
                raise InputError(f"{subject}: /{path}: an artifact holds what the toolkit is to be")


def is_of(artifact: Artifact, major: int) -> bool:
    """True for a wheel of NVIDIA's that is not of another CUDA: `-cuNN` names one, and no suffix goes with any."""
    _, dash, suffix = artifact.name.rpartition("-")
    generation = _GENERATION.fullmatch(suffix) if dash else None
    nvidia = artifact.kind == "wheel" and artifact.name.startswith("nvidia-")
    return nvidia and (generation is None or generation[1] == str(major))


def _places(base: Base, note: Note) -> Iterator[tuple[str, str]]:
    """The files of a wheel's components, each with its place in the toolkit: `nvidia/COMPONENT/lib/x` is `lib64/x`."""
    assert base.cuda
    site = base.python.site.lstrip("/")
    for path, kind in sorted(note.paths.items()):
        parts = path.removeprefix(f"{site}/nvidia/").split("/")
        if not path.startswith(f"{site}/nvidia/") or kind == "dir" or parts[-1] == "__init__.py":
            continue
        generation = _GENERATION.fullmatch(parts[0])
        if len(parts) > 2 and parts[1] in FOLDERS and (generation is None or generation[1] == str(base.cuda.major)):
            yield path, "/".join((FOLDERS[parts[1]], *parts[2:]))
