import hashlib
import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import pytest
import zstandard

from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import END, Entry, padding, render_header
from reprobuild.image.join import join_entries
from reprobuild.image.model import EPOCH

Part = tuple[Entry, bytes]


def part(path: str, data: bytes | None = b"x", mode: int = 0o644) -> Part:
    return (Entry(path, "dir", mode), b"") if data is None else (Entry(path, "file", mode, len(data)), data)


def join(*parts: Part) -> tuple[list[tuple[str, int, bytes]], bytes]:
    raw = b"".join(render_header(entry, EPOCH) + data + padding(len(data)) for entry, data in parts) + END

    @contextmanager
    def joined() -> Iterator[BinaryIO]:
        yield io.BytesIO(raw)

    target = io.BytesIO()
    facts = join_entries(joined, target, "layer")
    data = zstandard.ZstdDecompressor().decompressobj().decompress(target.getvalue())
    assert (facts.unpacked_size, facts.diff_id) == (len(data), hashlib.sha256(data).hexdigest())
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = []
        for member in tar:
            stream = tar.extractfile(member)
            found.append((member.name, member.mode, stream.read() if stream else b""))
    return found, target.getvalue()


def test_a_folder_of_several_packages_is_there_once_as_the_first_has_it() -> None:
    found, _ = join(
        *(
            part("usr", None, 0o755),
            part("usr/a"),
            part("usr", None, 0o700),
            part("usr/b", None, 0o755),
            part("usr/b/c"),
        )
    )

    assert found == [("usr", 0o755, b""), ("usr/a", 0o644, b"x"), ("usr/b", 0o755, b""), ("usr/b/c", 0o644, b"x")]


def test_of_a_file_of_several_packages_the_last_is_there() -> None:
    found, _ = join(part("tests", None, 0o755), part("tests/a", b"first"), part("b"), part("tests/a", b"last"))

    assert found == [("tests", 0o755, b""), ("b", 0o644, b"x"), ("tests/a", 0o644, b"last")]


def test_what_is_a_folder_in_one_package_and_a_file_in_another_is_refused() -> None:
    with pytest.raises(InputError, match="layer: usr: a folder in one package, and none in another"):
        join(part("usr", None, 0o755), part("usr"))


def test_the_same_packages_make_the_same_bytes() -> None:
    parts = [part("usr", None, 0o755), part("usr/a", bytes(3_000_000)), part("usr", None, 0o755), part("usr/b")]

    assert join(*parts) == join(*parts)
