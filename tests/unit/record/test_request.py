import pytest

from reprobuild.ground.errors import InputError
from reprobuild.record.request import fill_command, parse_params


def test_names_in_braces_become_values() -> None:
    command = ["python", "t.py", "--lr={lr}", "{epochs}", "{name}", "{flag}"]

    assert fill_command(command, {"lr": 0.05, "epochs": 12, "name": "a b", "flag": True}) == (
        *("python", "t.py", "--lr=0.05", "12", "a b", "true"),
    )


def test_double_braces_are_braces() -> None:
    assert fill_command(["{{epochs}}", "{{{epochs}}}"], {"epochs": 1}) == ("{epochs}", "{1}")


@pytest.mark.parametrize("word", ["{epoch}", "{", "}", "{}", "{epochs!r}", "{epochs.real}", "{0}"])
def test_any_other_brace_is_refused_and_told_what_is_known(word: str) -> None:
    with pytest.raises(InputError, match="is no hyperparameter") as caught:
        fill_command([word], {"epochs": 1})

    assert "epochs" in caught.value.hint


@pytest.mark.parametrize(
    ("path", "text"),
    [("p.json", '{"a": {"b": [1, 2.5, null]}}'), ("p.yaml", "a:\n  b: [1, 2.5, null]\n")],
)
def test_params_files_are_read_by_their_suffix(path: str, text: str) -> None:
    assert parse_params(text.encode(), path) == {"a": {"b": [1, 2.5, None]}}


def test_params_in_toml_are_read() -> None:
    assert parse_params(b"[a]\nb = [1, 2.5]\n", "p.toml") == {"a": {"b": [1, 2.5]}}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("p.yaml", "a: [1"),
        ("p.yaml", "a: .nan"),
        ("p.yaml", "when: 2024-01-01"),
        ("p.yaml", "!!python/object/apply:os.system [echo]"),
        ("p.yaml", "a: &a [x, x]\nb: &b [*a, *a]\n" + "".join(f"c{i}: &c{i} [*b, *b]\n" for i in range(3)) + "d: \x00"),
        ("p.json", '{"a": NaN}'),
        ("p.toml", "a = "),
        ("p.toml", "a = 2024-01-01"),
        ("p.ini", "a = 1"),
    ],
)
def test_broken_params_are_one_line_that_begins_with_the_file(path: str, text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_params(text.encode(), path)

    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
