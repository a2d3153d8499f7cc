"""Trainings on another CPU than this machine's, by qemu in the real sandbox; no network, no image from an archive."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from builders.bundles import make_test_bundle, open_test_world
from builders.host import ENVIRONMENT, HostSandbox, make_root, running

from reprobuild.engines.emulation import REAL
from reprobuild.engines.engine import Container, Emulation, Execution
from reprobuild.ground.errors import ToolError
from reprobuild.steps.image.prepare import LIBRARY
from reprobuild.steps.replay.replay import Options, replay_bundle
from reprobuild.tools.progress import Silent
from reprobuild.tools.qemu import find_qemu
from reprobuild.verdict.document import Kind, ReplayReport

pytestmark = [pytest.mark.sandbox, pytest.mark.emulation, pytest.mark.slow]
PROJECT: dict[str, Any] = {"outputs": ("out/result.json",)}
MODULES = "ctypes, json, mmap, multiprocessing.pool, platform, random, resource, subprocess, importlib.metadata"
HASWELL = "Intel Core Processor (Haswell)"
WAYS = r"""
import json, multiprocessing, os, subprocess, sys
from reprobuild_inside.cpu import read_cpu

ASK = "from reprobuild_inside.cpu import read_cpu; print(read_cpu()['name'])"

def name(_=None):
    return read_cpu()["name"]

def ask(*argv, **options):
    return subprocess.run(argv, check=True, capture_output=True, text=True, **options).stdout.strip()

def forked():
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, name().encode())
        os._exit(0)
    os.wait()
    return os.read(read, 1000).decode()

def spawned(argv, start):
    read, write = os.pipe()
    os.waitpid(start(argv[0], argv, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, write, 1)]), 0)
    return os.read(read, 1000).decode().strip()

def script(first_line):
    with open("script", "w") as stream:
        stream.write("#!%s\n%s\n" % (first_line, ASK))
    os.chmod("script", 0o755)
    return ask("./script")

if __name__ == "__main__":
    found = {
        "main": name(),
        "fork": forked(),
        "posix_spawn": spawned([sys.executable, "-c", ASK], os.posix_spawn),
        "subprocess": ask(sys.executable, "-c", ASK),
        "by name": ask("python3", "-c", ASK),
        "shell": ask("sh", "-c", 'python -c "%s"' % ASK),
        "isolated": json.loads(ask(sys.executable, "-I", sys.modules["reprobuild_inside.cpu"].__file__))["name"],
        "without environment": ask(sys.executable, "-c", ASK, env={"PYTHONPATH": os.environ["PYTHONPATH"]}),
        "script": script(sys.executable),
        "script by env": script("/usr/bin/env python"),
    }
    for way in ("spawn", "forkserver"):
        with multiprocessing.get_context(way).Pool(1) as pool:
            [found[way]] = pool.map(name, [0])
    found["uname"] = ask("uname")
    found["places"] = [sys.executable, sys.prefix, sys.base_prefix, sys.argv, sys.path]
    json.dump(found, open("out/result.json", "w"))
"""


class Quick(HostSandbox):
    """Compiles of this machine's modules only what these trainings import: emulated, each process would do it."""

    def execute(self, place: str, container: Container, on_output: Callable[[bytes], None]) -> Execution:
        if "compileall" in container.argv and LIBRARY not in container.argv:
            container = replace(container, argv=[container.argv[0], "-c", f"import {MODULES}"])
        return super().execute(place, container, on_output)


def replay(folder: Path, train: str, cpu: str = "Haswell", project: dict[str, Any] | None = None) -> ReplayReport:
    bundle = make_test_bundle(folder / "made", Quick(), project or PROJECT, files={"train.py": train})
    world = open_test_world(folder / "another store", Quick())
    options = Options(emulate=cpu, output=folder / "results")
    return replay_bundle(bundle, world, options, on_output=lambda _: None, progress=Silent())


def places(report: ReplayReport) -> dict[str, int]:
    """How many processes were on which CPU."""
    processes: Any = report.seen.found["processes"]
    return {cpu["name"]: cpu["count"] for cpu in processes["cpus"]}


def results(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the run wrote, and what its replay did."""
    recorded = folder / "made" / "project" / "out" / "result.json"
    seen = folder / "results" / "outputs" / "out" / "result.json"
    return json.loads(recorded.read_bytes()), json.loads(seen.read_bytes())


def test_children_are_on_the_cpu_that_was_asked_for_however_they_are_started(tmp_path: Path) -> None:
    report = replay(tmp_path, WAYS)
    recorded, seen = results(tmp_path)

    assert seen.pop("places") == recorded.pop("places")
    assert seen.pop("uname") == recorded.pop("uname") == os.uname().sysname
    assert set(seen.values()) == {HASWELL}
    assert set(recorded.values()) != {HASWELL}
    assert report.verdict is Kind.DIFFERENT
    assert list(places(report)) == [HASWELL]
    assert report.seen.found["programs"] == ["sh", "uname"]
    assert {"CPU vendor", "CPU model"} <= {finding.subject for finding in report.findings}


ROUGH = """
import os, signal, subprocess, sys, threading
os.environ.clear()
seen = []
signal.signal(signal.SIGALRM, lambda *_: seen.append("alarm"))
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.setitimer(signal.ITIMER_REAL, 0.05)
while not seen:
    signal.pause()
os.kill(os.getpid(), signal.SIGTERM)
threads = [threading.Thread(target=seen.append, args=(number,)) for number in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
for _ in range(3):
    if os.fork() == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    seen.append(os.wait()[1])
seen.append(subprocess.run([sys.executable, "-c", "import sys; sys.exit(7)"]).returncode)
open("out/result.json", "w").write(repr(sorted(map(str, seen))))
os._exit(0)
"""


def test_a_script_that_forks_traps_signals_clears_its_environment_and_never_ends_properly(tmp_path: Path) -> None:
    report = replay(tmp_path, ROUGH)

    assert report.verdict is Kind.IDENTICAL, report
    assert places(report) == {HASWELL: 4}


ESCAPE = f"""
import glob, json, subprocess
real = [path for path in sorted(glob.glob({REAL!r} + "/bin/python3.*")) if path[-1].isdigit()]
if real:
    subprocess.run([real[0], "-c", "import math"], check=True)
json.dump(1, open("out/result.json", "w"))
"""


def test_a_process_that_leaves_the_emulation_makes_the_run_void(tmp_path: Path) -> None:
    report = replay(tmp_path, ESCAPE)

    assert (report.verdict, report.exit_status) == (Kind.UNCHECKED, 11)
    assert report.reasons[0].startswith("void: 1 of 2 Python processes ran on ")
    assert report.reasons[0].endswith(f"not on GenuineIntel {HASWELL}")
    assert len(places(report)) == 2


def test_a_run_of_which_no_python_tells_is_void(tmp_path: Path) -> None:
    train = "mkdir -p out; echo 1 > out/result.json"
    report = replay(tmp_path, "", project={**PROJECT, "command": ("sh", "-c", train)})

    assert report.verdict is Kind.UNCHECKED
    assert report.reasons[0] == f"void: no Python process told that it ran on GenuineIntel {HASWELL}"


@pytest.mark.parametrize("reason", ["deadline", "interrupted"])
def test_whatever_ends_a_run_ends_all_of_its_processes(tmp_path: Path, reason: str) -> None:
    mark = f"9{os.getpid()}.25"
    train = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', 'import time; print(1, flush=True); time.sleep({mark})'])\n"
        "time.sleep(600)\n"
    )
    emulation = Emulation("Haswell", find_qemu(os.uname().machine), "/opt/bin/python")
    container = Container(["python", "-c", train], ENVIRONMENT, "/", timeout=8, emulation=emulation)

    def listen(_: bytes) -> None:
        if reason == "interrupted":
            raise KeyboardInterrupt

    done = HostSandbox().execute(str(make_root(tmp_path / "root")), container, listen)

    assert done.reason == reason
    assert running(f"time.sleep({mark})") == []


def test_a_cpu_that_cannot_run_the_image_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"--emulate 486: the image's Python does not run on it: .* 64 bit"):
        replay(tmp_path, "open('out/result.json', 'w').write('1')", "486")

    assert not (tmp_path / "results").exists()
