"""Seeds and bad scripts as a user meets them: `run`, what it says, and what the record has."""

from pathlib import Path

import pytest
from builders.command import TOML, CommandLine

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]

DOCUMENTED = """
import os, random, subprocess, sys, time
import site
os.urandom(4)
subprocess.run(["python", "-I", "part.py"])
random.seed(time.time_ns())
open("model.txt", "w").write("done")
"""
BAD = {
    "forks": "for _ in range(3):\n    if os.fork() == 0: os._exit(1)\n    os.wait()\n",
    "threads": (
        "def work():\n    for _ in range(99): sum(range(99)); os.urandom(1)\n"
        "all_ = [threading.Thread(target=work) for _ in range(8)]\nfor t in all_: t.start()\n"
    ),
    "signals": (
        "for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, lambda *_: None)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
    ),
    "clears": "os.environ.clear()\nsubprocess.run([sys.executable, '-c', 'pass'])\n",
}
FIRST = "import os, random, signal, subprocess, sys, threading\n"
WRITE = "open('model.txt', 'w').write(str(random.random()))\n"


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


def project(folder: Path, store: Path, train: str, toml: str = TOML) -> CommandLine:
    files = {"train.py": train, "part.py": "", "reprobuild.toml": toml + 'outputs = ["model.txt"]\n'}
    return CommandLine(folder, files=files, store=store).lock()


def test_what_the_documentation_shows_is_said(tmp_path: Path, store: Path) -> None:
    line = project(tmp_path, store, DOCUMENTED)
    done = line.run("run")

    assert done.returncode == 0, done.stderr
    documented = Path("docs/seeds.md").read_text()
    assert "warning: not seeded: python -I part.py (-I: it ignores the environment)\n" in done.stderr
    entropy = "warning: other in each run: os.urandom at train.py:4; the clock as a seed of random.seed at train.py:6"
    assert entropy + "\n" in done.stderr
    assert entropy in documented
    assert "note: the script's own seeds win over [run] seed: random.seed(" in done.stderr
    assert line.run("replay", str(line.project / "bundle.tar")).returncode == 0


@pytest.mark.parametrize("kind", sorted(BAD))
def test_a_bad_script_is_run_seeded_and_recorded(tmp_path: Path, store: Path, kind: str) -> None:
    line = project(tmp_path, store, FIRST + BAD[kind] + WRITE)
    done = line.run("run")

    assert done.returncode == 0, done.stderr
    assert line.record.found["seeds"] == {"random": 0, "PYTHONHASHSEED": 0}
    assert line.record.found["problems"] == []
    assert line.run("replay", str(line.project / "bundle.tar")).returncode == 0


def test_one_that_ends_at_once_leaves_what_it_told_so_far(tmp_path: Path, store: Path) -> None:
    line = project(tmp_path, store, FIRST + "random.seed(3)\n" + WRITE + "os.urandom(1)\nos._exit(0)")
    done = line.run("run")

    assert done.returncode == 0, done.stderr
    found = line.record.found
    assert found["own_seeds"] == [{"what": "random.seed", "value": 3, "file": "train.py", "line": 2, "count": 1}]
    assert "the training did not end by itself" in str(found["problems"])
    assert "warning: other in each run: os.urandom at train.py:4\n" in done.stderr


@pytest.mark.parametrize("option", ["-I", "-E", "-S"])
def test_a_main_python_that_ignores_the_seeding_is_said_to_be_not_seeded(
    tmp_path: Path, store: Path, option: str
) -> None:
    line = project(tmp_path, store, FIRST + WRITE, TOML.replace('"train.py"', f'"{option}", "train.py"'))
    done = line.run("run")

    assert done.returncode == 0, done.stderr
    assert f"warning: not seeded: python {option} train.py (no Python process told what was in force" in done.stderr
    assert line.run("replay", str(line.project / "bundle.tar")).returncode == 10
