"""`reprobuild probe` on this machine's own Python, as a user has it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from builders.numerics import make_numerics

from reprobuild.numerics.document import Numerics
from reprobuild.steps.probe.inquiry import RUNTIME
from reprobuild.steps.probe.probe import read_numerics

DOCS = Path(__file__).parents[2] / "docs"


def run(*words: str, status: int = 0, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A command line in another process, which has to end so."""
    done = subprocess.run(
        [sys.executable, "-m", "reprobuild", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == status, (words, done.stdout[-2000:], done.stderr[-2000:])
    return done


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What this machine's Python computes, in a file."""
    path = tmp_path_factory.mktemp("probe") / "here.json"
    path.write_text(run("probe", "--json").stdout)
    return path


def test_a_machine_agrees_with_itself(here: Path) -> None:
    done = run("probe", "--against", str(here))
    numerics = Numerics.from_bytes(here.read_bytes(), "here")

    assert f"all {len(numerics.operations):,} operations of the numeric probe agree" in done.stdout
    assert (numerics.profile, numerics.threads) == ("native", 1)
    assert {"libm", "math", "numpy"} <= numerics.libraries.keys()
    assert done.stderr == ""


def test_an_operation_that_differs_ends_with_10_and_is_named(here: Path, tmp_path: Path) -> None:
    told = json.loads(here.read_bytes())
    name = next(name for name in told["operations"] if name.startswith("numpy/sqrt/"))
    told["operations"][name] = "0" * 16
    (tmp_path / "there.json").write_text(json.dumps(told))
    done = run("probe", "--python", sys.executable, "--against", str(tmp_path / "there.json"), status=10)

    assert "operations of the numeric probe disagree: numpy/sqrt" in done.stdout
    assert name in done.stdout


def test_nothing_to_compare_ends_with_11(tmp_path: Path) -> None:
    (tmp_path / "there.json").write_bytes(make_numerics({"cupy/dot/f32/9": "0" * 16}).to_bytes())

    assert "no operation that both sides" in run("probe", "--against", str(tmp_path / "there.json"), status=11).stdout


WRONG = [
    (["probe", "--image", "--python", "python3"], 2, "--python: an image has its own Python"),
    (["probe", "--emulate", "Haswell"], 2, "--emulate: it is for an image"),
    (["probe", "--engine", "docker"], 2, "--engine: it is for an image"),
    (["probe", "--threads", "0"], 2, "--threads"),
    (["probe", "--numerics", "fast"], 2, "--numerics"),
    (["probe", "--against", "nowhere.json"], 3, "nowhere.json: No such file"),
    (["probe", "--against", "text"], 3, "text: "),
    (["probe", "--python", "no-such-python"], 4, "no-such-python: not found"),
    (["probe", "--image"], 3, "reprobuild.toml"),
]


@pytest.mark.parametrize(("words", "status", "problem"), WRONG, ids=[" ".join(words) for words, _, _ in WRONG])
def test_what_cannot_be_is_one_line_with_a_hint(tmp_path: Path, words: list[str], status: int, problem: str) -> None:
    (tmp_path / "text").write_text("no numerics\n")
    error, *rest = run(*words, status=status, folder=tmp_path).stderr.splitlines()

    assert error.startswith(f"error: {problem}")
    assert len(rest) == 1
    assert rest[0].startswith("hint: ")


def test_the_page_shows_what_the_command_prints() -> None:
    page = (DOCS / "probe.md").read_text()
    shown = page.partition("$ reprobuild probe\n")[2].partition("```")[0].splitlines()
    printed = run("probe").stdout.splitlines()
    columns = [[line.split()[0], *re.findall(r" ([0-9,]+) +[0-9]+[.][0-9]{2} ", line)] for line in (*shown, *printed)]

    assert shown[1].split() == printed[1].split() == ["library", "version", "operations", "seconds", "digest"]
    assert {"libm", "math", "numpy"} <= {line.split()[0] for line in printed[2:]}
    assert {name for name, *count in columns if count} >= {"libm", "math", "numpy"}
    assert len({tuple(column) for column in columns if len(column) == 2}) == len(shown) - 3


def test_a_machine_without_reprobuild_is_probed_as_the_page_says(tmp_path: Path) -> None:
    block = (DOCS / "probe.md").read_text().partition("$ export ")[2].partition("```")[0]
    script = f"set -e; export {block}".replace("\n$ ", "\n").replace("reprobuild/runtime", str(RUNTIME))
    subprocess.run(["bash", "-c", script], cwd=tmp_path, check=True, timeout=300)
    told = read_numerics(tmp_path / "there.json")
    done = run("probe", "--python", "python3", "--against", str(tmp_path / "there.json"))

    assert {"libm", "math"} <= told.libraries.keys()
    assert f"all {len(told.operations):,} operations of the numeric probe agree" in done.stdout
