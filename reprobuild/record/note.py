"""`note.txt` beside a record: what a person has to say of a run, in a few words or a page.

It is no part of the record, which stays as the run left it.
"""

import os
from pathlib import Path

from reprobuild.ground.errors import InputError, UsageError
from reprobuild.ground.tree import open_regular
from reprobuild.ground.whole import write_whole

NOTE = "note.txt"
MAX_NOTE = 64 << 10
"""Bytes."""


def check_note(text: str) -> str:
    """The note as it is kept: UTF-8, lines and tabs, no other control character, a line end at its end."""
    kept = text.replace("\r\n", "\n").strip("\n") + "\n"
    try:
        size = len(kept.encode())
    except UnicodeEncodeError as error:
        raise UsageError(
            "note: it is not UTF-8", hint="write it in UTF-8, for example in the locale C.UTF-8"
        ) from error
    if not kept.strip():
        raise UsageError("note: it is empty", hint="say something, or take a note away with --remove")
    if size > MAX_NOTE:
        raise UsageError(f"note: {size} bytes, at most {MAX_NOTE} are kept", hint="name a file in it")
    for character in kept:
        if character not in "\n\t" and (ord(character) < 32 or 127 <= ord(character) < 160):
            raise UsageError(f"note: it holds the control character {character!r}", hint="write it in plain text")
    return kept


def write_note(folder: Path, text: str) -> None:
    """Keep a note of the run in `folder`, whole or not at all; one that is there is replaced."""
    write_whole(folder / NOTE, check_note(text).encode())


def remove_note(folder: Path) -> bool:
    """Take the note away; False when there is none."""
    there = os.path.lexists(folder / NOTE)
    (folder / NOTE).unlink(missing_ok=True)
    return there


def read_note(folder: Path) -> str:
    """The note of the run in `folder`, empty when there is none; InputError for what no note may be."""
    path = folder / NOTE
    if not os.path.lexists(path):
        return ""
    with open_regular(path, str(folder)) as stream:
        data = stream.read(MAX_NOTE + 1)
    try:
        return check_note(data.decode())
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not UTF-8", hint=f"write it again: reprobuild runs note {folder.name} TEXT"
        ) from error
    except UsageError as error:
        raise InputError(f"{path}: {error}", hint=f"write it again: reprobuild runs note {folder.name} TEXT") from error
