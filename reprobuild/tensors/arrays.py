"""`.npy` and `.npz`: headers alone, by the reader that a replay compares them with; no pickled objects."""

import zipfile
from typing import BinaryIO

from reprobuild.tensors.archive import open_zip
from reprobuild.tensors.errors import UncomparableError
from reprobuild.tensors.model import MAX_TENSORS, Tensor
from reprobuild.tensors.npy import read_header


def read_npy(stream: BinaryIO, name: str) -> Tensor:
    """The one array of a `.npy`."""
    header = read_header(stream)
    return Tensor(name, str(header.dtype), header.shape)


def read_npz(stream: BinaryIO) -> list[Tensor]:
    """The arrays of a `.npz` in the order of the archive."""
    with open_zip(stream) as archive:
        members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        if len(members) > MAX_TENSORS:
            raise UncomparableError(f"{len(members)} arrays")
        return [_read_member(archive, info) for info in members]


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Tensor:
    with archive.open(info) as member:
        return read_npy(member, info.filename.removesuffix(".npy"))  # type: ignore[arg-type]  # it reads bytes
