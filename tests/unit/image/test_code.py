"""What the code in a library asks of a machine."""

import io
from pathlib import Path

import pytest
from builders.gpu_code import abi_note, fatbin, make_elf
from builders.wheels import make_wheel
from hypothesis import given, settings
from hypothesis import strategies as st

from reprobuild.hardware.needs import Kernels
from reprobuild.image import code
from reprobuild.image.code import read_code
from reprobuild.image.note import code_of
from reprobuild.image.spool import Spool
from reprobuild.image.wheel import read_wheel
from reprobuild.lock.base import PythonOf

LIBRARY = make_elf(
    {
        ".text": b"\x90" * 40,
        ".nv_fatbin": fatbin(("sm", 80), ("sm", 90)) + fatbin(("sm", 80), ("compute", 90), header=80, padding=8),
        "__nv_relfatbin": fatbin(("sm", 75)),
    }
)
PYTHON = PythonOf(
    package="python3.11", executable="/usr/bin/python3.11", site="/usr/local/lib/python3", scripts="/usr/local/bin"
)


def read(data: bytes, before: bytes = b"") -> tuple[Kernels, str]:
    stream = io.BytesIO(before + data)
    stream.seek(len(before))
    return read_code(stream, len(data))


def test_every_container_is_read_in_both_sections() -> None:
    assert read(LIBRARY) == (Kernels(cubin=(75, 80, 90), ptx=(90,)), "")


def test_a_library_in_the_middle_of_a_file_is_read_as_one_alone() -> None:
    assert read(LIBRARY, before=b"\x7fELF something else") == read(LIBRARY)


@pytest.mark.parametrize(
    ("system", "version", "least"), [(0, (3, 2, 0), "3.2.0"), (1, (3, 2, 0), ""), (0, (10**9, 0, 0), "")]
)
def test_the_least_kernel_is_that_of_a_note_for_linux(system: int, version: tuple[int, ...], least: str) -> None:
    assert read(make_elf({".note.ABI-tag": abi_note(system, version)})) == (Kernels(), least)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x7fELF",
        b"#!/bin/sh\n" * 100,
        LIBRARY[:64],
        make_elf({".nv_fatbin": b""}),
        make_elf({".nv_fatbin": b"\xff" * 100}),
        make_elf({".nv_fatbin": fatbin(("sm", 0), ("sm", 2**31))}),
        make_elf({".nv_fatbin": bytes(1000)}),
    ],
)
def test_a_file_without_gpu_code_asks_for_nothing(data: bytes) -> None:
    assert read(data) == (Kernels(), "")


def test_an_entry_that_would_be_read_for_ever_ends_the_search() -> None:
    assert read(make_elf({".nv_fatbin": fatbin(("sm", 80), ("sm", 86), header=0)}))[0].cubin == ()


def test_the_number_of_headers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "MAX_HEADERS", 10)

    assert read(make_elf({".nv_fatbin": bytes(400) + fatbin(("sm", 80))}))[0] == Kernels()


@given(st.integers(0, len(LIBRARY) - 1), st.binary(min_size=1, max_size=8), st.integers(0, len(LIBRARY)))
@settings(max_examples=300, deadline=None)
def test_whatever_is_in_a_file_it_is_read_to_an_end(place: int, change: bytes, end: int) -> None:
    broken = LIBRARY[:place] + change + LIBRARY[place + len(change) :]

    read(broken)
    read(broken[:end])


def test_a_wheels_note_tells_of_its_libraries_and_programs_alone(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "pkg/_gpu.so": LIBRARY,
        "pkg/data.bin": LIBRARY,
        "pkg/__init__.py": "",
        "pkg/libx.so.1": b"\x7fELF no",
    }
    (tmp_path / "wheel").write_bytes(make_wheel("pkg", "1.0", files))
    with Spool("pkg") as spool:
        note = read_wheel(tmp_path / "wheel", "pkg", PYTHON, spool)
        assert code_of(spool) == (note.kernels, note.linux)

    assert note.kernels == Kernels(cubin=(75, 80, 90), ptx=(90,))
