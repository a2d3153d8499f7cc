from pathlib import Path

import pytest

from reprobuild.ground.errors import InputError
from reprobuild.project.read import parse_project, read_project
from reprobuild.record.document import Tolerance

SMALLEST = """\
[project]
name = "digits"

[image]
base = "debian12-python311"

[run]
command = ["python", "train.py"]
"""

COMPLETE = """\
[project]
name = "digits"

[image]
base = "debian12-python311"          # a file under images/, or the path of one
debian = ["libgomp1"]                # more Debian packages

[python]
requirements = ["requirements.in"]
resolver = "pip-tools"               # or "uv"

[run]
command = ["python", "train.py", "--epochs", "{epochs}"]
seed = 1234
threads = 2
timeout = "2h"
gpu = false
env = ["LANG"]
params = ["params.yaml"]
outputs = ["out/model.npz"]
metrics = "out/metrics.json"

[run.hyperparameters]
epochs = 12
learning_rate = 0.05

[run.tolerances]
accuracy = 0.005
loss = { relative = 1e-6 }

[data.digits]
path = "data/digits.csv"
licence = "CC-BY-4.0"
origin = "where it came from"
preprocessing = "what was done to it"
"""


def complaint(text: str) -> tuple[str, str]:
    with pytest.raises(InputError) as caught:
        parse_project(text.encode(), Path("/nowhere"))
    return str(caught.value), caught.value.hint


def test_three_keys_are_enough() -> None:
    project = parse_project(SMALLEST.encode(), Path("/nowhere"))

    assert (project.name, project.base, project.command) == ("digits", "debian12-python311", ("python", "train.py"))
    assert (project.seed, project.threads, project.timeout) == (0, 1, 86400.0)
    assert project.metrics is None


def test_every_key_of_the_complete_file_arrives() -> None:
    project = parse_project(COMPLETE.encode(), Path("/nowhere"))

    assert project.timeout == 7200
    assert project.hyperparameters == {"epochs": 12, "learning_rate": 0.05}
    assert project.tolerances == {"accuracy": Tolerance(absolute=0.005), "loss": Tolerance(relative=1e-6)}
    assert project.data[0].licence == "CC-BY-4.0"


@pytest.mark.parametrize(
    ("old", "new", "said", "hint"),
    [
        ("seed =", "sede =", "reprobuild.toml:14: run.sede: unknown key", "did you mean 'seed'?"),
        ("[image]", "[imgae]", "reprobuild.toml:4: imgae: unknown key", "did you mean 'image'?"),
        ("relative", "relativ", "reprobuild.toml:29: run.tolerances.loss.relativ: unknown key", "'relative'"),
        ('path = "data', 'pth = "data', "reprobuild.toml:32: data.digits.pth: unknown key", "did you mean 'path'?"),
        ("seed = 1234", "seed = -1", "reprobuild.toml:14: run.seed: ", ""),
        ("seed = 1234", "seed = true", "reprobuild.toml:14: run.seed: ", ""),
        ("threads = 2", 'threads = "2"', "reprobuild.toml:15: run.threads: ", ""),
        ('timeout = "2h"', 'timeout = "2 years"', "reprobuild.toml:16: run.timeout: not a duration", ""),
        ("out/model.npz", "../model.npz", "reprobuild.toml:20: run.outputs: not a plain relative path", ""),
        ("epochs = 12", "epochs = [1]", "reprobuild.toml:24: run.hyperparameters.epochs: not a boolean", ""),
        ("accuracy = 0.005", 'accuracy = "x"', "reprobuild.toml:28: run.tolerances.accuracy: not a number", "relative"),
        ("accuracy = 0.005", "accuracy = -1", "reprobuild.toml:28: run.tolerances.accuracy: ", ""),
        ('name = "digits"', "", "reprobuild.toml:1: project.name: missing", "name ="),
        (
            "where it came from",
            "https://user:secret@data.example/d",
            "reprobuild.toml:34: data.digits.origin: a URL with credentials",
            "",
        ),
        ('"pip-tools"', '"poetry"', "reprobuild.toml:10: python.resolver: ", ""),
    ],
)
def test_a_mistake_is_told_with_its_line_its_key_and_the_right_name(old: str, new: str, said: str, hint: str) -> None:
    message, given = complaint(COMPLETE.replace(old, new, 1))

    assert message.startswith(said)
    assert "\n" not in message
    assert hint in given
    assert "secret" not in message + given


def test_broken_toml_is_told_with_its_line() -> None:
    message, _ = complaint(SMALLEST + "seed = = 3\n")

    assert message.startswith("reprobuild.toml:9: not TOML")


def test_a_missing_project_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"reprobuild\.toml: No such file") as caught:
        read_project(tmp_path)

    assert "--project" in caught.value.hint


def test_a_file_that_is_named_but_missing_is_told(tmp_path: Path) -> None:
    (tmp_path / "reprobuild.toml").write_text(COMPLETE)

    with pytest.raises(InputError) as caught:
        read_project(tmp_path)

    assert str(caught.value) == "reprobuild.toml:9: python.requirements: requirements.in does not exist"
