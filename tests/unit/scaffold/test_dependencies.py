import pytest

from reprobuild.scaffold.dependencies import (
    poetry_requirement,
    read_pyproject,
    requirement_file,
    rescued,
)


def test_the_plainest_requirement_file_is_taken_and_an_input_before_its_output() -> None:
    texts = {
        "requirements.txt": "numpy==1.0\n",
        "requirements.in": "numpy\n",
        "requirements-dev.txt": "pytest\n",
        "requirements/base.txt": "pandas\n",
    }

    found = requirement_file(texts)

    assert found
    assert found.path == "requirements.in"
    assert requirement_file({"requirements-dev.txt": "", "requirements/test.in": ""}) is None


def test_lines_that_a_lock_refuses_are_told_and_rescued_where_they_can_be() -> None:
    found = requirement_file(
        {
            "requirements.txt": "-r base.txt\n--extra-index-url https://u:p@x\nnumpy==1.0 --hash=sha256:aa\n-e .\n"
            "git+https://x/y\n-r gone.txt\n",
            "base.txt": "pandas>2\n",
        }
    )

    assert found
    assert found.requirements == ("pandas>2",)
    assert [item.line for item in found.refused] == [2, 3, 4, 5, 6]
    assert [rescued(item) for item in found.refused] == ["", "numpy==1.0", "", "", ""]
    assert found.refused[-1].reason == "gone.txt is not here"


def test_a_requirement_file_that_includes_itself_ends() -> None:
    found = requirement_file({"requirements.txt": "-r requirements.txt\nnumpy\n"})

    assert found
    assert found.requirements == ("numpy",)


@pytest.mark.parametrize(
    ("value", "requirement"),
    [
        ("^1.2.3", "x>=1.2.3,<2"),
        ("^0.3", "x>=0.3,<0.4"),
        ("^0.0.3", "x>=0.0.3,<0.0.4"),
        ("~1.2", "x>=1.2,<1.3"),
        ("~1", "x>=1,<2"),
        ("*", "x"),
        ("1.4.0", "x==1.4.0"),
        (">=1,<3", "x>=1,<3"),
        ({"version": "^2.0", "extras": ["a"]}, "x>=2.0,<3"),
        ({"git": "https://x"}, ""),
        ("nonsense!", ""),
        (3, ""),
    ],
)
def test_poetrys_versions_are_said_in_pep_440(value: object, requirement: str) -> None:
    assert poetry_requirement("x", value) == requirement


def test_pyproject_tells_name_python_and_what_it_depends_on() -> None:
    found, name = read_pyproject(
        "pyproject.toml",
        '[project]\nname = "a b"\nrequires-python = ">=3.10"\ndependencies = ["numpy", "x @ file:///x", 3]\n',
    )

    assert name == "a b"
    assert found
    assert (found.requirements, found.python) == (("numpy",), ">=3.10")
    assert [item.text for item in found.refused] == ["x @ file:///x"]
    assert read_pyproject("pyproject.toml", "[tool.ruff]\nline-length = 1\n") == (None, "")
    assert read_pyproject("pyproject.toml", "project = 1\n[tool]\npoetry = []\n") == (None, "")
