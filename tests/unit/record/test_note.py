import os
from pathlib import Path

import pytest

from reprobuild.ground.errors import InputError, ReprobuildError, UsageError
from reprobuild.record.note import MAX_NOTE, NOTE, check_note, read_note, remove_note, write_note


def test_a_note_comes_back_as_it_was_said(tmp_path: Path) -> None:
    write_note(tmp_path, "dropped: it overfits\n\tafter epoch 3 – naïve")

    assert read_note(tmp_path) == "dropped: it overfits\n\tafter epoch 3 – naïve\n"
    assert (tmp_path / NOTE).read_bytes() == "dropped: it overfits\n\tafter epoch 3 – naïve\n".encode()


def test_a_later_note_takes_the_place_of_the_first_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_note(tmp_path, "first")
    write_note(tmp_path, "second")

    assert read_note(tmp_path) == "second\n"
    assert [path.name for path in tmp_path.iterdir()] == [NOTE]


def test_a_run_without_a_note_has_an_empty_one(tmp_path: Path) -> None:
    assert read_note(tmp_path) == ""
    assert not remove_note(tmp_path)


def test_a_note_is_taken_away(tmp_path: Path) -> None:
    write_note(tmp_path, "first")

    assert remove_note(tmp_path)
    assert read_note(tmp_path) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "note: it is empty"),
        (" \n\t", "note: it is empty"),
        ("red \x1b[31m", r"note: it holds the control character '\x1b'"),
        ("nul \0", r"note: it holds the control character '\x00'"),
        ("c1 \x9b", r"note: it holds the control character '\x9b'"),
        ("lone \udcff", "note: it is not UTF-8"),
        ("x" * (MAX_NOTE + 1), f"note: {MAX_NOTE + 2} bytes, at most {MAX_NOTE} are kept"),
    ],
)
def test_what_is_no_note_is_refused_and_the_earlier_one_stays(tmp_path: Path, text: str, said: str) -> None:
    write_note(tmp_path, "earlier")
    with pytest.raises(UsageError) as caught:
        write_note(tmp_path, text)

    assert str(caught.value) == said
    assert caught.value.hint
    assert read_note(tmp_path) == "earlier\n"
    assert [path.name for path in tmp_path.iterdir()] == [NOTE]


@pytest.mark.parametrize("data", [b"\xff", b"", b"a\0b", b"x" * (MAX_NOTE + 2)])
def test_a_file_that_is_no_note_is_named(tmp_path: Path, data: bytes) -> None:
    (tmp_path / NOTE).write_bytes(data)

    with pytest.raises(InputError, match=NOTE) as caught:
        read_note(tmp_path)
    assert caught.value.hint.startswith("write it again: reprobuild runs note ")


@pytest.mark.parametrize("make", [lambda path: path.symlink_to("/etc/passwd"), os.mkfifo, Path.mkdir])
def test_a_link_a_pipe_and_a_folder_are_no_notes(tmp_path: Path, make: object) -> None:
    make(tmp_path / NOTE)  # type: ignore[operator]

    with pytest.raises(ReprobuildError, match=NOTE):
        read_note(tmp_path)


def test_windows_line_ends_become_plain_ones() -> None:
    assert check_note("a\r\nb\r\n") == "a\nb\n"
