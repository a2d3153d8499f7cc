import io
import os
from pathlib import Path

import pytest

from reprobuild.ground.errors import InputError
from reprobuild.ground.tar import END, Entry, padding, render_header
from reprobuild.ground.tree import digest_tree, tree_files, unpack_tree, write_tree


def make_tree(root: Path, names: list[str]) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 3)


def packed(root: Path) -> bytes:
    target = io.BytesIO()
    write_tree(target, tree_files(root, "tree").items(), "tree")
    return target.getvalue()


def archive(*entries: tuple[Entry, bytes]) -> io.BytesIO:
    raw = b"".join(render_header(entry, 0) + data + padding(len(data)) for entry, data in entries)
    return io.BytesIO(raw + END)


def file(path: str, data: bytes = b"x", mode: int = 0o644) -> tuple[Entry, bytes]:
    return Entry(path, "file", mode, len(data)), data


def test_the_same_files_made_in_another_order_and_under_another_umask_are_the_same_tree(tmp_path: Path) -> None:
    names = ["b/c.txt", "a.txt", "b/a.txt", "é/ü.txt"]
    make_tree(tmp_path / "one", names)
    before = os.umask(0o077)
    try:
        make_tree(tmp_path / "two", names[::-1])
    finally:
        os.umask(before)
    os.utime(tmp_path / "two" / "a.txt", (1, 1))

    assert digest_tree(tmp_path / "one", "tree") == digest_tree(tmp_path / "two", "tree")
    assert packed(tmp_path / "one") == packed(tmp_path / "two")


def test_a_changed_byte_a_moved_file_and_a_renamed_file_are_other_trees(tmp_path: Path) -> None:
    trees = {"original": ["a", "b/c"], "moved": ["a", "c"], "renamed": ["a", "b/d"]}
    for name, files in trees.items():
        make_tree(tmp_path / name, files)
        for path in files:
            (tmp_path / name / path).write_bytes(b"same")
    make_tree(tmp_path / "changed", trees["original"])
    digests = {name: digest_tree(tmp_path / name, "tree").sha256 for name in [*trees, "changed"]}

    assert len(set(digests.values())) == len(digests)


def test_a_file_is_a_tree_that_is_not_a_folder_with_that_file(tmp_path: Path) -> None:
    make_tree(tmp_path / "folder", ["a"])

    alone, inside = digest_tree(tmp_path / "folder" / "a", "tree"), digest_tree(tmp_path / "folder", "tree")

    assert (alone.size, alone.files) == (inside.size, inside.files) == (3, 1)
    assert alone.sha256 != inside.sha256


def test_what_was_packed_comes_out_again_with_its_modes(tmp_path: Path) -> None:
    make_tree(tmp_path / "one", ["a/b/" + "long" * 40, "run.sh"])
    (tmp_path / "one" / "run.sh").chmod(0o700)

    unpack_tree(io.BytesIO(packed(tmp_path / "one")), tmp_path / "two", "tree")

    assert digest_tree(tmp_path / "two", "tree") == digest_tree(tmp_path / "one", "tree")
    assert (tmp_path / "two" / "run.sh").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("kind", ["link", "pipe", "link to a folder"])
def test_a_tree_with_anything_but_files_is_refused_with_its_name(tmp_path: Path, kind: str) -> None:
    make_tree(tmp_path, ["a", "f/b"])
    if kind == "pipe":
        os.mkfifo(tmp_path / "odd")
    else:
        (tmp_path / "odd").symlink_to("a" if kind == "link" else "f")

    with pytest.raises(InputError, match="tree: odd: a tree has regular files only"):
        tree_files(tmp_path, "tree")


def test_a_name_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9")).write_bytes(b"")

    with pytest.raises(InputError, match="not UTF-8"):
        digest_tree(tmp_path, "tree")


def test_a_folder_that_cannot_be_listed_is_not_left_out_in_silence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="gone: No such file"):
        digest_tree(tmp_path / "gone", "tree")


@pytest.mark.parametrize(
    "entries",
    [
        [(Entry("a", "symlink", 0o777, 0, "/etc"), b"")],
        [(Entry("a", "dir", 0o755), b"")],
        [(Entry("a", "hardlink", 0o644, 0, "b"), b"")],
        [file("b"), file("a")],
        [file("a"), file("a")],
        [file("a"), file("a/b")],
        [file("a", mode=0o4755)],
        [file("../a")],
        [file("/a")],
        [file("n" * 300)],
        [file("caf\udce9")],
    ],
    ids=["symlink", "dir", "hardlink", "order", "twice", "file as folder", "setuid", "up", "root", "long", "not UTF-8"],
)
def test_an_archive_that_we_would_not_have_written_is_refused(
    tmp_path: Path, entries: list[tuple[Entry, bytes]]
) -> None:
    with pytest.raises(InputError, match="tree"):
        unpack_tree(archive(*entries), tmp_path / "out", "tree")
    assert {path.name for path in tmp_path.iterdir()} == {"out"}


def test_a_truncated_archive_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    make_tree(tmp_path / "one", ["a", "b"])
    whole = packed(tmp_path / "one")

    for size in range(0, len(whole), 100):
        with pytest.raises(InputError):
            unpack_tree(io.BytesIO(whole[:size]), tmp_path / f"out{size}", "tree")
