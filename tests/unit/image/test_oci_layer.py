import gzip
import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
import zstandard
from builders.debian_archive import Content, File, Folder, HardLink, Link
from builders.oci import Packing, layer, pack

from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import END, Entry, read_entries
from reprobuild.image.model import EPOCH
from reprobuild.image.note import Note
from reprobuild.image.oci_layer import read_layer
from reprobuild.image.spool import Spool

TREE: dict[str, Content] = {
    "./": Folder(0o700),
    "./b/": Folder(0o2775),
    "./b/su": File("run\n", 0o6755, 7, 7),
    "./b/zz": HardLink("b/su"),
    "b/link": Link("../a"),
    "/a": File("a\n", 0o600),
    "tmp/": Folder(0o1777),
    "größe/" + "long" * 60: "a name that no header holds\n",
    "b/.wh.gone": "",
    "tmp/.wh..wh..opq": "",
    "tmp/-sorts-before-a-dot": "",
    ".wh..wh.plnk/x": "",
    ".wh..wh.aufs": "",
}


def read(data: bytes, folder: Path) -> tuple[dict[str, Entry], bytes, Note]:
    """Entries in the order of our tar, its bytes, and the note."""
    path = folder / "layer"
    path.write_bytes(data)
    with Spool("layer", whiteouts=True) as spool:
        note = read_layer(path, "layer", spool)
        raw = io.BytesIO()
        spool.write_members(raw)
    written = raw.getvalue() + END
    return {entry.path: entry for entry, _ in read_entries(io.BytesIO(written), "ours", EPOCH)}, written, note


def test_a_layer_keeps_names_contents_and_links_and_nothing_else(tmp_path: Path) -> None:
    found, raw, note = read(layer(TREE), tmp_path)

    assert found == {
        "a": Entry("a", "file", 0o600, 2),
        "b": Entry("b", "dir", 0o775),
        "b/su": Entry("b/su", "file", 0o755, 4),
        "b/zz": Entry("b/zz", "hardlink", 0o755, link="b/su"),
        "b/link": Entry("b/link", "symlink", 0o777, link="../a"),
        "b/.wh.gone": Entry("b/.wh.gone", "file"),
        "tmp": Entry("tmp", "dir", 0o1777),
        "tmp/.wh..wh..opq": Entry("tmp/.wh..wh..opq", "file"),
        "tmp/-sorts-before-a-dot": Entry("tmp/-sorts-before-a-dot", "file"),
        "größe": Entry("größe", "dir", 0o755),
        "größe/" + "long" * 60: Entry("größe/" + "long" * 60, "file", 0o644, 28),
    }
    assert b"somebody" not in raw
    assert b"SCHILY" not in raw
    assert note.paths["b/link"] == "symlink:../a"


def test_whiteouts_come_before_what_is_beside_them(tmp_path: Path) -> None:
    order = list(read(layer(TREE), tmp_path)[0])

    assert order.index("tmp") < order.index("tmp/.wh..wh..opq") < order.index("tmp/-sorts-before-a-dot")
    assert order.index("b/.wh.gone") == order.index("b") + 1


@pytest.mark.parametrize("packing", ["gzip", "zstd", "plain"])
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_packing_spelling_order_owners_and_times_change_nothing(tmp_path: Path, packing: Packing, form: int) -> None:
    backwards = dict(reversed(list(TREE.items())))
    hard = backwards.pop("./b/zz")
    other = layer({**backwards, "./b/zz": hard}, form=form, user=3)

    assert read(pack(other, packing), tmp_path)[1] == read(layer(TREE), tmp_path)[1]


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_layer_packed_in_several_pieces_is_read_to_its_end(tmp_path: Path, packing: Packing) -> None:
    data = layer(TREE)
    pieces = pack(data[:1000], packing) + pack(data[1000:], packing)
    skipped = b"\x50\x2a\x4d\x18\x04\x00\x00\x00mine" if packing == "zstd" else b""

    assert read(pieces + skipped, tmp_path)[1] == read(data, tmp_path)[1]


SAME = """
import io, sys
from pathlib import Path
from reprobuild.image.oci_layer import read_layer
from reprobuild.image.spool import Spool
with Spool("x", whiteouts=True) as spool:
    read_layer(Path(sys.argv[1]), "x", spool)
    spool.write_members(sys.stdout.buffer)
"""


def test_the_same_bytes_wherever_it_is_read(tmp_path: Path) -> None:
    data = pack(layer(TREE), "gzip")
    expected = read(data, tmp_path)[1]
    environment = {"PATH": os.environ["PATH"], "TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "9"}
    argv = [sys.executable, "-c", SAME, str(tmp_path / "layer")]
    seen = subprocess.run(argv, cwd="/", env=environment, umask=0o077, capture_output=True, check=True).stdout

    assert seen + END == expected


def special(kind: bytes, name: str = "dev/x") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.devmajor, member.devminor = kind, 1, 3
        archive.addfile(member)
        archive.addfile(tarfile.TarInfo("after"))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_are_left_out(tmp_path: Path, kind: bytes) -> None:
    assert list(read(special(kind), tmp_path)[0]) == ["after"]


def test_a_sparse_file_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "sparse").write_bytes(b"")
    os.truncate(tmp_path / "sparse", 300_000)
    with (tmp_path / "sparse").open("r+b") as stream:
        stream.seek(200_000)
        stream.write(b"here")
    argv = ["tar", "--create", "--sparse", "--directory", str(tmp_path), "sparse"]
    for form in ("gnu", "pax"):
        made = subprocess.run([*argv, f"--format={form}"], capture_output=True, check=True).stdout
        found, raw, _ = read(made, tmp_path)

        assert len(made) < 100_000
        assert found["sparse"].size == 300_000
        assert raw[512 + 200_000 :][:4] == b"here"


def test_a_hard_link_to_a_link_is_a_link(tmp_path: Path) -> None:
    found, _, _ = read(
        layer({"a": Link("b"), "c": HardLink("a"), "d": "x", "e": HardLink("d"), "f": HardLink("e")}), tmp_path
    )

    assert found["c"] == Entry("c", "symlink", 0o777, link="b")
    assert found["f"] == Entry("f", "hardlink", 0o644, link="d")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"a": HardLink("below")}, "a: a hard link to below, which is no file of this layer before it"),
        ({"a": HardLink("b"), "b": "x"}, "which is no file of this layer before it"),
        ({"b/": Folder(), "a": HardLink("b")}, "which is no file of this layer before it"),
        ({"a": HardLink("../../etc/passwd")}, "which is no file of this layer before it"),
        ({"../a": "x"}, "not a path inside"),
        ({"a/../../b": "x"}, "not a path inside"),
        ({"a": "x", "./a": "y"}, "a is in it twice"),
        ({"a": "x", "a/": Folder()}, "a is in it twice"),
        ({".wh.": ""}, "a whiteout of nothing"),
        ({"a/.wh..": ""}, "a whiteout of nothing"),
        ({"a/.wh...": ""}, "a whiteout of nothing"),
        ({".wh.a/b": ""}, "a folder named as whiteouts are"),
        ({"\udcff": "x"}, "not UTF-8"),
        ({"a": Link("\udcff")}, "not UTF-8"),
    ],
    ids=range(14),
)
def test_a_layer_that_leads_out_or_means_nothing_is_refused_by_name(
    tmp_path: Path, members: dict[str, Content], said: str
) -> None:
    with pytest.raises(InputError, match=r"^layer: ") as caught:
        read(layer(members, form=tarfile.GNU_FORMAT), tmp_path)
    assert said in str(caught.value)


def long_header() -> bytes:
    member = tarfile.TarInfo("././@LongLink")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 8 << 30
    return member.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no tar",
        b"\x1f\x8bno gzip",
        b"\x28\xb5\x2f\xfdno zstd",
        gzip.compress(layer(TREE))[:200],
        zstandard.ZstdCompressor().compress(layer(TREE))[:200],
        layer({"a": b"x" * 5000})[:3000],
        gzip.compress(long_header() + bytes(1 << 20)),
        layer(TREE)[:700],
        layer({"a": "x"})[:1024] + b"junk" * 128 + layer({"b": "x"}),
    ],
    ids=range(10),
)
def test_what_is_no_whole_layer_is_one_line(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError, match=r"^layer: ") as caught:
        read(data, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_bomb_is_told_before_it_fills_the_disk(tmp_path: Path) -> None:
    member = tarfile.TarInfo("zeros")
    member.size = 40 << 30
    with pytest.raises(InputError, match="zeros: 42949672960 bytes"):
        read(gzip.compress(member.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20)), tmp_path)


def test_lists_of_files_that_would_fill_the_memory_are_refused(tmp_path: Path) -> None:
    member = tarfile.TarInfo("usr/lib/python3/site-packages/x-1.0.dist-info/RECORD")
    member.size = 129 << 20
    data = member.tobuf(tarfile.GNU_FORMAT) + bytes(member.size) + END
    with pytest.raises(InputError, match="layer: RECORDs of 135266304 bytes"):
        read(gzip.compress(data, 1), tmp_path)


def test_versions_are_read_from_the_bytes_of_programs_and_libraries(tmp_path: Path) -> None:
    glibc = b"\x7fELF\0GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n"
    members: dict[str, Content] = {
        "usr/bin/python3.11": b"\0" + b"3.11.2\0" + b"3.12.9\0" + b"3.11.2+\0",
        "usr/bin/python3.12": b"\0" + b"3.12.1\0" + b"\0" + b"3.12.2\0",
        "usr/lib/x86_64-linux-gnu/libpython3.13.so.1.0": b"x\0" + b"3.13.4\0",
        "usr/lib/x86_64-linux-gnu/libc.so.6": glibc,
        "lib64/libc-2.17.so": glibc.replace(b"2.36", b"2.17"),
        "usr/bin/python3": b"\0" + b"3.11.2\0",
        "usr/local/bin/python3.11": HardLink("usr/bin/python3.11"),
    }
    note = read(layer(members), tmp_path)[2]

    assert note.texts == {
        "usr/bin/python3.11": "3.11.2",
        "usr/local/bin/python3.11": "3.11.2",
        "usr/lib/x86_64-linux-gnu/libpython3.13.so.1.0": "3.13.4",
        "usr/lib/x86_64-linux-gnu/libc.so.6": "2.36",
        "lib64/libc-2.17.so": "2.17",
    }


def test_a_package_of_ours_has_no_file_that_removes_others() -> None:
    with Spool("demo.whl") as spool, pytest.raises(InputError, match="by which an image removes files"):
        spool.add_bytes("usr/lib/.wh.x", b"")
