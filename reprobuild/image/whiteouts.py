"""Whiteouts: files whose names say what a layer removes (OCI Image Format Specification 1.1, layer.md, "Whiteouts")."""

from reprobuild.ground.errors import InputError

PREFIX = ".wh."
OPAQUE = ".wh..wh..opq"
"""In a folder: nothing of it is left from the layers below."""
_OTHERS = ".wh..wh."
"""What AUFS kept for itself; it removes nothing."""


def is_whiteout(path: str) -> bool:
    """True for a path whose last part, or any, begins as whiteouts do."""
    return path.startswith(PREFIX) or f"/{PREFIX}" in path


def removed_by(path: str, subject: str) -> tuple[str, bool]:
    """What a whiteout removes: a path, or all that is in the folder of that path; InputError when it says neither."""
    folder, _, name = path.rpartition("/")
    if is_whiteout(folder) or not name.startswith(PREFIX):
        raise InputError(f"{subject}: {path!r}: a folder named as whiteouts are")
    if name == OPAQUE:
        return folder, True
    target = name.removeprefix(PREFIX)
    if target in ("", ".", "..") or name.startswith(_OTHERS):
        raise InputError(f"{subject}: {path!r}: a whiteout of nothing")
    return (f"{folder}/{target}" if folder else target), False


def is_internal(path: str) -> bool:
    """True for AUFS's own files, which docker leaves out too."""
    *folders, name = path.split("/")
    return any(part.startswith(_OTHERS) for part in folders) or (name.startswith(_OTHERS) and name != OPAQUE)
