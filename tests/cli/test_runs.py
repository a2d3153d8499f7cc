"""`reprobuild runs` as a user has it: its list, one run, its note."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from builders.records import FAILED, make_record, write_many_runs, write_run

from reprobuild.cli.app import main


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REPROBUILD_STORE", str(tmp_path / "store"))
    for number, rate in enumerate((0.1, 0.01, 0.001), 1):
        record = make_record(seed=number, hyperparameters={"lr": rate}, metrics={"accuracy": 0.9 + number / 100})
        write_run(tmp_path, f"{number:04}", record)
    write_run(tmp_path, "0004", make_record(seed=4, ending=FAILED))
    write_run(tmp_path, "0005", b"{}")
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], project: Path, *words: str) -> tuple[int, list[str], list[str]]:
    """Exit status, standard output and standard error of one command line."""
    status = main(["--project", str(project), "runs", *words])
    captured = capsys.readouterr()
    return status, captured.out.splitlines(), captured.err.splitlines()


def test_the_list_has_every_run_and_what_tells_them_apart(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, project) == (
        0,
        [
            "run   status      seed     lr  accuracy  seconds  ending",
            "0001  ok             1    0.1      0.91      4.2  –",
            "0002  ok             2   0.01      0.92      4.2  –",
            "0003  ok             3  0.001      0.93      4.2  –",
            "0004  failed         4      –         –      4.2  ended with exit status 3",
            "0005  unreadable     –      –         –        –  record.json: reprobuild: Field required",
        ],
        [],
    )


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (["--failed"], ["0004"]),
        (["--sort", "-accuracy"], ["0003", "0002", "0001", "0004", "0005"]),
        (["--sort", "accuracy", "--limit", "2"], ["0001", "0002"]),
        (["--limit", "1"], ["0005"]),
        (["--where", "lr<0.1", "--where", "accuracy<=0.92"], ["0002"]),
        (["--where", "status=unreadable"], ["0005"]),
        (["--where", "lr>1"], []),
        (["--columns", "run,lr", "--sort=lr", "--limit=1"], ["0003"]),
    ],
)
def test_runs_are_selected_and_sorted(
    project: Path, words: list[str], runs: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = told(capsys, project, *words)

    assert (status, err) == (0, [])
    assert [line.split()[0] for line in out[1:]] == runs


def test_json_has_every_value_of_the_runs_that_are_wanted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = told(capsys, project, "--json", "--where", "run<=2")
    rows = json.loads("\n".join(out))

    assert [(row["run"], row["param.lr"], row["metric.accuracy"]) for row in rows] == [(1, 0.1, 0.91), (2, 0.01, 0.92)]
    assert told(capsys, project, "--json", "--where", "run>99")[1] == ["[]"]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (["--where", "accuraci>1"], "error: --where accuraci: no run has it"),
        (["--sort", "acuracy"], "error: --sort acuracy: no run has it"),
        (["--columns", "run,acuracy"], "error: --columns acuracy: no run has it"),
        (["--limit", "0"], "error: --limit: "),
        (["shwo"], "error: shwo: no such command"),
        (["show", "9"], "error: run 9: not recorded"),
        (["note", "9", "text"], "error: run 9: not recorded"),
        (["note", "1", ""], "error: note: it is empty"),
        (["note", "1", "text", "--remove"], "error: --remove: a text is given too"),
    ],
)
def test_what_is_not_there_is_one_line_and_a_hint(
    project: Path, words: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = told(capsys, project, *words)

    assert (status, out) == (2, [])
    assert err[0].startswith(error)
    assert [line.partition(":")[0] for line in err] == ["error", "hint"]


def test_a_note_is_kept_shown_listed_and_taken_away(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, project, "note", "2", "dropped:\tit overfits\nafter 4 epochs") == (0, [], [])
    assert told(capsys, project, "note", "0002")[1] == ["dropped:\tit overfits", "after 4 epochs"]
    assert told(capsys, project, "--where", "note~overfits", "--columns", "run")[1] == ["run", "0002"]
    assert "  dropped:\tit overfits" in told(capsys, project, "show", "2")[1]
    assert told(capsys, project, "note", "2", "--remove") == (0, [], [])
    assert told(capsys, project, "note", "2", "--json")[1] == ["{", '  "note": "",', '  "run": "0002"', "}"]


def test_one_run_is_shown_whole_and_its_record_as_json(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = told(capsys, project, "show", "1")

    assert status == 0
    assert {line[:16].strip() for line in out} >= {
        "run",
        "ended",
        "command",
        "seed",
        "machine",
        "metric",
        "output",
        "log",
    }
    assert "hyperparameter  lr = 0.1" in out
    record = json.loads("\n".join(told(capsys, project, "show", "0001", "--json")[1]))
    assert record == json.loads((project / ".reprobuild/runs/0001/record.json").read_bytes())


def test_two_runs_are_compared_and_a_difference_ends_with_10(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert told(capsys, project, "compare", "1", "1")[:2] == (
        0,
        [
            "                  run 0001             run 0001",
            "=  exit status    0                    0                    same",
            "=  out/model.npz  sha256:444444444444  sha256:444444444444  same bytes",
            "=  accuracy       0.91                 0.91                 same",
            "",
            "nothing differs",
        ],
    )
    status, out, err = told(capsys, project, "compare", "1", "0002")

    assert (status, err) == (10, [])
    assert "≠  accuracy       0.91                 0.92                 different: apart by 0.01, tolerance 0" in out
    assert "  hyperparameter lr  0.1       0.01      will change bits" in out
    status, out, _ = told(capsys, project, "compare", "1", "latest", "--json")
    assert (status, out) == (3, [])
    found = json.loads("\n".join(told(capsys, project, "compare", "1", "2", "--json")[1]))
    assert (found["format"], found["runs"], found["same"]) == ("reprobuild.comparison/1", ["0001", "0002"], False)


@pytest.mark.parametrize("command", ["show", "compare", "note"])
def test_every_command_of_runs_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", command, "--help"]) == 0
    assert f"  reprobuild runs {command} " in capsys.readouterr().out


def test_the_latest_run_has_a_name(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "/.reprobuild/runs/0005: record.json: " in told(capsys, project, "show", "latest")[2][0]
    assert told(capsys, project, "note", "latest")[1] == ["run 0005 has no note"]


def test_a_shell_completes_the_numbers_of_runs(project: Path) -> None:
    environment = {"_REPROBUILD_COMPLETE": "complete_bash", "COMP_CWORD": "5", "PATH": "/usr/bin:/bin"}
    words = f"reprobuild --project {project} runs show 000"
    program = "from reprobuild.cli.app import app; app(prog_name='reprobuild')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, "COMP_WORDS": words},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout.split() == ["0001", "0002", "0003", "0004", "0005"], done.stderr


@pytest.mark.slow
def test_ten_thousand_runs_are_listed_from_their_records_and_from_the_ledger(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_many_runs(tmp_path, 10_000)
    (tmp_path / ".reprobuild/runs/5000/record.json").write_bytes(b"broken")
    time.sleep(2.1)  # files that were changed just now are not kept in the ledger
    first, again = (told(capsys, tmp_path) for _ in range(2))

    assert first == again
    status, out, err = first
    assert (status, len(out), err) == (0, 10_001, [])
    assert " ".join(out[0].split()) == "run status seed depth lr optimizer accuracy loss seconds ending"
    assert out[4321].split() == ["4321", "ok", "4321", "2", "0.1", "adam", "0.999", "1.388", "4.2", "–"]
    assert out[5000].split()[:2] == ["5000", "unreadable"]
    best = told(capsys, tmp_path, "--sort", "-accuracy", "--where", "lr<=0.01", "--limit", "3", "--json")[1]
    assert [row["run"] for row in json.loads("\n".join(best))] == [642, 1642, 2642]


@pytest.mark.parametrize("words", [["--json"], ["compare", "1", "2", "--json"], []])
def test_what_is_said_is_the_same_bytes_in_every_surrounding(project: Path, words: list[str]) -> None:
    surroundings = [
        {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C.UTF-8"},
        {"PYTHONHASHSEED": "2", "TZ": "Asia/Tokyo", "LC_ALL": "POSIX", "PYTHONUTF8": "1", "COLUMNS": "20"},
    ]
    said = []
    for folder, variables in zip((Path("/"), project), surroundings, strict=True):
        argv = [sys.executable, "-m", "reprobuild", "--project", str(project), "runs", *words]
        environment = {**os.environ, **variables}
        said.append(subprocess.run(argv, cwd=folder, env=environment, capture_output=True, check=False, umask=0o77))

    assert [done.stderr for done in said] == [b"", b""]
    assert said[0].stdout == said[1].stdout != b""
