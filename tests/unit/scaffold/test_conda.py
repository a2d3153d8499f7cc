from pathlib import Path

import pytest
from builders.samples import folder_of
from hypothesis import given, settings
from hypothesis import strategies as st

from reprobuild.ground.errors import InputError
from reprobuild.lock.conda.environment import parse_environment
from reprobuild.project.read import parse_project
from reprobuild.scaffold.choice import choose
from reprobuild.scaffold.conda import Environment, new_environment, read_environment, restate
from reprobuild.scaffold.plan import plan
from reprobuild.scaffold.survey import survey

GOOD = "channels: [conda-forge]\ndependencies: [python=3.12, numpy]\n"
WITH_PIP = (
    "channels:\n- https://user:word@example.org/t/x\n- conda-forge\ndependencies:\n- python>=3.11\n"
    "- conda-forge::numpy=1.26\n- pytorch-cuda=12.1\n- 3\n"
    "- {pip: [rich>13, -e ., 'x @ https://u:p@example.org/x.whl']}\n"
)


def planned(files: dict[str, str | bytes], *features: str) -> dict[str, str]:
    seen = survey(folder_of({"train.py": "import numpy\n", **files}))
    return {file.path: file.text for file in plan(seen, choose(seen, None, features), {})}


def test_an_environment_tells_python_packages_wheels_and_cuda() -> None:
    found = read_environment("environment.yml", WITH_PIP)

    assert found.cuda
    assert found.python == "3.11"
    assert found.wheels == ("rich>13", "-e .", "x @ https://u:p@example.org/x.whl")
    assert "example.org" not in found.refused
    assert read_environment("environment.yml", GOOD).refused == ""


@pytest.mark.parametrize("text", ["- a\n", "dependencies: 3\n", "a: [", "- " * 20_000])
def test_what_is_no_environment_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^environment.yml: "):
        read_environment("environment.yml", text)


def test_an_environment_that_a_lock_takes_is_named_as_it_is() -> None:
    made = planned({"environment.yml": GOOD})

    assert set(made) == {"reprobuild.toml", "guide.toml"}
    assert '[conda]\nenvironment = "environment.yml"' in made["reprobuild.toml"]
    assert 'base = "debian12-python311"' in made["reprobuild.toml"]


def test_one_that_it_refuses_is_said_again_without_places_and_its_wheels_apart() -> None:
    made = planned({"environment.yml": WITH_PIP})

    assert parse_environment(made["environment-reprobuild.yml"].encode(), "e").channels == ("conda-forge",)
    assert made["requirements.in"].splitlines()[:2] == ["# From environment.yml.", "rich>13"]
    assert not any("example.org" in text for text in made.values())
    assert 'environment = "environment-reprobuild.yml"' in made["reprobuild.toml"]
    assert 'base = "cuda12-debian12-python311"' in made["reprobuild.toml"]


def test_the_feature_writes_an_environment_with_the_python_that_is_asked_for() -> None:
    made = planned({".python-version": "3.12.1\n", "requirements.txt": "numpy\n"}, "conda")

    assert parse_environment(made["environment.yml"].encode(), "e").dependencies == ("python=3.12",)
    assert 'requirements = ["requirements.txt"]' in made["reprobuild.toml"]
    assert "asks for Python" not in made["reprobuild.toml"]
    assert parse_environment(new_environment("3.11").encode(), "e")


def test_what_neither_conda_nor_pip_brings_is_said() -> None:
    text = "import torch, numpy, rich, yaml\n"

    made = planned({"train.py": text, "environment.yml": WITH_PIP.replace("3\n", "pytorch\n", 1)})

    assert "environment.yml, so add what does not come with others: pyyaml (train.py:1)" in made["reprobuild.toml"]


def test_with_requirements_an_environment_is_not_taken_by_itself() -> None:
    assert "[conda]" not in planned({"environment.yml": GOOD, "requirements.txt": "numpy\n"})["reprobuild.toml"]


@given(st.lists(st.text(max_size=20), max_size=4), st.lists(st.text(max_size=20), max_size=4))
@settings(deadline=None)
def test_whatever_an_environment_says_is_said_again_as_one(packages: list[str], channels: list[str]) -> None:
    found = Environment("e.yml", "", ("python", *packages), (), tuple(channels))

    read = parse_environment(restate(found).encode(), "e.yml")

    assert read.dependencies[0] == "python"
    assert set(read.dependencies) <= {"python", *packages}
    assert {item for item in packages if item.isidentifier()} <= set(read.dependencies)


@pytest.mark.parametrize("text", [GOOD, WITH_PIP])
def test_the_project_reads(text: str) -> None:
    assert parse_project(planned({"environment.yml": text})["reprobuild.toml"].encode(), Path()).environment
