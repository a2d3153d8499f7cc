"""`reprobuild guide` as a user has it."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from builders.command import CommandLine
from builders.guides import COMPLETE, declaration, letters_record, make_guide_project
from builders.records import write_run

from reprobuild.cli.app import main
from reprobuild.guide.blocks import begin_of
from reprobuild.guide.place import PAGE, PLACE

TRAIN = """
import json, os
os.makedirs("out", exist_ok=True)
open("out/model.txt", "w").write("model")
json.dump({"loss": 0.25}, open("out/metrics.json", "w"))
"""
OUTPUTS = 'outputs = ["out/model.txt"]\nmetrics = "out/metrics.json"\n'
FAR_AWAY = COMPLETE.replace("2027-12-31", "9999-12-31")


def guide(project: Path, *words: str) -> int:
    return main(["--project", str(project), "guide", *words])


def test_it_says_what_was_written_and_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    declared = COMPLETE.replace(declaration("fairness"), "")
    project = make_guide_project(tmp_path, declared=declared)

    assert guide(project) == 0
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [f"{project / PLACE}  run 0001  11 measured, 23 declared, 1 missing"]
    assert captured.err == "missing: nobody has declared fairness; fill in [fairness] in guide.toml\n"
    assert (project / PAGE).read_text().startswith("<!DOCTYPE html>")


def test_with_json_the_result_is_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_guide_project(tmp_path, declared="")

    assert guide(project, "--json") == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["guide"], told["page"], told["run"]) == (str(project / PLACE), str(project / PAGE), "0001")
    assert {"section": "fairness", "key": "fairness", "remedy": "fill in [fairness] in guide.toml"} in told["missing"]
    assert captured.err == ""


def test_an_edit_is_refused_with_every_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_guide_project(tmp_path)
    guide(project)
    text = (project / PLACE).read_text()
    edited = text.replace("| accuracy | 0.975 |", "| accuracy | 0.999 |", 1) + "P.S.\n"
    (project / PLACE).write_text(edited)
    capsys.readouterr()

    assert guide(project) == 3
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert captured.out == ""
    assert lines[0].endswith("edited outside the blocks: it was not there, it is 'P.S.'")
    assert lines[1].startswith(f"error: {PLACE}:")
    assert lines[1].endswith("it was '| accuracy | 0.975 |', it is '| accuracy | 0.999 |' (and 1 more line)")
    assert lines[2].startswith("hint: nothing was written: move your words into a block")
    assert (project / PLACE).read_text() == edited


@pytest.mark.parametrize(
    ("old", "new", "said", "hint"),
    [
        ("[data]", "[dta]", "error: guide.toml:31: dta: unknown key", "hint: did you mean 'data'?"),
        ("[data]\ntext", "[data]\ntxt", "error: guide.toml:32: data.txt: unknown key", "hint: did you mean 'text'?"),
    ],
)
def test_unknown_keys_are_one_line_and_nothing_is_written(
    old: str, new: str, said: str, hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = make_guide_project(tmp_path, declared=COMPLETE.replace(old, new))

    assert guide(project) == 3
    assert capsys.readouterr().err.splitlines() == [said, hint]
    assert not (project / "docs").exists()


def test_check_tells_each_rule_with_its_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_guide_project(tmp_path, declared=FAR_AWAY)

    assert guide(project, "--check") == 10
    assert capsys.readouterr().out == f"RG001 {PLACE}: there is no guide\n      run reprobuild guide\n"
    assert not (project / "docs").exists()
    guide(project)
    capsys.readouterr()
    assert guide(project, "--check") == 0
    assert capsys.readouterr().out == f"{PLACE} is up to date\n"
    write_run(project, "0002", letters_record(metrics={"accuracy": 0.5, "loss": 0.1, "recall_left": 0.1}))
    assert guide(project, "--check", "--json") == 10
    told = json.loads(capsys.readouterr().out)
    assert [finding["rule"] for finding in told["findings"]] == ["RG003"]
    assert told["findings"][0]["remedy"] == "run reprobuild guide"


def test_what_cannot_be_checked_is_never_a_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    there = make_guide_project(tmp_path / "there", declared=FAR_AWAY)
    guide(there)
    clone = make_guide_project(tmp_path / "clone", declared=FAR_AWAY, runs={})
    shutil.copytree(there / "docs", clone / "docs")
    capsys.readouterr()

    assert guide(clone, "--check") == 11
    assert capsys.readouterr().out.startswith("unchecked RG003: no run that succeeded is recorded here")


def test_a_guide_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = make_guide_project(tmp_path)

    assert guide(project, "--output", "handbook/training.md") == 0
    assert sorted(path.name for path in (project / "handbook").iterdir()) == ["training.html", "training.md"]
    assert guide(project, "--output", "training.txt") == 2
    assert "error: --output training.txt: a guide is a .md file" in capsys.readouterr().err


def test_a_folder_without_a_project_says_where_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert guide(tmp_path) == 3
    assert capsys.readouterr().err.startswith("error: reprobuild.toml: No such file")


def test_the_same_inputs_give_the_same_bytes_everywhere(tmp_path: Path) -> None:
    surroundings = [
        {"TZ": "Pacific/Chatham", "LC_ALL": "C", "PYTHONHASHSEED": "1"},
        {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2"},
    ]
    made = []
    for number, changed in enumerate(surroundings):
        project = make_guide_project(tmp_path / "deep" / ("x" * number) / "project")
        command = [sys.executable, "-m", "reprobuild", "--project", str(project), "guide"]
        environment = {**os.environ, **changed}
        subprocess.run(
            command, cwd=tmp_path / "deep", env=environment, umask=0o22 + number * 0o55, check=True, capture_output=True
        )
        made.append([(project / name).read_bytes() for name in (PLACE, PAGE, ".reprobuild/runs/0001/guide.md")])

    assert made[0] == made[1]


def documents(bundle: Path) -> dict[str, bytes]:
    """The documents of a bundle by name."""
    with tarfile.open(bundle) as archive:
        blobs = {member.name: archive.extractfile(member).read() for member in archive.getmembers()}  # type: ignore[union-attr]
    for data in blobs.values():
        if b"vnd.reprobuild.bundle.v1+json" in data and data.startswith(b"{"):
            layers = json.loads(data)["layers"]
            return {
                layer["annotations"]["org.opencontainers.image.title"]: blobs[
                    f"blobs/sha256/{layer['digest'].removeprefix('sha256:')}"
                ]
                for layer in layers
            }
    raise AssertionError("no bundle manifest")


@pytest.mark.sandbox
def test_the_guide_of_its_run_travels_in_a_bundle(tmp_path: Path) -> None:
    line = CommandLine(tmp_path, OUTPUTS, {"train.py": TRAIN, "guide.toml": declaration("limitations", "None told.")})
    line.lock()
    assert line.run("run").returncode == 0
    first = documents(line.project / "bundle.tar")["guide.md"].decode()
    assert "run 0001" in first
    assert "None told. *declared · Ada Example" in first
    assert not (line.project / "docs").exists()

    assert line.run("bundle", "1", "--output", str(tmp_path / "again.tar")).returncode == 0
    assert (tmp_path / "again.tar").read_bytes() == (line.project / "bundle.tar").read_bytes()

    assert line.run("guide").returncode == 0
    text = (line.project / PLACE).read_text()
    (line.project / PLACE).write_text(text.replace(f"{begin_of('data')}\n", f"{begin_of('data')}\nOurs.\n"))
    assert line.run("guide").returncode == 0
    assert line.run("bundle", "--output", str(tmp_path / "newest.tar")).returncode == 0
    assert documents(tmp_path / "newest.tar")["guide.md"] == (line.project / PLACE).read_bytes()
    summary = json.loads(line.run("inspect", str(tmp_path / "newest.tar"), "--json").stdout)
    assert summary["documents"]["guide.md"] == len((line.project / PLACE).read_bytes())
    assert line.run("inspect", str(tmp_path / "newest.tar"), "--guide").stdout == (line.project / PLACE).read_text()
    assert line.run("replay", str(tmp_path / "newest.tar"), "--require", "identical").returncode == 0


@pytest.mark.sandbox
def test_a_wrong_guide_file_costs_no_bundle(tmp_path: Path) -> None:
    line = CommandLine(tmp_path, OUTPUTS, {"train.py": TRAIN, "guide.toml": "[limitation]\n"}).lock()
    done = line.run("run")

    assert done.returncode == 0
    assert "note: no guide in the bundle: guide.toml:1: limitation: unknown key" in done.stderr
    assert "guide.md" not in documents(line.project / "bundle.tar")
    read = line.run("inspect", str(line.project / "bundle.tar"), "--guide")
    assert (read.returncode, read.stderr.splitlines()[0]) == (3, "error: bundle.tar: it has no guide")


@pytest.mark.sandbox
def test_a_guide_of_strangers_tells_a_terminal_nothing(tmp_path: Path) -> None:
    line = CommandLine(tmp_path, OUTPUTS, {"train.py": TRAIN}).lock()
    assert line.run("run").returncode == 0
    (line.runs[0] / "guide.md").write_bytes(b"a\tb\x1b]0;title\x07\n")
    assert line.run("bundle").returncode == 0

    assert line.run("inspect", str(line.project / "bundle.tar"), "--guide").stdout == "a\tb\\x1b]0;title\\x07\n"
    whole = (line.project / "bundle.tar").read_bytes()
    (line.project / "changed.tar").write_bytes(whole.replace(b"a\tb\x1b]0;title", b"a\tb\x1b]0;tutle"))
    changed = line.run("inspect", str(line.project / "changed.tar"), "--guide")
    assert (changed.returncode, changed.stdout) == (3, "")
    assert changed.stderr.startswith("error: changed.tar: guide.md: its bytes have another digest: it was changed")
    (line.runs[0] / "guide.md").write_bytes(b"\xff")
    assert line.run("bundle").returncode == 0
    assert "guide.md: not UTF-8" in line.run("inspect", str(line.project / "bundle.tar"), "--guide").stderr
