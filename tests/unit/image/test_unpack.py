import io
import os
import stat
from pathlib import Path

import pytest

from reprobuild.ground.digests import sha256_bytes
from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import END, Entry, padding, render_header
from reprobuild.image.frame import compressor
from reprobuild.image.model import EPOCH, MEDIA_TYPES, Layer
from reprobuild.image.unpack import unpack_layers

Member = tuple[Entry, bytes]


def unpack(folder: Path, *layers: list[Member]) -> Path:
    """The root of layers that hold these members."""
    blobs: dict[str, Path] = {}
    made = []
    for members in layers:
        raw = b"".join(render_header(entry, EPOCH) + data + padding(len(data)) for entry, data in members) + END
        packed = io.BytesIO()
        with compressor(packed) as target:
            target.write(raw)
        sha256 = sha256_bytes(packed.getvalue())
        blobs[sha256] = folder / sha256
        blobs[sha256].write_bytes(packed.getvalue())
        made.append(Layer(diff_id=sha256_bytes(raw), sha256=sha256, size=1, unpacked_size=len(raw), holds=()))
    unpack_layers(made, MEDIA_TYPES["zstd"], blobs.__getitem__, folder / "root")
    return folder / "root"


def file(path: str, data: bytes = b"x", mode: int = 0o644) -> Member:
    return Entry(path, "file", mode, len(data)), data


def link(path: str, target: str) -> Member:
    return Entry(path, "symlink", 0o777, link=target), b""


def hard(path: str, target: str) -> Member:
    return Entry(path, "hardlink", 0o644, link=target), b""


def folder(path: str, mode: int = 0o755) -> Member:
    return Entry(path, "dir", mode), b""


def test_a_later_layer_hides_what_is_below_it(tmp_path: Path) -> None:
    root = unpack(tmp_path, [file("a", b"old"), file("l", b"old")], [file("a", b"new"), link("l", "a")])

    assert (root / "a").read_bytes() == b"new"
    assert (root / "l").read_bytes() == b"new"


@pytest.mark.parametrize("above", [file("a", b"new"), link("a", "b")], ids=["file", "link"])
def test_a_file_replaces_a_folder_of_a_layer_below(tmp_path: Path, above: Member) -> None:
    root = unpack(tmp_path, [file("a/x/y"), file("b", b"new")], [above])

    assert (root / "a").read_bytes() == b"new"


def test_a_folder_replaces_a_link_of_a_layer_below(tmp_path: Path) -> None:
    root = unpack(tmp_path, [file("b/y"), link("a", "b")], [folder("a"), file("a/x")])

    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*")) == ["a", "a/x", "b", "b/y"]


def test_whiteouts_remove_what_is_below_and_nothing_of_their_own_layer(tmp_path: Path) -> None:
    below = [
        file("gone"),
        file("kept"),
        file("d/old"),
        file("e/f/old"),
        folder("g", 0o500),
        file("g/x"),
        link("l", "e"),
    ]
    root = unpack(
        tmp_path,
        below,
        [
            file(".wh.gone", b""),
            file(".wh.g", b""),
            file(".wh.l", b""),
            file(".wh.never", b""),
            file("d/.wh..wh..opq", b""),
            file("d/new"),
            file("e/.wh.f", b""),
            file("e/f/new"),
        ],
    )

    assert sorted(path.relative_to(root).as_posix() for path in root.rglob("*")) == [
        "d",
        "d/new",
        "e",
        "e/f",
        "e/f/new",
        "kept",
    ]


def test_a_layer_may_remove_everything_below_it(tmp_path: Path) -> None:
    root = unpack(tmp_path, [file("a/b"), link("c", "a")], [file(".wh..wh..opq", b""), file("d")])

    assert [path.name for path in root.iterdir()] == ["d"]


def test_everything_has_the_time_of_the_image_and_no_special_bits(tmp_path: Path) -> None:
    root = unpack(
        tmp_path, [folder("d", 0o1777), file("d/su", mode=0o4755), file("d/secret", mode=0), link("d/l", "su")]
    )

    for path in (root, *root.rglob("*")):
        assert path.lstat().st_mtime == EPOCH
    assert stat.S_IMODE((root / "d/su").stat().st_mode) == 0o755
    assert stat.S_IMODE((root / "d").stat().st_mode) == 0o1777
    assert stat.S_IMODE((root / "d/secret").stat().st_mode) == 0o400


def test_the_umask_changes_nothing(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        root = unpack(tmp_path, [file("a/b/c", mode=0o755), folder("e")])
    finally:
        os.umask(before)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (root, *root.rglob("*"))}
    assert modes == {"root": 0o755, "a": 0o755, "b": 0o755, "c": 0o755, "e": 0o755}


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([[link("a", "/tmp"), file("a/x")]], "a is no folder"),
        ([[link("a", ".."), file("a/x")]], "a is no folder"),
        ([[link("a", "/tmp")], [file("a/x")]], "a is no folder"),
        ([[link("a", "/tmp"), folder("a/b")]], "a is no folder"),
        ([[link("a", "/tmp"), link("a/b", "x")]], "a is no folder"),
        ([[file("a"), file("a/x")]], "a is no folder"),
        ([[folder("a"), file("a")]], "a is a folder and something else"),
        ([[folder("a"), link("a", "/tmp"), file("a/x")]], "a is a folder and something else"),
        ([[folder("a")], [link("a", "/tmp"), file("a/x")]], "a is no folder"),
        ([[folder("a/b")], [link("a", "/tmp"), file("a/b/x")]], "a is no folder"),
        ([[folder("a/b")], [file(".wh.a", b""), link("a", "/tmp"), file("a/b/x")]], "a is no folder"),
        ([[folder("a/b")], [file("a/.wh.b", b""), link("a/b", "/tmp"), file("a/b/x")]], "a/b is no folder"),
        ([[folder("a/b")], [file("a/.wh..wh..opq", b""), link("a/b", "/tmp"), file("a/b/x")]], "a/b is no folder"),
        ([[folder("a/b")], [file(".wh..wh..opq", b""), link("a", "/tmp"), file("a/b/x")]], "a is no folder"),
        ([[link("a", "/tmp"), file("a/.wh.x", b"")]], "a is no folder"),
        ([[file(".wh.", b"")]], "a whiteout of nothing"),
        ([[file(".wh..", b"")]], "a whiteout of nothing"),
        ([[file(".wh...", b"")]], "a whiteout of nothing"),
        ([[file(".wh..wh.x", b"")]], "a whiteout of nothing"),
        ([[file(".wh.a/x", b"")]], "a folder named as whiteouts are"),
        ([[file(".wh.a", b"x")]], "a whiteout that is no empty file"),
        ([[link(".wh.a", "x")]], "a whiteout that is no empty file"),
        ([[file("a"), file(".wh.a", b"")]], "it comes after what it would remove"),
        ([[file("a/b"), file("a/.wh..wh..opq", b"")]], "it comes after what it would remove"),
        ([[file("a/b"), file(".wh.a", b"")]], "it comes after what it would remove"),
        ([[hard("h", "nothing")]], "a hard link to nothing, which is no file"),
        ([[link("a", "/etc/passwd"), hard("h", "a")]], "a hard link to a, which is no file"),
        ([[link("a", "/etc"), hard("h", "a/passwd")]], "a is no folder"),
        ([[hard("h", "../host")]], "not a path inside"),
        ([[hard("h", "/etc/passwd")]], "not a path inside"),
        ([[folder("a"), hard("a/h", "a/../../host")]], "not a path inside"),
        ([[link("l", "")]], "a link to ''"),
        ([[link("l", "a\0b")]], "a link to"),
        ([[link("l", "x" * 4096)]], "a link to"),
        ([[file("x" * 256)]], "a name that is longer"),
        ([[file("xy/" * 1400 + "x")]], "a name that is longer"),
        ([[file("../x")]], "not a path inside"),
        ([[file("/x")]], "not a path inside"),
        ([[file("a//x")]], "not a path inside"),
        ([[file("a/./x")]], "not a path inside"),
    ],
    ids=range(40),
)
def test_a_layer_that_leads_out_of_its_root_is_refused(tmp_path: Path, layers: list[list[Member]], said: str) -> None:
    (tmp_path / "host").write_text("a secret")
    os.utime(tmp_path / "host", (1, 1))
    tmp_path.chmod(0o700)
    with pytest.raises(InputError) as caught:
        unpack(tmp_path, *layers)

    assert said in str(caught.value)
    assert [path.name for path in tmp_path.iterdir() if path.name == "x"] == []
    assert ((tmp_path / "host").stat().st_nlink, (tmp_path / "host").stat().st_mtime) == (1, 1)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
