"""`reprobuild run` as a user has it: real processes, the real sandbox, no network."""

import json
import os
import re
import signal
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from builders.command import CommandLine

pytestmark = pytest.mark.sandbox

TRAIN = """
import json, os, random
os.makedirs("out", exist_ok=True)
open("out/model.txt", "w").write(str(random.random()))
json.dump({"loss": 0.25}, open("out/metrics.json", "w"))
print("trained")
"""
OUTPUTS = 'outputs = ["out/model.txt"]\nmetrics = "out/metrics.json"\n'
Make = Callable[..., CommandLine]


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def make(tmp_path: Path, store: Path) -> Make:
    """A locked project around a training."""

    def project(train: str = TRAIN, toml: str = OUTPUTS, **files: str | bytes) -> CommandLine:
        named = {name.replace("__", "/").replace("_", "."): text for name, text in files.items()}
        return CommandLine(tmp_path, toml, {"train.py": train, **named}, store=store).lock()

    return project


def assert_recorded_without_a_bundle(line: CommandLine, done: "subprocess.CompletedProcess[str]", message: str) -> None:
    """One error line, a hint that names the record, status 4, and nothing that looks like a result."""
    errors = [text for text in done.stderr.splitlines() if text.startswith("error: ")]
    assert (done.returncode, errors) == (4, [f"error: training: {message}"])
    assert done.stderr.splitlines()[-1] == f"hint: its record and log are in {line.runs[-1]}"
    assert not (line.project / "bundle.tar").exists()
    assert not (line.project / "out").exists()
    assert line.unfinished == []
    assert line.run("bundle").returncode == 3


def test_a_run_prints_live_output_metrics_and_the_bundle(make: Make) -> None:
    line = make()
    done = line.run("run")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[:2] == ["trained", "loss = 0.25"]
    assert done.stdout.splitlines()[2].startswith(f"{line.project / 'bundle.tar'}  sha256:")
    assert done.stderr == f"record: {line.runs[0]}\n"
    assert [path.name for path in line.runs] == ["0001"]
    assert (line.project / "out" / "metrics.json").read_text() == '{"loss": 0.25}'
    assert line.unfinished == []


def test_with_json_standard_output_is_the_record_alone(make: Make) -> None:
    line = make()
    done = line.run("run", "--json")

    assert json.loads(done.stdout) == json.loads((line.runs[0] / "record.json").read_bytes())
    assert done.stderr == "trained\n"


def test_a_seed_given_on_the_command_line_is_recorded(make: Make) -> None:
    line = make(toml=OUTPUTS + "seed = 1\n")
    results = []
    for words in (["run"], ["run", "--seed", "2"], ["run", "--seed", "1"]):
        assert line.run(*words).returncode == 0
        results.append((line.record.asked.seed, line.record.found["seeds"], line.record.outputs["out/model.txt"]))

    assert [seed for seed, _, _ in results] == [1, 2, 1]
    assert results[1][1] == {"random": 2, "PYTHONHASHSEED": 2}
    assert results[0] == results[2]
    assert results[0][2] != results[1][2]


def test_a_training_that_fails_is_recorded(make: Make) -> None:
    line = make("print('so far')\nraise SystemExit(3)")
    done = line.run("run")

    assert_recorded_without_a_bundle(line, done, "it ended with exit status 3")
    assert done.stdout == "so far\n"
    assert (line.record.ending.reason, line.record.ending.status) == ("finished", 3)


def test_a_training_that_is_killed_is_recorded(make: Make) -> None:
    line = make("import os\nprint('so far', flush=True)\nos.kill(os.getpid(), 9)")

    assert_recorded_without_a_bundle(line, line.run("run"), "it was killed by SIGKILL")
    assert (line.record.ending.status, line.record.ending.signal) == (None, "SIGKILL")
    assert (line.runs[0] / "log.txt").read_text() == "so far\n"


def test_a_training_that_takes_too_long_is_recorded(make: Make) -> None:
    line = make("import time\nprint('so far', flush=True)\ntime.sleep(600)", 'timeout = "1.5s"\n')

    assert_recorded_without_a_bundle(line, line.run("run"), "it was stopped at its deadline")
    assert line.record.ending.reason == "deadline"
    assert line.record.wall_seconds >= 1.5
    assert (line.runs[0] / "log.txt").read_text() == "so far\n"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_training_is_recorded(make: Make, name: str) -> None:
    line = make("import time\nprint('so far', flush=True)\ntime.sleep(600)")
    with line.start("run") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"so far\n"
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=60)

    done = subprocess.CompletedProcess([], process.returncode, out.decode(), err.decode())
    assert_recorded_without_a_bundle(line, done, "it was interrupted")
    assert line.record.ending.reason == "interrupted"


def test_an_interrupt_before_the_training_leaves_nothing(make: Make, tmp_path: Path) -> None:
    line = make()
    slow = tmp_path / "bin" / "git"
    slow.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\nexec sleep 600\n")
    slow.chmod(0o755)
    with line.start("run", start_new_session=True) as process:
        while not (tmp_path / "asked").exists():
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    assert (line.runs, line.unfinished) == ([], [])
    assert not (line.project / "bundle.tar").exists()


def test_an_older_bundle_and_older_results_stay_whole_when_a_run_fails(make: Make) -> None:
    line = make()
    assert line.run("run").returncode == 0
    before = {name: (line.project / name).read_bytes() for name in ("bundle.tar", "out/model.txt")}
    (line.project / "train.py").write_text(TRAIN.replace("random.random()", "1") + "raise SystemExit(1)")

    assert line.run("run").returncode == 4
    assert {name: (line.project / name).read_bytes() for name in before} == before
    assert [path.name for path in line.runs] == ["0001", "0002"]
    assert line.run("replay", str(line.project / "bundle.tar")).returncode == 0


@pytest.mark.slow
def test_gigabytes_of_log_are_heard_live_and_bounded_on_disk_and_in_memory(make: Make) -> None:
    size = 1 << 30
    line = make(f"import os\nblock = b'x' * (1 << 20)\nfor _ in range({size >> 20}): os.write(1, block)")
    heard, peak = 0, 0
    with line.start("run", stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        while chunk := process.stdout.read(1 << 20):
            heard += len(chunk)
            peak = max(peak, _peak_memory(process.pid))

    assert heard >= size
    assert line.record.log.truncated
    assert (line.runs[0] / "log.txt").stat().st_size == line.record.log.size < 17 << 20
    assert 0 < peak < 300 << 10


def _peak_memory(pid: int) -> int:
    """The largest resident set of a process, in KiB; 0 once it has ended (proc_pid_status(5), VmHWM)."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmHWM:\s*(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) if found else 0


def test_a_reader_of_the_output_that_leaves_does_not_end_the_training(make: Make) -> None:
    line = make("for number in range(100_000): print(number)\n" + TRAIN)
    with line.start("run") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        error = process.stderr.read()

    assert line.record.good
    assert (line.runs[0] / "log.txt").read_text().endswith("99999\ntrained\n")
    assert (line.project / "bundle.tar").exists()
    assert b"Traceback" not in error


def test_a_passed_variable_is_seen_inside_and_its_value_is_nowhere_else(make: Make) -> None:
    train = (
        "import os\nassert os.environ['TOKEN'] == 's3cret-value' and 'OTHER' not in os.environ\n"
        "assert os.environ.get('UNSET') is None\n" + TRAIN
    )
    line = make(train.replace("s3cret-value", "s3cret-' + 'value"), OUTPUTS + 'env = ["TOKEN", "UNSET"]\n')
    line.environment |= {"TOKEN": "s3cret-value", "OTHER": "s3cret-value"}

    assert line.run("run").returncode == 0
    assert line.record.found["environment"] == {"TOKEN": "set", "UNSET": "unset"}
    places = [path for path in line.runs[0].rglob("*") if path.is_file()] + [line.project / "bundle.tar"]
    assert len(places) >= 6
    assert [path for path in places if b"s3cret-value" in path.read_bytes()] == []


def test_two_runs_at_once_in_one_project_and_one_store(make: Make) -> None:
    line = make("import time\ntime.sleep(0.5)\n" + TRAIN)
    processes = [line.start("run", "--seed", str(seed)) for seed in (1, 2, 3)]
    ended = [(process.communicate(timeout=120)[1].decode(), process.returncode) for process in processes]

    assert [code for _, code in ended] == [0, 0, 0], ended
    assert [path.name for path in line.runs] == ["0001", "0002", "0003"]
    assert line.unfinished == []
    assert sorted(path.name for path in (line.project / "out").iterdir()) == ["metrics.json", "model.txt"]
    assert line.run("replay", str(line.project / "bundle.tar")).returncode == 0


def test_a_first_run_of_two_at_once_in_an_empty_store(tmp_path: Path) -> None:
    line = CommandLine(tmp_path, OUTPUTS, {"train.py": TRAIN}).lock()
    processes = [line.start("run", "--bundle", f"{number}.tar") for number in range(2)]
    for process in processes:
        process.communicate(timeout=120)

    assert [process.returncode for process in processes] == [0, 0]
    assert (line.project / "0.tar").read_bytes() != b""
    assert line.unfinished == []


def test_a_bundle_is_made_of_any_run(make: Make) -> None:
    line = make()
    for seed in ("1", "2"):
        assert line.run("run", "--seed", seed).returncode == 0
    first = line.run("bundle", "1", "--output", "first.tar", "--json")
    latest = line.run("bundle", "--output", "latest.tar")

    assert json.loads(first.stdout)["run"] == "0001"
    assert latest.returncode == 0
    assert (line.project / "latest.tar").read_bytes() == (line.project / "bundle.tar").read_bytes()
    assert (line.project / "first.tar").read_bytes() != (line.project / "bundle.tar").read_bytes()


def test_a_bundle_is_not_part_of_the_next_runs_source(make: Make) -> None:
    line = make()
    assert line.run("run", "--bundle", "kept.bundle").returncode == 0
    assert line.run("run", "--bundle", "kept.bundle").returncode == 0
    with tarfile.open(line.runs[1] / "source.tar") as source:
        names = source.getnames()

    assert "train.py" in names
    assert [name for name in names if "bundle" in name] == []


@pytest.mark.parametrize("target", ["", "nowhere/bundle.tar", "train.py"])
def test_a_bundle_that_cannot_be_written_is_told_before_the_training(make: Make, target: str) -> None:
    line = make()
    done = line.run("run", "--bundle", str(line.project / target))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: --bundle ")
    assert line.runs == []
    assert (line.project / "train.py").read_text() == TRAIN
