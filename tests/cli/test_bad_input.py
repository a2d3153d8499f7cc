"""Whatever a user gives that is wrong: one line with its subject first, a hint, and nothing half-written."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from builders.command import TOML, CommandLine
from builders.host import as_ordinary_user

from reprobuild.cli.app import main
from reprobuild.ground.digests import sha256_file

COMMANDS = ("lock", "image", "run", "bundle", "replay", "inspect")
SMALLEST = TOML.replace("[run]\n", "[run]\nseed = 1\n")
WRITE = "open('o.txt', 'w').write('1')"
BIG = "1" + "0" * 5000


def snapshot(folder: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file():
            found[str(path)] = stat.filemode(path.lstat().st_mode)
        else:
            found[str(path)] = sha256_file(path) if os.access(path, os.R_OK) else "unreadable"
    return found


def refuse(capsys: pytest.CaptureFixture[str], line: CommandLine, status: int, *words: str) -> tuple[str, str]:
    """The error and its hint; fails when anything else was said, or anything was written into the project."""
    before = snapshot(line.project)
    capsys.readouterr()

    assert main(["--project", str(line.project), *words]) == status, capsys.readouterr()

    captured = capsys.readouterr()
    told = captured.err.splitlines()
    assert captured.out == ""
    assert [text.partition(": ")[0] for text in told] == ["error", "hint"], captured.err
    assert snapshot(line.project) == before
    assert line.unfinished == []
    return told[0].removeprefix("error: "), told[1].removeprefix("hint: ")


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """A project without a lock, the current user's settings out of the way."""
    made = CommandLine(tmp_path)
    for name in ("PATH", "HOME", "REPROBUILD_STORE"):
        monkeypatch.setenv(name, made.environment[name])
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return made


@pytest.mark.parametrize("words", [["lock"], ["lock", "--check"], ["run"]], ids=" ".join)
@pytest.mark.parametrize(
    ("text", "said", "hinted"),
    [
        (b"", "reprobuild.toml:1: project: missing", "[project] name"),
        (b"\x7fELF\x00\xff\xfe", "reprobuild.toml: not UTF-8", "text"),
        (b"\x00\x01", "reprobuild.toml:1: not TOML", "TOML"),
        (SMALLEST + "seed = = 1", "reprobuild.toml:8: not TOML", "TOML"),
        (SMALLEST + "epochs = " + BIG, "reprobuild.toml: not TOML", "TOML"),
        (SMALLEST.replace("seed", "sead"), "reprobuild.toml:6: run.sead: unknown key", "did you mean 'seed'?"),
        (SMALLEST + "[dta.x]\npath='a'", "reprobuild.toml:8: dta: unknown key", "did you mean 'data'?"),
        (SMALLEST.replace("= 1", "= '1'"), "reprobuild.toml:6: run.seed: ", "seed = 1234"),
        (SMALLEST.replace("= 1", "= -1"), "reprobuild.toml:6: run.seed: ", "seed = 1234"),
        (SMALLEST.replace("= 1", "= 4294967296"), "reprobuild.toml:6: run.seed: ", "seed = 1234"),
        (SMALLEST + "timeout = '99999999999d'", "reprobuild.toml:8: run.timeout: ", "2h"),
        (SMALLEST + f"timeout = '{BIG}d'", "reprobuild.toml:8: run.timeout: ", "2h"),
        (SMALLEST + "timeout = '0s'", "reprobuild.toml:8: run.timeout: ", "2h"),
        (SMALLEST + "timeout = 'inf'", "reprobuild.toml:8: run.timeout: ", "2h"),
        (SMALLEST + "threads = 0", "reprobuild.toml:8: run.threads: ", "threads = 2"),
        (SMALLEST + "params = ['params.yaml']", "reprobuild.toml:8: run.params: params.yaml does not exist", "params"),
        (SMALLEST + "params = ['.']", "reprobuild.toml:8: run.params: ", "inside the project"),
        (SMALLEST + "params = ['lockfiles']", "reprobuild.toml:8: run.params: lockfiles is not a file", "file"),
        (SMALLEST + "outputs = ['../x']", "reprobuild.toml:8: run.outputs: not a plain", "inside the project"),
        (SMALLEST + "outputs = ['/x']", "reprobuild.toml:8: run.outputs: not a plain", "inside the project"),
        (SMALLEST + "outputs = ['a', 'a/b']", "reprobuild.toml:8: run.outputs: a/b lies in a", "one of them"),
        (SMALLEST + "outputs = ['a', 'a']", "reprobuild.toml:8: run.outputs: a is named twice", "one of them"),
        (SMALLEST + "outputs = ['.git/hooks']", "reprobuild.toml:8: run.outputs: .git/hooks: ", "folder of its own"),
        (SMALLEST + "outputs = ['lockfiles']", "reprobuild.toml:8: run.outputs: lockfiles: ", "folder of its own"),
        (SMALLEST + "metrics = '.reprobuild/m'", "reprobuild.toml:8: run.metrics: .reprobuild/m: ", "of its own"),
        (SMALLEST + "outputs = ['reprobuild.toml']", "reprobuild.toml:8: run.outputs: reprobuild.toml: ", "of its own"),
        (
            SMALLEST + "outputs = ['lockfiles2/a']\n[data.d]\npath = 'lockfiles2'",
            "reprobuild.toml:8: run.outputs: lockfiles2/a lies in data.d",
            "read-only",
        ),
        (SMALLEST + "env = ['HOME']", "reprobuild.toml:8: run.env: HOME: ", "sets it itself"),
        (SMALLEST + "env = ['REPROBUILD_SEED']", "reprobuild.toml:8: run.env: REPROBUILD_SEED: ", "sets it itself"),
        (SMALLEST + "env = ['A B']", "reprobuild.toml:8: run.env: ", "LANG"),
        (
            SMALLEST + "numerics = 'portable'\nenv = ['OMP_DYNAMIC']",
            "reprobuild.toml:9: run.env: OMP_DYNAMIC: the numerics profile portable sets it",
            "take the profile native",
        ),
        (SMALLEST + "numerics = 'fast'", "reprobuild.toml:8: run.numerics: ", 'numerics = "native" or "portable"'),
        (SMALLEST + '[run.hyperparameters]\na = "x\\u0000"', "reprobuild.toml:9: run.hyperparameters.a: ", "NUL"),
        (SMALLEST + f"[run.hyperparameters]\na = 0x{BIG}", "reprobuild.toml:9: run.hyperparameters.a: ", "64 bits"),
        (SMALLEST + "[run.hyperparameters]\na = inf", "reprobuild.toml:9: run.hyperparameters.a: ", "number"),
        (SMALLEST.replace("train.py", "a\\u0000b"), "reprobuild.toml:7: run.command: ", "NUL"),
        (SMALLEST.replace("train.py", "{epochs}"), "reprobuild.toml:7: run.command: '{epochs}' is no", "known: none"),
        (SMALLEST + "[data.d]\npath = 'none'", "reprobuild.toml:9: data.d.path: none does not exist", "path"),
        (SMALLEST + '[data.d]\npath = "a\\u0000"', "reprobuild.toml:9: data.d.path: ", "NUL"),
        (SMALLEST + "[data.'a/b']\npath = 'train.py'", "reprobuild.toml:8: data", "name"),
    ],
    ids=lambda value: (value if isinstance(value, str) else value.decode(errors="replace"))[-40:],
)
def test_a_project_file_that_is_wrong(
    line: CommandLine,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    text: str | bytes,
    said: str,
    hinted: str,
) -> None:
    for name in ("lockfiles", "lockfiles2"):
        (line.project / name).mkdir()
    (line.project / "reprobuild.toml").write_bytes(text.encode() if isinstance(text, str) else text)
    error, hint = refuse(capsys, line, 3, *words)

    assert error.startswith(said)
    assert hinted in hint + error
    assert len(error) < 400


@pytest.mark.parametrize("command", ["lock", "run"])
def test_a_project_file_that_is_a_folder_or_missing(
    line: CommandLine, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (line.project / "reprobuild.toml").unlink()
    assert refuse(capsys, line, 3, command)[0] == "reprobuild.toml: No such file or directory"
    (line.project / "reprobuild.toml").mkdir()
    assert refuse(capsys, line, 3, command)[0] == "reprobuild.toml: Is a directory"


def test_files_that_may_not_be_read() -> None:
    def run(folder: Path) -> str:
        line = CommandLine(folder, "params = ['p.yaml']\n", {"p.yaml": "a: 1"})
        said = []
        for name in ("reprobuild.toml", "p.yaml"):
            line.lock()
            (line.project / name).chmod(0)
            os.environ |= {"REPROBUILD_STORE": str(folder / "store"), "HOME": str(folder)}
            errors = os.dup(2)
            with (folder / "told").open("w+") as told:
                os.dup2(told.fileno(), 2)
                sys.stderr = os.fdopen(2, "w", closefd=False)
                status = main(["--project", str(line.project), "run"])
                sys.stderr.flush()
                os.dup2(errors, 2)
                said.append(f"{status} {(folder / 'told').read_text().splitlines()[0]}")
            (line.project / name).chmod(0o600)
        return "\n".join(said)

    assert as_ordinary_user(run).splitlines() == [
        "3 error: reprobuild.toml: Permission denied",
        "3 error: p.yaml: Permission denied",
    ]


@pytest.mark.parametrize("command", [["image"], ["run"], ["lock", "--check"]], ids=" ".join)
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "lockfiles/reprobuild.lock: No such file or directory"),
        (b"", "lockfiles/reprobuild.lock: not strict JSON"),
        (b"\x7fELF\xff", "lockfiles/reprobuild.lock: not strict JSON"),
        (b"[]", "lockfiles/reprobuild.lock: "),
        (b"[" * 10000, "lockfiles/reprobuild.lock: JSON nested deeper"),
        ({"format": "reprobuild.lock/2"}, "lockfiles/reprobuild.lock: format: "),
        ({"surplus": 1}, "lockfiles/reprobuild.lock: surplus: "),
        ({"artifacts": [{}]}, "lockfiles/reprobuild.lock: artifacts.0.kind: "),
    ],
    ids=str,
)
def test_a_lock_that_is_missing_or_broken(
    line: CommandLine,
    capsys: pytest.CaptureFixture[str],
    command: list[str],
    data: bytes | Mapping[str, object] | None,
    said: str,
) -> None:
    path = line.lock().project / "lockfiles" / "reprobuild.lock"
    if data is None:
        path.unlink()
    elif isinstance(data, bytes):
        path.write_bytes(data)
    else:
        line.change_lock(**data)
    error, hint = refuse(capsys, line, 3, *command)

    assert error.startswith(said)
    assert hint == "run reprobuild lock"


def test_a_lock_of_another_transform_version_makes_no_image_and_is_told_by_a_check(
    line: CommandLine, capsys: pytest.CaptureFixture[str]
) -> None:
    line.lock().change_lock(transform=999)

    for command in ("image", "run"):
        error, hint = refuse(capsys, line, 3, command)
        assert error.startswith("lockfiles/reprobuild.lock: made for transform version 999")
        assert hint == "run reprobuild lock"
    assert main(["--project", str(line.project), "lock", "--check"]) == 10
    assert "changed: transform version" in capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("toml", "name"),
    [
        ("[image]\nbase = 'base.toml'\ndebian = ['libgomp1']\n", "[image] debian"),
        ("[python]\nrequirements = ['r.in']\n", "[python] requirements"),
        ("[python]\nresolver = 'uv'\n", "[python] resolver"),
        ("[data.d]\npath = 'train.py'\n", "[data]"),
    ],
)
def test_a_lock_of_other_inputs_names_the_input(
    line: CommandLine, capsys: pytest.CaptureFixture[str], toml: str, name: str
) -> None:
    line.lock()
    (line.project / "r.in").write_text("")
    text = TOML.replace('[image]\nbase = "base.toml"\n', "") if toml.startswith("[image]") else TOML
    (line.project / "reprobuild.toml").write_text(text + toml)
    error, hint = refuse(capsys, line, 3, "run")

    assert error == f"lockfiles/reprobuild.lock: {name} changed since the lock was made"
    assert hint == "run reprobuild lock"


def test_what_a_lock_does_not_depend_on_may_change(line: CommandLine, capsys: pytest.CaptureFixture[str]) -> None:
    line.lock()
    (line.project / "reprobuild.toml").write_text(SMALLEST + "timeout = '1h'\n[run.hyperparameters]\nepochs = 1\n")

    assert main(["--project", str(line.project), "lock", "--check"]) == 0


def test_data_that_changed_names_the_data(line: CommandLine, capsys: pytest.CaptureFixture[str]) -> None:
    (line.project / "d.csv").write_text("1\n")
    (line.project / "reprobuild.toml").write_text(TOML + "[data.d]\npath = 'd.csv'\n")
    line.lock()
    (line.project / "d.csv").write_text("2\n")

    assert refuse(capsys, line, 3, "run")[0].endswith("[data.d] d.csv changed since the lock was made")


def test_a_lock_edited_by_hand_names_what_was_edited(line: CommandLine, capsys: pytest.CaptureFixture[str]) -> None:
    path = line.lock().project / "lockfiles" / "reprobuild.lock"
    inputs = {**json.loads(path.read_bytes())["inputs"], "[python] resolver": "0" * 64}
    line.change_lock(inputs=inputs)

    assert "[python] resolver changed" in refuse(capsys, line, 3, "run")[0]
    (line.lock().project / "lockfiles" / "requirements.txt").write_text("numpy==2.0\n")
    assert "lockfiles/requirements.txt changed" in refuse(capsys, line, 3, "run")[0]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("p.yaml", "[1, 2]", "p.yaml: not a mapping of names to values"),
        ("p.json", "1", "p.json: not a mapping of names to values"),
        ("p.yaml", "a: .nan", "p.yaml: "),
        ("p.json", '{"a": NaN}', "p.json: "),
        ("p.toml", "a = nan", "p.toml: "),
        ("p.json", '{"a": 1e999}', "p.json: "),
        ("p.yaml", f"a: {BIG}", "p.yaml: "),
        ("p.yaml", "a: [1", "p.yaml: "),
        ("p.yaml", b"a: \xff", "p.yaml: "),
        ("p.json", '{"a": "\\u0000"}', "p.json: "),
        ("p.json", '{"a": ' + "[" * 30 + "]" * 30 + "}", "p.json: "),
        (
            "p.yaml",
            "a: &a [x]\n"
            + "".join(
                f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefghij", "bcdefghijk", strict=True)
            ),
            "p.yaml: larger than",
        ),
        ("p.json", '{"a": "' + "x" * (2 << 20) + '"}', "p.json: larger than"),
        ("p.ini", "a = 1", "p.ini: "),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_params_file_that_holds_no_hyperparameters(
    line: CommandLine, capsys: pytest.CaptureFixture[str], name: str, text: str | bytes, said: str
) -> None:
    (line.project / name).write_bytes(text.encode() if isinstance(text, str) else text)
    (line.project / "reprobuild.toml").write_text(TOML + f"params = ['{name}']\n")
    line.lock()
    error, _hint = refuse(capsys, line, 3, "run")

    assert error.startswith(said)
    assert len(error) < 400


@pytest.mark.parametrize("number", ["7", "0", "²", "1" * 5000, "../0001", "last", "-1"])
def test_a_run_that_was_never_recorded(line: CommandLine, capsys: pytest.CaptureFixture[str], number: str) -> None:
    (line.project / ".reprobuild" / "runs" / "0001").mkdir(parents=True)
    error, hint = refuse(capsys, line, 2, "bundle", "--", number)

    assert error.startswith("run ")
    assert "0001" in hint + error
    assert len(error) < 400


@pytest.mark.parametrize("data", [None, b"", b"{}", b"[[["])
def test_a_record_that_is_missing_or_broken(
    line: CommandLine, capsys: pytest.CaptureFixture[str], data: bytes | None
) -> None:
    folder = line.project / ".reprobuild" / "runs" / "0001"
    folder.mkdir(parents=True)
    if data is not None:
        (folder / "record.json").write_bytes(data)

    assert refuse(capsys, line, 3, "bundle")[0].startswith(f"{folder}: record.json: ")


@pytest.mark.parametrize("command", ["inspect", "replay"])
def test_a_bundle_that_is_not_there_or_is_no_bundle(
    line: CommandLine, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    bundle = line.project / "b.tar"

    assert refuse(capsys, line, 3, command, str(bundle))[0] == "b.tar: No such file or directory"
    assert refuse(capsys, line, 2, command, str(line.project))[0].startswith("bundle: ")
    for data in (b"", b"x", bytes(10240), b"oci-layout" + bytes(2000)):
        bundle.write_bytes(data)
        assert refuse(capsys, line, 3, command, str(bundle))[0].startswith("b.tar: ")


def test_a_bundle_that_is_a_pipe_is_refused_without_waiting(line: CommandLine) -> None:
    os.mkfifo(line.project / "b.tar")
    for command in ("inspect", "replay"):
        done = line.run(command, str(line.project / "b.tar"), timeout=20)

        assert done.returncode == 3
        assert done.stderr.startswith("error: b.tar: ")


@pytest.mark.sandbox
class TestReplay:
    """With a bundle to replay."""

    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls, tmp_path_factory: pytest.TempPathFactory) -> Path:
        toml, files = "outputs = ['o.txt']\n[data.d]\npath = 'd.csv'\n", {"d.csv": "1\n", "train.py": WRITE}
        line = CommandLine(tmp_path_factory.mktemp("trained"), toml, files)
        assert line.lock().run("run").returncode == 0
        return line.project / "bundle.tar"

    @pytest.fixture
    def bundle(self, line: CommandLine, trained: Path) -> str:
        return str(shutil.copy(trained, line.project))

    @pytest.mark.parametrize(
        ("status", "words", "said"),
        [
            (2, ["--data", "x=train.py"], "--data x: the bundle has no such data set"),
            (2, ["--data", "d"], "--data d: not NAME=PATH"),
            (2, ["--data", "=d"], "--data =d: not NAME=PATH"),
            (2, ["--data", "d=a", "--data", "d=b"], "--data d: "),
            (3, ["--data", "d=/nonexistent"], "--data d: /nonexistent does not exist"),
            (3, ["--data", "d=/etc/hostname"], "data.d: /etc/hostname: other data"),
            (2, ["--require", "perfect"], "--require: "),
            (2, ["--seed", "-1"], "--seed: "),
            (2, ["--seed", "4294967296"], "--seed: "),
            (2, ["--seed", "1.5"], "--seed: "),
            (2, ["--output", "full"], "--output "),
            (2, ["--output", "train.py"], "--output "),
            (2, ["--output", "nowhere/new"], "--output "),
            (2, ["--nonsense"], "--nonsense: "),
            (2, ["more"], ""),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, list) else "",
    )
    def test_a_wrong_option(
        self,
        line: CommandLine,
        bundle: str,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
        status: int,
        words: list[str],
        said: str,
    ) -> None:
        (line.project / "full").mkdir()
        (line.project / "full" / "file").write_text("mine")
        monkeypatch.chdir(line.project)

        assert refuse(capsys, line, status, "replay", bundle, *words)[0].startswith(said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "nonsense: no such command"),
        (["lock", "--chek"], "--chek: no such option"),
        (["replay"], "bundle: missing"),
        (["run", "--seed", "-1"], "--seed: "),
        (["run", "--seed", "x"], "--seed: "),
        (["run", "--seed"], "--seed: "),
        (["run", "extra"], ""),
        (["run", "--compression", "lz4"], "--compression: "),
        (["run", "--bundle", "/"], "--bundle /: a folder"),
        (["run", "--bundle", "/dev/null"], "--bundle /dev/null: "),
        (["bundle", "--output", "/nonexistent/b.tar"], "--output /nonexistent/b.tar: "),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_line(
    line: CommandLine, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    line.lock()
    (line.project / ".reprobuild" / "runs" / "0001").mkdir(parents=True)
    error, hint = refuse(capsys, line, 2, *words)

    assert error.startswith(said)
    assert hint


def test_a_project_folder_that_is_no_folder(line: CommandLine, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--project", str(line.project / "train.py"), "run"]) == 2
    assert capsys.readouterr().err.startswith("error: --project: ")


@pytest.mark.parametrize("text", ["store = 1", "stoer = '/x'", "[debian]\nbookworm = 'x'", "store ="])
def test_settings_that_are_wrong_name_their_file(
    line: CommandLine, capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str
) -> None:
    (tmp_path / ".config" / "reprobuild").mkdir(parents=True)
    (tmp_path / ".config" / "reprobuild" / "config.toml").write_text(text)

    assert refuse(capsys, line.lock(), 3, "run")[0].startswith(f"{tmp_path}/.config/reprobuild/config.toml: ")


def test_errors_with_json_leave_standard_output_empty(line: CommandLine, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["lock", "--check"], ["image"], ["run"]):
        refuse(capsys, line, 3, *words, "--json")
    refuse(capsys, line, 3, "inspect", "--json", str(line.project / "none.tar"))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_each_option_and_gives_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out

    assert f"reprobuild {command}" in shown.partition("Example")[2]
    assert "\x1b" not in shown
    assert "Exit status" in shown


def test_nothing_has_colours_where_no_terminal_is(line: CommandLine) -> None:
    line.environment |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "CLICOLOR": "1"}
    for words in (["--help"], ["run", "--help"], ["run"], ["nonsense"], ["run", "--seed", "x"]):
        done = line.run(*words)

        assert "\x1b" not in done.stdout + done.stderr


def test_no_error_is_a_traceback_even_where_the_store_cannot_be_made(
    line: CommandLine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line.lock()
    monkeypatch.setenv("REPROBUILD_STORE", str(line.project / "train.py"))

    error, _ = refuse(capsys, line, 4, "run")

    assert error.startswith(f"{line.project / 'train.py'}")


def test_a_sandbox_that_is_missing_or_forbidden_is_told(line: CommandLine, tmp_path: Path) -> None:
    line.lock()
    program = tmp_path / "bin" / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    forbidden = line.run("run")
    program.unlink()
    line.environment["PATH"] = str(tmp_path / "bin")
    missing = line.run("run")

    for done, said in ((forbidden, "sandbox: this machine forbids namespaces"), (missing, "bwrap: not found")):
        assert (done.returncode, done.stdout) == (4, "")
        assert done.stderr.startswith(f"error: {said}")
        assert done.stderr.splitlines()[-1].startswith("hint: ")
        assert len(done.stderr.splitlines()) == 2
    assert not (line.project / "bundle.tar").exists()
    assert line.unfinished == []
    assert line.runs == []


def test_help_reads_nothing_heavy_from_disk() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "reprobuild", "--help"], capture_output=True, text=True, check=True
    )
    names = {row.rpartition("|")[2].strip().partition(".")[0] for row in done.stderr.splitlines()}

    heavy = {"pydantic", "httpx", "rich", "numpy", "zstandard", "pysequoia", "installer", "yaml", "elftools", "click"}
    assert "typer" in names
    assert names & heavy == set()
