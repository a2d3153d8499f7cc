"""Scripts that do to their process what a runtime inside it could choke on."""

from pathlib import Path

import pytest
from builders.scripts import SEED, Run

FIRST = "import json, os, random, signal, subprocess, sys, threading, time\nimport numpy as np\n"


def run(tmp_path: Path, script: str) -> Run:
    return Run(tmp_path, FIRST + script)


def test_one_that_forks_and_leaves_children_behind(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
for _ in range(5):
    if os.fork() == 0:
        os._exit(0)
for _ in range(5):
    os.wait()
if os.fork() == 0:
    os.urandom(1)
    sys.exit(3)
os.wait()
print(1)
""",
    )

    assert told.printed == 1
    assert told.main["complete"] is True
    assert len({process["seeds"]["random"] for process in told.told}) == len(told.told) == 7
    assert [process["unseeded"][0]["line"] for process in told.told if process["unseeded"]] == [10]


def test_one_that_forks_while_threads_draw_and_start_programs(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
stop = threading.Event()
def work():
    while not stop.is_set():
        random.random(); np.random.rand(); np.random.default_rng(); os.urandom(1)
        subprocess.run(["true"])
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
for _ in range(20):
    child = os.fork()
    if child == 0:
        random.random(); subprocess.run(["true"]); os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
stop.set()
for thread in threads: thread.join()
print(1)
""",
    )

    assert told.printed == 1
    assert told.main["complete"] is True
    assert told.main["problems"] == []


def test_one_whose_threads_wait_for_programs(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
reading, writing = os.pipe()
os.set_inheritable(reading, True)
waiting = threading.Thread(target=os.system, args=("exec cat <&%d" % reading,))
waiting.start()
time.sleep(0.1)
subprocess.run(["true"]); os.system("true")
os.close(writing)
waiting.join()
print(os.system("exit 3") >> 8)
""",
    )

    assert told.printed == 3


def test_one_that_traps_signals_still_tells(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
seen = []
for name in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGALRM, signal.SIGCHLD):
    signal.signal(name, lambda number, frame: (seen.append(number), random.seed(number), os.urandom(1)))
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGINT)
for _ in range(50): subprocess.run(["true"]); os.listdir(".")
signal.setitimer(signal.ITIMER_REAL, 0)
print(len(seen) > 5)
""",
    )

    assert told.done.stdout == "True\n", told.done.stderr
    assert told.main["complete"] is True
    assert {found["what"] for found in told.main["own_seeds"]} == {"random.seed"}


def test_one_that_ends_at_once_has_told_all_that_it_noted(tmp_path: Path) -> None:
    told = run(tmp_path, "random.seed(3)\nos.urandom(1)\nsubprocess.run([sys.executable, '-S', '-c', ''])\nos._exit(5)")

    assert told.done.returncode == 5
    assert (told.main["complete"], told.main["seeds"]["numpy"]) == (False, SEED)
    assert [len(told.main[kind]) for kind in ("own_seeds", "unseeded", "not_seeded")] == [1, 1, 1]


@pytest.mark.parametrize("ending", ["os._exit(0)", "os.kill(os.getpid(), 9)", "os.abort()"])
def test_a_child_that_ends_at_once_has_told_too(tmp_path: Path, ending: str) -> None:
    told = run(tmp_path, f"if os.fork() == 0:\n    random.seed(3)\n    {ending}\nos.wait()\nprint(1)")

    [child] = [process for process in told.told if not process["main"]]
    assert [found["value"] for found in child["own_seeds"]] == [3]
    assert (told.main["own_seeds"], told.main["complete"]) == ([], True)


def test_one_that_clears_its_environment_is_seeded_and_its_children_are_told_not_to_be(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
os.environ.clear()
if os.fork() == 0:
    random.seed(3)
    sys.exit()
os.wait()
out = subprocess.run([sys.executable, "-c", "import random; print(random.random())"], stdout=subprocess.PIPE).stdout
print(json.dumps([random.random(), float(out)]))
""",
    )

    assert told.done.returncode == 0, told.done.stderr
    assert (told.main["complete"], told.main["seeds"]["random"]) == (True, SEED)
    assert [found["why"] for found in told.main["not_seeded"]] == [
        "its environment has no PYTHONPATH with the seeding in it"
    ]
    assert len(told.told) == 2


def test_one_that_goes_where_there_is_no_folder_and_closes_its_files(tmp_path: Path) -> None:
    told = run(tmp_path, "os.mkdir('x'); os.chdir('x'); os.rmdir('../x')\nos.urandom(1)\nos.closerange(0, 50)")

    assert [(found["file"], found["line"]) for found in told.main["unseeded"]] == [("train.py", 4)]
    assert told.main["complete"] is True


def test_one_that_replaces_what_this_runtime_uses(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
random.seed = os.listdir = os.urandom = lambda *a, **k: None
json.dump = None
del sys.modules["reprobuild_inside"]
print(1)
""",
    )

    assert told.done.stdout == "1\n"
    assert "Traceback" not in told.done.stderr


def test_one_that_asks_for_nonsense_a_thousand_times_is_told_once(tmp_path: Path) -> None:
    told = run(
        tmp_path,
        """
for _ in range(1000):
    try: os.system(5)
    except TypeError: pass
print(1)
""",
    )

    assert told.printed == 1
    assert len(told.main["problems"]) == 1
