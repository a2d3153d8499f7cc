import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from reprobuild import __version__
from reprobuild.cli.app import main

COMMANDS = ("init", "lock", "image", "run", "bundle", "replay", "inspect", "guide", "runs", "doctor")
PROJECT = """\
[project]
name = "p"
[image]
base = "debian12-python311"
[run]
command = ["python", "train.py"]
"""


def test_help_names_every_command_and_every_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0

    shown = capsys.readouterr().out
    assert all(command in shown for command in COMMANDS)
    assert all(f"{status} " in shown for status in (0, 2, 3, 4, 5, 10, 11))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0

    assert len(capsys.readouterr().out.splitlines()) > 8


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"reprobuild {__version__}\n"


@pytest.mark.parametrize("arguments", [["nonsense"], ["lock", "--nonsense"], ["replay"], ["run", "--seed", "-1"]])
def test_a_wrong_command_line_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("command", ["lock", "run"])
def test_a_folder_without_a_project_is_one_line_and_a_hint(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--project", str(tmp_path), command]) == 3

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "error: reprobuild.toml: No such file or directory",
        "hint: run reprobuild in the folder that holds it, or name that folder with --project",
    ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [["image"], ["run"], ["lock", "--check"]])
def test_a_project_without_a_lock_says_what_to_run(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "reprobuild.toml").write_text(PROJECT)

    assert main(["--project", str(tmp_path), *command]) == 3

    assert capsys.readouterr().err.splitlines()[-1] == "hint: run reprobuild lock"


def test_an_unknown_base_names_the_nearest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "reprobuild.toml").write_text(PROJECT.replace("debian12", "debian21"))

    assert main(["--project", str(tmp_path), "lock"]) == 3

    assert "hint: did you mean" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["inspect", "replay"])
def test_a_file_that_is_no_bundle_is_refused_by_name(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bundle.tar").write_bytes(b"nothing of the kind" * 100)

    assert main([command, str(tmp_path / "bundle.tar")]) == 3

    assert capsys.readouterr().err.startswith("error: bundle.tar: ")


def test_bundle_without_a_run_says_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--project", str(tmp_path), "bundle"]) == 3
    assert capsys.readouterr().err.splitlines()[-1] == "hint: run reprobuild run"


def test_asking_for_help_imports_nothing_heavy() -> None:
    heavy = (
        "pydantic",
        "httpx",
        "rich",
        "numpy",
        "zstandard",
        "pysequoia",
        "installer",
        "yaml",
        "jinja2",
        "markdown_it",
    )
    program = (
        "import sys; from reprobuild.cli.app import main; main(['--help']); "
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stderr.strip() == "[]"


def test_results_are_json_on_standard_output_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "reprobuild.toml").write_text(PROJECT)
    (tmp_path / "lockfiles").mkdir()
    base = {"format": "nothing"}
    (tmp_path / "lockfiles" / "reprobuild.lock").write_text(json.dumps(base))

    assert main(["--project", str(tmp_path), "lock", "--check", "--json"]) == 3

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: lockfiles/reprobuild.lock: ")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", ["fingerprint", "fingerprint --json", "--version", "init --dry-run --dir {folder}"])
def test_a_closed_stream_changes_nothing_but_what_is_seen(words: str, closed: str, tmp_path: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m reprobuild {words.format(folder=shlex.quote(str(tmp_path)))}"
    done = subprocess.run(["sh", "-c", f"exec {command} {closed}"], capture_output=True, text=True, check=False)

    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_locale_that_has_few_characters_gets_their_numbers(tmp_path: Path) -> None:
    argument = 'import argparse\np = argparse.ArgumentParser()\np.add_argument("--size", default="größe", type=str)\n'
    (tmp_path / "train.py").write_text(f"{argument}p.parse_args()\n", encoding="utf-8")
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    def say(*words: str) -> str:
        argv = [sys.executable, "-m", "reprobuild", "init", "--dry-run", "--dir", str(tmp_path), *words]
        return subprocess.run(argv, env=environment, capture_output=True, encoding="ascii", check=True).stdout

    assert r"gr\xf6\xdfe" in say()
    assert any("größe" in file["difference"] for file in json.loads(say("--json"))["files"])


def test_an_error_is_one_line_that_a_terminal_does_not_obey(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "a\x1b[2Jb\nhint: c.tar"]) == 3

    assert capsys.readouterr().err.splitlines()[0].startswith(r"error: a\x1b[2Jb\nhint: c.tar: ")
