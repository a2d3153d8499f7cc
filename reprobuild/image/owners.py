"""Whether a path of the conda prefix has one owner: what two packages both bring would be whichever came last."""

from collections.abc import Iterable

from reprobuild.ground.errors import InputError
from reprobuild.image.note import Note
from reprobuild.lock.artifact import Artifact
from reprobuild.lock.conda.target import PREFIX

KINDS = {"conda": "conda", "deb": "Debian", "wheel": "wheel", "oci-layer": "base"}
HINT = "leave one of them out, or take both from one side: environment.yml, or requirements"


def require_one_owner(seen: Iterable[tuple[Artifact, Note]]) -> None:
    """InputError that names both owners of a path, where one of them is a conda package.

    Wheels alone may share files, as pip lets them.
    """
    owners: dict[str, tuple[Artifact, str]] = {}
    for artifact, note in seen:
        for path, kind in _claims(note).items():
            other, before = owners.setdefault(path, (artifact, kind))
            if other is not artifact and "conda" in (artifact.kind, other.kind) and (kind, before) != ("dir", "dir"):
                raise InputError(
                    f"/{path}: it belongs to two packages: {_name(other)} and {_name(artifact)}", hint=HINT
                )


def _claims(note: Note) -> dict[str, str]:
    """The paths of the prefix that a package brings, with the folders that lead to them."""
    root = PREFIX.lstrip("/")
    claims: dict[str, str] = {}
    for path, kind in note.paths.items():
        if not path.startswith(f"{root}/"):
            continue
        claims[path] = kind
        parent = path.rpartition("/")[0]
        while parent != root and parent not in claims:
            claims[parent] = "dir"
            parent = parent.rpartition("/")[0]
    return claims


def _name(artifact: Artifact) -> str:
    return f"{artifact.name} {artifact.version} ({KINDS[artifact.kind]})"
