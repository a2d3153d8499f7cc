import json
from pathlib import Path

import pytest
from builders.samples import SAMPLES, lay

from reprobuild.cli.app import main


def test_init_says_what_it_found_and_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = lay(tmp_path / "churn", SAMPLES["tabular"])

    assert main(["init", "--dir", str(root)]) == 0

    captured = capsys.readouterr()
    assert captured.out.splitlines()[0].split()[:2] == ["written", "reprobuild.toml"]
    assert captured.err.splitlines() == [
        "archetype tabular: train.py:7 imports pandas",
        "next: read reprobuild.toml, then reprobuild lock && reprobuild run",
    ]


def test_a_dry_run_shows_the_difference_from_what_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = lay(tmp_path, {**SAMPLES["tabular"], "reprobuild.toml": '[project]\nname = "mine"\n'})

    assert main(["--project", str(root), "init", "--dry-run"]) == 0

    shown = capsys.readouterr().out.splitlines()
    assert shown[:2] == ["--- a/reprobuild.toml", "+++ b/reprobuild.toml"]
    assert '-name = "mine"' in shown
    assert (root / "reprobuild.toml").read_text() == '[project]\nname = "mine"\n'


def test_json_has_every_fact_with_its_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = lay(tmp_path, SAMPLES["vision"])

    assert main(["init", "--dir", str(root), "--features", "fairness", "--json"]) == 0

    report = json.loads(capsys.readouterr().out)
    assert report["archetype"]["name"] == "vision"
    assert [item["name"] for item in report["features"]] == ["cuda", "fairness"]
    assert {"what": "seed", "value": "7", "path": "scripts/train_classifier.py", "line": 21} in report["found"]
    assert {"path": "reprobuild.toml", "action": "written"}.items() <= report["files"][0].items()


def test_a_dry_run_in_json_has_the_differences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = lay(tmp_path, SAMPLES["bare"])

    assert main(["init", "--dir", str(root), "--dry-run", "--json"]) == 0

    files = json.loads(capsys.readouterr().out)["files"]
    assert {file["action"] for file in files} == {"new"}
    assert all(file["difference"].startswith(f"--- /dev/null\n+++ b/{file['path']}\n") for file in files)
    assert not (root / "reprobuild.toml").exists()


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        (["tabluar"], "error: tabluar: no such archetype", "did you mean 'tabular'?"),
        (["--features", "cuda,fairnes"], "error: fairnes: no such feature", "did you mean 'fairness'?"),
        (["zzz"], "error: zzz: no such archetype", "there are generic, tabular, text, vision"),
    ],
)
def test_a_wrong_name_is_one_line_with_the_nearest(
    words: list[str], error: str, hint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--dir", str(tmp_path / "new"), *words]) == 2

    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == error
    assert hint in lines[1]
    assert not (tmp_path / "new").exists()


def test_a_folder_that_has_everything_says_that_nothing_was_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = lay(tmp_path, SAMPLES["bare"])
    main(["init", "--dir", str(root)])
    capsys.readouterr()

    assert main(["init", "--dir", str(root)]) == 0
    assert "nothing was written" in capsys.readouterr().err
