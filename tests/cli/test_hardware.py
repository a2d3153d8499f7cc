"""`reprobuild fingerprint` and `reprobuild preflight` as a user has them, and a GPU that is not there."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from builders.command import CommandLine
from builders.fingerprints import FOLDER

from reprobuild.hardware.fingerprint import Fingerprint

OUTPUTS = 'outputs = ["out.txt"]\n'
TRAIN = "open('out.txt', 'w').write('1')\n"


def run(*words: str, **options: object) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "reprobuild", *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, **options)  # type: ignore[call-overload,no-any-return]


def test_a_fingerprint_for_people_is_a_small_table() -> None:
    done = run("fingerprint")
    titles = [line[:12].strip() for line in done.stdout.splitlines()]

    assert (done.returncode, done.stderr) == (0, "")
    assert [title for title in titles if title][:5] == ["CPU", "memory", "disk", "system", "engines"]
    assert len(titles) < 30


def test_a_fingerprint_as_json_is_the_document_in_its_one_spelling(tmp_path: Path) -> None:
    done = run("fingerprint", "--json", cwd=tmp_path)
    seen = Fingerprint.from_bytes(done.stdout.encode(), "fingerprint")

    assert (done.returncode, done.stderr) == (0, "")
    assert seen.to_bytes().decode() == done.stdout
    assert seen.cpu.cores > 0
    assert (seen.packages, seen.libraries, seen.libc) == ({}, [], "")


def test_a_fingerprint_is_the_same_from_elsewhere(tmp_path: Path) -> None:
    def facts(**options: object) -> Fingerprint:
        seen = Fingerprint.from_bytes(run("fingerprint", "--json", **options).stdout.encode(), "fingerprint")
        gpus = tuple(gpu.model_copy(update={"state": None}) for gpu in seen.gpus)
        return seen.model_copy(update={"disk_free_bytes": 0, "gpus": gpus})

    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "TZ": "Pacific/Chatham",
        "LC_ALL": "C",
        "PYTHONHASHSEED": "3",
    }
    here = facts(env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})

    assert facts(cwd=tmp_path, umask=0o077, env=environment) == here


def test_a_fingerprint_imports_nothing_that_it_does_not_need() -> None:
    heavy = ("docker", "httpx", "installer", "jinja2", "numpy", "pysequoia", "rich", "yaml", "zstandard")
    program = (
        "import sys; from reprobuild.cli.app import main; main(['fingerprint', '--json']); "
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert done.stderr.strip() == "[]"


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    """A project with a bundle of one run on this machine."""
    made = CommandLine(tmp_path_factory.mktemp("line"), OUTPUTS, {"train.py": TRAIN}).lock()
    done = made.run("run")
    assert done.returncode == 0, done.stderr
    return made


@pytest.mark.sandbox
def test_a_preflight_says_what_another_machine_would_do(line: CommandLine) -> None:
    bundle = str(line.project / "bundle.tar")
    here, there = line.run("preflight", bundle), line.run("preflight", bundle, "--machine", str(FOLDER / "t4.json"))
    report = json.loads(line.run("preflight", bundle, "--machine", str(FOLDER / "t4.json"), "--json").stdout)

    assert (here.returncode, here.stdout.splitlines()[-1]) == (0, "nothing stands in the way"), here.stdout
    assert (there.returncode, there.stderr) == (10, "")
    assert "may change bits: CPU " in there.stdout
    assert there.stdout.splitlines()[-1] == "it can run there, and its bits may differ"
    assert (report["exit_status"], report["format"]) == (10, "reprobuild.preflight/1")
    assert report["machine"]["gpus"][0]["name"] == "Tesla T4"


@pytest.mark.sandbox
def test_what_a_record_cannot_run_on_ends_with_4(line: CommandLine, tmp_path: Path) -> None:
    small = json.loads((FOLDER / "cpu.json").read_bytes()) | {"memory_bytes": 1 << 20, "disk_free_bytes": 0}
    (tmp_path / "small.json").write_text(json.dumps(small))
    done = line.run("preflight", str(line.project / "bundle.tar"), "--machine", str(tmp_path / "small.json"))

    assert done.returncode == 4
    assert [text.partition(":")[0] for text in done.stdout.splitlines()[4:6]] == ["cannot run", "cannot run"]
    assert done.stdout.splitlines()[-1] == "it cannot run there"


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["nowhere.tar"], "error: nowhere.tar: "),
        (["train.py"], "error: train.py: "),
        (["bundle.tar", "--machine", "nowhere.json"], "error: nowhere.json: "),
        (["bundle.tar", "--machine", "reprobuild.toml"], "error: reprobuild.toml: "),
    ],
)
def test_what_is_no_bundle_and_no_fingerprint_is_one_line(line: CommandLine, words: list[str], problem: str) -> None:
    done = line.run("preflight", *words, cwd=line.project)

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(problem)
    assert len(done.stderr.splitlines()) == 2
    assert done.stderr.splitlines()[1].startswith("hint: ")


@pytest.mark.sandbox
def test_a_gpu_that_is_not_there_is_one_line_before_anything_is_built(tmp_path: Path) -> None:
    if any(Path("/dev").glob("nvidia[0-9]*")):
        pytest.skip("this machine has a GPU")
    line = CommandLine(tmp_path, OUTPUTS, {"train.py": TRAIN}).lock()
    done = line.run("run", "--gpu")

    assert (done.returncode, done.stdout) == (4, "")
    assert (
        done.stderr.splitlines()[0] == "error: GPU: this machine has no NVIDIA GPU to pass: /dev/nvidia0 is not there"
    )
    assert line.runs == []
    assert not (line.store.root / "images").exists()


@pytest.mark.sandbox
def test_a_replay_with_a_gpu_that_is_not_there_is_refused_before_it_is_verified(line: CommandLine) -> None:
    if any(Path("/dev").glob("nvidia[0-9]*")):
        pytest.skip("this machine has a GPU")
    done = line.run("replay", str(line.project / "bundle.tar"), "--gpu")
    why = "the run asks for a GPU, and this machine has none that its driver tells of"
    forced = line.run("replay", str(line.project / "bundle.tar"), "--gpu", "--anyway")

    assert done.returncode == 4
    assert done.stderr.splitlines() == [
        f"cannot run: GPU: wanted a GPU, found – ({why}) [no-gpu]",
        "error: bundle.tar: this machine cannot run it: GPU: wanted a GPU, found –",
        "hint: reprobuild preflight names each; --anyway starts it all the same",
    ]
    assert forced.returncode == 4
    assert "error: GPU: this machine has no NVIDIA GPU to pass" in forced.stderr


@pytest.mark.sandbox
def test_a_replay_on_the_machine_of_the_run_says_beforehand_that_it_is_the_same(line: CommandLine) -> None:
    done = line.run("replay", str(line.project / "bundle.tar"))

    assert done.returncode == 0
    said = done.stderr.splitlines()
    assert len(said) == 2
    assert re.fullmatch(r"note: all [0-9,]+ operations of the numeric probe agree", said[0])
    assert said[1].startswith("prediction: cannot tell (no operation of PyTorch")


@pytest.mark.sandbox
def test_every_command_of_the_page_on_hardware_works(line: CommandLine) -> None:
    page = Path(__file__).parents[2] / "docs" / "hardware.md"
    commands = [text.removeprefix("$ ") for text in page.read_text().splitlines() if text.startswith("$ ")]
    (line.project.parent / "bin" / "reprobuild").symlink_to(Path(sys.executable).parent / "reprobuild")

    assert len(commands) >= 5
    for command in commands:
        done = subprocess.run(
            ["sh", "-c", command], cwd=line.project, env=line.environment, capture_output=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, b""), command
