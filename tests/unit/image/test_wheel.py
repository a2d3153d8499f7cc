import base64
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from builders.wheels import make_wheel, render_metadata, render_wheel_file, write_member

from reprobuild.ground.errors import InputError
from reprobuild.image.note import Note
from reprobuild.image.spool import Spool
from reprobuild.image.wheel import read_wheel
from reprobuild.lock.base import PythonOf

PYTHON = PythonOf(
    package="python3.11",
    executable="/usr/bin/python3.11",
    site="/usr/local/lib/python3.11/dist-packages",
    scripts="/usr/local/bin",
)
SITE = PYTHON.site.lstrip("/")


def read(wheel: bytes, folder: Path) -> tuple[Note, dict[str, tuple[int, bytes]]]:
    """The note, and each file's mode and content."""
    path = folder / "blob"
    path.write_bytes(wheel)
    with Spool("pkg.whl") as spool:
        note = read_wheel(path, "pkg.whl", PYTHON, spool)
        return note, {name: (entry.mode, spool.read(name)) for name, entry in spool.entries.items()}


def refusal(wheel: bytes, folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(wheel, folder)
    return str(caught.value)


def zipped(files: dict[str, bytes], record: bool = True, twice: str = "", told: bytes | None = None) -> bytes:
    """A wheel as an attacker writes it: whatever names, a RECORD that agrees."""
    buffer = io.BytesIO()
    meta = {
        "pkg-1.0.dist-info/METADATA": render_metadata("pkg", "1.0").encode(),
        "pkg-1.0.dist-info/WHEEL": render_wheel_file("py3-none-any").encode(),
    }
    rows = []
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, body in {**files, **meta}.items():
            write_member(archive, name, body)
            if name == twice:
                with pytest.warns(UserWarning, match="Duplicate"):
                    write_member(archive, name, b"other")
            digest = (
                base64.urlsafe_b64encode(hashlib.sha256(body if told is None else told).digest()).rstrip(b"=").decode()
            )
            rows.append(f"{name},sha256={digest},{len(body)}\n")
        if record:
            write_member(archive, "pkg-1.0.dist-info/RECORD", "".join([*rows, "pkg-1.0.dist-info/RECORD,,\n"]).encode())
    return buffer.getvalue()


def test_modules_scripts_launchers_headers_and_data_get_their_places(tmp_path: Path) -> None:
    wheel = make_wheel(
        "pkg",
        "1.0",
        {"pkg/__init__.py": "", "pkg.data/purelib/extra.py": "x = 1\n"},
        entry_points={"console_scripts": {"pkg-run": "pkg.cli:main"}},
        scripts={"pkg-script": "#!python\nprint(1)\n", "pkg-shell": "#!/bin/sh\n"},
        data={"data/share/x.txt": "shared", "headers/x.h": "header", "platlib/native.py": "y = 1\n"},
    )
    _, found = read(wheel, tmp_path)

    assert found[f"{SITE}/pkg/__init__.py"] == (0o644, b"")
    assert found[f"{SITE}/native.py"] == (0o644, b"y = 1\n")
    assert found["usr/local/share/x.txt"] == (0o644, b"shared")
    assert found["usr/local/include/x.h"] == (0o644, b"header")
    assert found["usr/local/bin/pkg-script"] == (0o755, b"#!/usr/bin/python3.11\nprint(1)\n")
    assert found["usr/local/bin/pkg-shell"] == (0o755, b"#!/bin/sh\n")
    mode, launcher = found["usr/local/bin/pkg-run"]
    assert mode == 0o755
    assert launcher.startswith(b"#!/usr/bin/python3.11\n")
    assert b"from pkg.cli import main" in launcher
    assert found[f"{SITE}/pkg-1.0.dist-info/INSTALLER"][1] == b"reprobuild\n"


def test_record_tells_every_file_with_its_hash_and_is_sorted(tmp_path: Path) -> None:
    wheel = make_wheel("pkg", "1.0", scripts={"s": "#!python\n"}, entry_points={"console_scripts": {"z": "pkg:f"}})
    _, found = read(wheel, tmp_path)

    rows = list(csv.reader(found[f"{SITE}/pkg-1.0.dist-info/RECORD"][1].decode().splitlines()))
    places = [str(Path("/" + SITE, row[0]).resolve()) for row in rows]
    assert sorted(places) == sorted(f"/{name}" for name in found)
    for (_, digest, size), place in zip(rows, places, strict=True):
        body = found[place.lstrip("/")][1]
        if not place.endswith("RECORD"):
            expected = base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={expected}", str(len(body)))


def test_the_files_are_those_that_pip_installs(tmp_path: Path) -> None:
    wheel = make_wheel("pkg", "1.0", {"pkg/__init__.py": "", "pkg/sub/x.py": "x = 1\n"}, scripts={"tool": "#!python\n"})
    (tmp_path / "pkg-1.0-py3-none-any.whl").write_bytes(wheel)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile"]
    target = tmp_path / "pip"
    subprocess.run([*pip, "--prefix", str(target), str(tmp_path / "pkg-1.0-py3-none-any.whl")], check=True)
    installed = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    _, found = read(wheel, tmp_path)

    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    ours = {
        name.removeprefix("usr/local/").replace("python3.11/dist-packages", f"{version}/site-packages")
        for name in found
    }
    # pip notes in REQUESTED and direct_url.json that a user named the file; nobody names an image's wheels one by one.
    assert {name for name in installed if not name.endswith(("REQUESTED", "direct_url.json"))} == ours


def test_bytecode_in_a_wheel_is_left_out(tmp_path: Path) -> None:
    _, found = read(make_wheel("pkg", "1.0", {"pkg/a.py": "", "pkg/__pycache__/a.cpython-311.pyc": "x"}), tmp_path)

    assert f"{SITE}/pkg/a.py" in found
    assert not any("__pycache__" in name for name in found)


@pytest.mark.parametrize(
    ("wheel", "said"),
    [
        (b"", "not a zip"),
        (b"PK\x05\x06" + bytes(18), ".dist-info"),
        (zipped({"../../evil.py": b""}), "not a path inside a wheel"),
        (zipped({"/etc/passwd": b""}), "not a path inside a wheel"),
        (zipped({"pkg/../../../x": b""}), "not a path inside a wheel"),
        (zipped({"pkg\\..\\x": b""}), "not a path inside a wheel"),
        (zipped({"pkg-1.0.data/nonsense/x": b""}), ""),
        (zipped({"other-2.0.dist-info/METADATA": b""}), "2 .dist-info folders"),
        (zipped({}, record=False), "RECORD"),
        (zipped({"pkg.py": b"x"}, twice="pkg.py"), "a file is in it twice"),
        (zipped({"pkg.py": b"evil"}, told=b"fine"), "pkg.py"),
        (make_wheel("pkg", "1.0")[:-30], ""),
        (make_wheel("pkg", "1.0")[:40], "not a zip"),
        (zipped({"a": b"", "pkg-1.0.data/purelib/a": b""}), "a is in it twice"),
        (zipped({"pkg-1.0.dist-info/entry_points.txt": b"[console_scripts]\nx = ../evil\n"}), ""),
    ],
    ids=range(15),
)
def test_a_hostile_or_broken_wheel_is_refused_with_its_name(tmp_path: Path, wheel: bytes, said: str) -> None:
    message = refusal(wheel, tmp_path)

    assert message.startswith("pkg.whl: ")
    assert said in message
    assert "\n" not in message


def test_a_file_that_record_does_not_name_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO(zipped({"pkg.py": b"x"}))
    with zipfile.ZipFile(buffer, "a") as archive:
        write_member(archive, "surplus.py", b"import os\n")

    assert "surplus.py" in refusal(buffer.getvalue(), tmp_path)


def test_a_link_in_a_wheel_is_an_ordinary_file(tmp_path: Path) -> None:
    body = b"/etc/passwd"
    buffer = io.BytesIO(zipped({"pkg/link": body}))
    _, found = read(buffer.getvalue().replace(b"\xa4\x81", b"\xff\xa1"), tmp_path)  # S_IFREG to S_IFLNK

    assert found[f"{SITE}/pkg/link"][1] == body


def test_the_sonames_of_native_libraries_are_noted(tmp_path: Path) -> None:
    note, _ = read(make_wheel("pkg", "1.0", {"pkg/libx.so.1": b"\x7fELF\x02 but broken"}), tmp_path)

    assert note.sonames == {}
    assert note.package == ""
