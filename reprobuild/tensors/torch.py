"""PyTorch's zip of a state dict, without unpickling (https://docs.pytorch.org/docs/stable/notes/serialization.html)."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from reprobuild.tensors.archive import open_zip
from reprobuild.tensors.content import Bytes, Content, Numbers, Table
from reprobuild.tensors.errors import MalformedError, ProgramError, UncomparableError
from reprobuild.tensors.members import map_member, read_member, refuse_overlap
from reprobuild.tensors.model import MAX_NAME, MAX_TENSORS, Tensor
from reprobuild.tensors.numpy_pickle import Array
from reprobuild.tensors.torch_pickle import PickleReader, Storages

MAX_PICKLE = 32 << 20
MAX_DEPTH = 16
NO_ZIP = "not PyTorch's zip"
PICKLED = f"{NO_ZIP}; a pickle is a program, which reading would run"
_OTHERS = frozenset(("version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"))
"""Members beside `data.pkl` and the storages; whatever else is there makes it something other than a state dict."""
_SPELLING = "how the zip and its pickle are spelled (times, order, identifiers), and bytes that no tensor shows"


def read_torch(stream: BinaryIO) -> list[Tensor]:
    """The tensors by dotted name, in the order of the state dict."""
    with _opened(stream) as archive:
        pickled = _find_pickle(archive)
        data = read_member(stream, archive, pickled, MAX_PICKLE)
    return _flatten(PickleReader(None).read(data))


def open_torch(path: Path) -> Content:
    """The values of a checkpoint, its numbers mapped from the file."""
    with path.open("rb") as stream, _opened(stream) as archive:
        pickled = _find_pickle(archive)
        folder = pickled.filename.removesuffix("data.pkl")
        members = {info.filename.removeprefix(folder): info for info in archive.infolist()}
        strange = [name for name in members if name not in _OTHERS and not name.startswith("data/")]
        if strange != ["data.pkl"]:
            raise ProgramError("a zip with more than a state dict in it")
        refuse_overlap(stream, members.values())
        order = members.get("byteorder")
        big = order is not None and read_member(stream, archive, order, 10) == b"big"
        whole = np.asarray(np.memmap(path, np.uint8, "r"))
        find = _storages(members, lambda info: map_member(whole, stream, archive, info))
        value = PickleReader(find, big).read(read_member(stream, archive, pickled, MAX_PICKLE))
    return Content(value if isinstance(value, Table) else Table({"": value}), spelling=_SPELLING)


def _opened(stream: BinaryIO) -> zipfile.ZipFile:
    stream.seek(0)
    begin = stream.read(2)
    if begin != b"PK":
        raise ProgramError(PICKLED if begin.startswith(b"\x80") else NO_ZIP)
    return open_zip(stream)


def _find_pickle(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    found = [info for info in archive.infolist() if info.filename.endswith("/data.pkl")]
    if len(found) != 1 or found[0].filename.count("/") != 1:
        raise ProgramError("a zip without the data.pkl of a state dict")
    return found[0]


def _storages(members: dict[str, zipfile.ZipInfo], load: Callable[[zipfile.ZipInfo], Bytes]) -> Storages:
    """Each storage once, however many tensors share it."""
    loaded: dict[str, Bytes] = {}

    def find(key: str, size: int) -> Bytes:
        if key not in loaded:
            if f"data/{key}" not in members:
                raise MalformedError(f"a zip without its storage {key[:100]!r}")
            loaded[key] = load(members[f"data/{key}"])
        if len(loaded[key]) < size:
            raise MalformedError(f"a zip whose storage {key[:100]!r} ends early")
        return loaded[key]

    return find


def _flatten(value: Any) -> list[Tensor]:
    """The tensors in tables and lists; bounded, because one table can be referred to many times."""
    found: list[Tensor] = []
    steps = 0
    waiting: list[tuple[str, Any, int]] = [("", value, 0)]
    while waiting:
        name, item, depth = waiting.pop()
        steps += 1
        if steps > 4 * MAX_TENSORS or depth > MAX_DEPTH or len(name) > MAX_NAME:
            raise UncomparableError("a state dict that is nested too deep or too wide")
        item = item.numbers if isinstance(item, Array) else item
        if isinstance(item, Numbers):
            found.append(Tensor(name, item.kind.name, item.shape))
        elif isinstance(item, dict | list | tuple):
            pairs = item.items() if isinstance(item, dict) else enumerate(item)
            waiting += [(f"{name}.{key}" if name else str(key), inner, depth + 1) for key, inner in pairs][::-1]
    return found
