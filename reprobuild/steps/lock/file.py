"""`lockfiles/reprobuild.lock` as it lies in a project, where an image is made from it."""

from pathlib import Path

from reprobuild.ground.errors import InputError, hinting
from reprobuild.image.model import TRANSFORM_VERSION
from reprobuild.lock.index import LockIndex

INDEX = "reprobuild.lock"
REQUIREMENTS = "requirements.txt"
CONDA_LOCK = "conda-lock.yml"
HINT = "run reprobuild lock"


def read_lock(folder: Path) -> tuple[LockIndex, bytes]:
    """The index of a lock and its bytes; InputError when it is missing, broken or of another transform version."""
    index, data = read_any_lock(folder)
    if index.transform != TRANSFORM_VERSION:
        raise InputError(
            f"lockfiles/{INDEX}: made for transform version {index.transform}, this is {TRANSFORM_VERSION}", hint=HINT
        )
    return index, data


def read_any_lock(folder: Path) -> tuple[LockIndex, bytes]:
    """The same of any transform version: what it says is known, and no image is made from it."""
    path = folder / INDEX
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"lockfiles/{INDEX}: {error.strerror}", hint=HINT) from error
    with hinting(HINT):
        return LockIndex.from_bytes(data, f"lockfiles/{INDEX}"), data
