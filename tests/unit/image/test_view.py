import pytest

from reprobuild.ground.errors import InputError
from reprobuild.image.note import Note
from reprobuild.image.view import View


def view(*layers: dict[str, str], texts: dict[str, str] | None = None) -> View:
    """What layers come to, of which the last knows `texts`."""
    known: list[dict[str, str]] = [*({} for _ in layers[1:]), texts or {}]
    notes = [Note(paths=paths, sonames={}, texts=text, scripts={}) for paths, text in zip(layers, known, strict=True)]
    return View((f"layer {number}", note) for number, note in enumerate(notes, 1))


def test_an_upper_layer_hides_and_removes() -> None:
    below = {"a/b": "file", "a/c/d": "file", "e": "file", "f/g": "file", "h": "symlink:a"}
    seen = view(below, {"a/.wh.c": "file", ".wh.e": "file", "f": "symlink:a", "h": "dir", "h/i": "file"})

    assert (seen.names("a"), seen.names("")) == (["b"], [])
    assert [seen.kind(path) for path in ("a/b", "a/c", "e", "f", "f/b", "h/i", "h")] == [
        *("file", "", "", "symlink", "file", "file", "dir")
    ]


def test_a_folder_may_lose_all_that_was_in_it_and_get_something_new() -> None:
    seen = view({"a/b": "file", "a/c/d": "file", "x": "file"}, {"a/.wh..wh..opq": "file", "a/e": "file"})

    assert seen.names("a") == ["e"]
    assert seen.is_file("x")
    assert not view({"a": "file"}, {".wh..wh..opq": "file"}).is_file("a")


def test_links_are_followed_as_the_kernel_does() -> None:
    seen = view(
        {
            "bin": "symlink:usr/bin",
            "usr/bin/python3": "symlink:python3.11",
            "usr/bin/python3.11": "file",
            "venv/bin/python": "symlink:/bin/python3",
            "up": "symlink:../../usr/./bin",
            "circle": "symlink:circle",
            "nowhere": "symlink:/none/at/all",
        }
    )

    assert seen.find("/venv/bin/python") == "usr/bin/python3.11"
    assert seen.find("/up/python3") == "usr/bin/python3.11"
    assert [seen.find(path) for path in ("circle", "nowhere", "usr/bin/python3.11/x", "none")] == ["", "", "", ""]
    assert seen.kind("/bin/python3") == "symlink"
    assert not seen.is_file("/usr/bin")


def test_what_is_known_of_a_file_goes_with_the_file() -> None:
    known = {"a": "3.11.2"}

    assert view({"b": "symlink:a"}, {"a": "file"}, texts=known).text("/b") == "3.11.2"
    below = Note(paths={"a": "file"}, sonames={}, texts=known, scripts={})
    for above in ({"a": "file"}, {".wh.a": "file"}, {"a": "dir"}):
        upper = Note(paths=above, sonames={}, texts={}, scripts={})
        assert View([("1", below), ("2", upper)]).text("a") == ""


@pytest.mark.parametrize("kind", ["file", "symlink:usr/lib"])
def test_a_file_behind_no_folder_names_the_layer(kind: str) -> None:
    with pytest.raises(InputError, match=r"^layer 2: lib/x: lib is no folder, but a (file|symlink)$"):
        view({"lib": kind}, {"lib/x": "file"})
