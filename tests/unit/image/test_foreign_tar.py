"""What a stranger's tar may cost: memory is bounded by the largest header, not by how many there are."""

import io
import struct
import tarfile
import tracemalloc

import pytest

from reprobuild.ground.errors import InputError
from reprobuild.image.foreign_tar import MAX_HEADER, members_of, open_tar

HEADER = 512


def names(data: bytes, most: int = 1000) -> list[str]:
    with open_tar(io.BytesIO(data), "r|") as archive:
        return [member.name for member in members_of(archive, most, "layer")]


def plain(name: str = "x", size: int = 0) -> bytes:
    member = tarfile.TarInfo(name)
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT) + bytes(size + -size % HEADER)


def attributes(kind: bytes, data: bytes) -> bytes:
    member = tarfile.TarInfo("pax")
    member.type, member.size = kind, len(data)
    return member.tobuf(tarfile.GNU_FORMAT) + data + bytes(-len(data) % HEADER)


def record(key: str, value: str) -> bytes:
    rest = f" {key}={value}\n"
    length = len(rest) + 1
    while len(str(length)) + len(rest) != length:
        length = len(str(length)) + len(rest)
    return f"{length}{rest}".encode()


def with_checksum(header: bytearray) -> bytes:
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def sparse(*, more: bool) -> bytes:
    """An old GNU header of a sparse file, whose map goes on in blocks that follow."""
    header = bytearray(plain("holes"))
    header[156:157], header[257:265] = tarfile.GNUTYPE_SPARSE, b"ustar  \0"
    header[482], header[483:495] = more, b"00000001000\0"
    return with_checksum(header)


def negative(size: int) -> bytes:
    header = bytearray(plain("back"))
    header[124:136] = b"\xff" + struct.pack(">3xq", size)
    header[125:128] = b"\xff\xff\xff"
    return with_checksum(header)


def test_attributes_are_forgotten_with_their_file() -> None:
    large = "x" * (MAX_HEADER // 2)
    data = b"".join(attributes(tarfile.XHDTYPE, record("comment", large)) + plain(f"f{number}") for number in range(60))
    tracemalloc.start()
    try:
        assert len(names(data)) == 60
        assert tracemalloc.get_traced_memory()[1] < 8 * MAX_HEADER
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (attributes(tarfile.XHDTYPE, record("path", "x" * 2 * MAX_HEADER)) + plain(), "a header of more than"),
        (attributes(tarfile.GNUTYPE_LONGNAME, b"x" * 2 * MAX_HEADER) + plain(), "a header of more than"),
        (attributes(tarfile.XHDTYPE, record("comment", "x")) * 2000 + plain(), "headers before a file"),
        (attributes(tarfile.GNUTYPE_LONGNAME, b"x\0") * 2000 + plain(), "headers before a file"),
        (
            b"".join(attributes(tarfile.XGLTYPE, record(f"k{number}", "x")) + plain() for number in range(200)),
            "a header that no program writes",
        ),
        (sparse(more=True) + (b"00000000001\0" * 42 + b"\1" + bytes(7)) * 4000, "a header of more than"),
        (sparse(more=True), "a broken header"),
        (
            attributes(tarfile.XHDTYPE, record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0"))
            + plain()
            + b"99999999\n"
            + b"1\n" * MAX_HEADER,
            "a header of more than",
        ),
        (negative(-512), "a header that no program writes"),
        (attributes(tarfile.XHDTYPE, record("size", "-512")) + plain(), "a header that no program writes"),
    ],
    ids=range(10),
)
def test_headers_that_would_fill_the_memory_or_never_end_are_refused(data: bytes, said: str) -> None:
    with pytest.raises(tarfile.ReadError, match=said):
        names(plain("first") + data)


def test_more_files_than_are_wanted_are_refused() -> None:
    with pytest.raises(InputError, match="layer: more than 2 files"):
        names(plain() * 3, most=2)


def test_a_name_of_any_length_that_fits_is_read() -> None:
    assert names(attributes(tarfile.GNUTYPE_LONGNAME, b"x" * 4000 + b"\0") + plain()) == ["x" * 4000]
