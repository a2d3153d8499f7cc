"""Command lines: which of them start a Python that will not be seeded."""

from pathlib import Path

import pytest
from reprobuild_inside.interpreters import reason

LIBRARY = "/run/reprobuild/lib"
SEEDED = {"PYTHONPATH": f"{LIBRARY}:/other", "REPROBUILD_SEED": "1", "PATH": "/nowhere"}
DEAF = "it ignores the environment"


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("python -I train.py", f"-I: {DEAF}"),
        ("/usr/bin/python3.11 -E train.py", f"-E: {DEAF}"),
        ("python3 -uS -m train", "-S: it does not import site"),
        ("python -sB -X dev -I train.py", f"-I: {DEAF}"),
        ("python -Xdev -W error -E train.py", f"-E: {DEAF}"),
        ("env -i python train.py", "env -i: its environment is empty"),
        ("env A=1 python -I train.py", f"-I: {DEAF}"),
        ("timeout 5 python -S train.py", "-S: it does not import site"),
        ("python3.13t -I", f"-I: {DEAF}"),
        ("python --check-hash-based-pycs always -I x", f"-I: {DEAF}"),
    ],
)
def test_a_python_that_does_not_listen_is_told_with_the_reason(command: str, why: str) -> None:
    assert reason(command.split(), SEEDED, LIBRARY) == why


@pytest.mark.parametrize(
    "command",
    [
        "python train.py -I",
        "python -m package -E",
        "python -c pass -S",
        "python -mpackage -I",
        "python -Werror train.py -I",
        "python -W -I train.py",
        "python - -I",
        "python -u -B -s -P train.py",
        "env A=1 python train.py",
        "git -I",
        "sh train.sh -I",
        "",
    ],
)
def test_options_of_others_are_not_pythons(command: str) -> None:
    assert reason(command.split(), SEEDED, LIBRARY) == ""


def test_the_words_of_a_shell_are_looked_at() -> None:
    assert reason(["/bin/sh", "-c", "cd x && python a.py; exec python3 -I 'b c.py'"], SEEDED, LIBRARY) == f"-I: {DEAF}"
    assert reason(["bash", "-c", "python a.py > log"], SEEDED, LIBRARY) == ""
    assert reason(["bash", "-c", "python 'a"], SEEDED, LIBRARY) == ""


def test_an_environment_that_lost_what_is_needed_is_told() -> None:
    lost = "its environment has no PYTHONPATH with the seeding in it"

    assert reason(["python", "a.py"], {}, LIBRARY) == lost
    assert reason(["python", "a.py"], {**SEEDED, "PYTHONPATH": "/other"}, LIBRARY) == lost
    assert reason(["python"], {"PYTHONPATH": LIBRARY}, LIBRARY) == "its environment has no REPROBUILD_SEED"
    assert reason(["git", "log"], {}, LIBRARY) == ""


def test_a_script_is_known_by_its_first_line(tmp_path: Path) -> None:
    for name, line in (("one", "#!/usr/bin/python3 -I"), ("two", "#!/usr/bin/env python3"), ("three", "#!/bin/sh")):
        (tmp_path / name).write_text(f"{line}\n")
    environment = {**SEEDED, "PATH": f"/nowhere:{tmp_path}"}

    assert reason(["one"], environment, LIBRARY) == f"-I: {DEAF}"
    assert reason([str(tmp_path / "two")], environment, LIBRARY) == ""
    assert reason(["two"], {"PATH": str(tmp_path)}, LIBRARY) != ""
    assert reason(["three"], {"PATH": str(tmp_path)}, LIBRARY) == ""
