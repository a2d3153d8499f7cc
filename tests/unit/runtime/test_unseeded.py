"""What a script asks of the machine that differs in each run, and what is no business of the record."""

import json
from pathlib import Path

import pytest
from builders.scripts import Run

ENTROPY = """
import os, random, secrets, tempfile, uuid, hashlib, ssl, multiprocessing, socket
from os import urandom
uuid.uuid4(); secrets.token_hex(); secrets.randbelow(9); secrets.choice("ab"); secrets.SystemRandom
tempfile.mkdtemp(dir="."); hashlib.sha256(); ssl.RAND_bytes(1)
multiprocessing.Queue()
for _ in range(4):
    os.urandom(4)
urandom(2)
dice = random.SystemRandom()
dice.random()
dice.choice([1, 2])
os.getrandom(1)
print(1)
"""


def test_entropy_that_the_scripts_own_code_asks_for_is_told_and_nothing_else(tmp_path: Path) -> None:
    run = Run(tmp_path, ENTROPY)
    assert run.printed == 1

    assert [(found["what"], found["line"]) for found in run.main["unseeded"]] == [
        ("os.urandom", 8),
        ("os.urandom", 9),
        ("random.SystemRandom", 11),
        ("random.SystemRandom", 12),
        ("os.getrandom", 13),
    ]
    assert run.main["unseeded"][0]["count"] == 4
    assert {found["file"] for found in run.main["unseeded"]} == {"train.py"}
    assert run.main["problems"] == []


LISTINGS = """
import glob, os, pathlib, shutil, sys
os.mkdir("d"); open("d/a", "w").close(); open("d/b", "w").close()
for name in os.listdir("d"): pass
for name in sorted(os.listdir("d")): pass
names = glob.glob("d/*")
paths = list(pathlib.Path("d").iterdir())
paths = sorted(pathlib.Path("d").rglob("*"))
for root, folders, names in os.walk("d"): pass
with os.scandir("d") as entries: print(len(list(entries)) > 5)
shutil.copytree("d", "e"); shutil.rmtree("e")
import importlib.metadata; list(importlib.metadata.distributions())
"""


def test_listings_in_no_order_are_told_by_their_line(tmp_path: Path) -> None:
    run = Run(tmp_path, LISTINGS)
    assert run.done.returncode == 0, run.done.stderr

    assert sorted({found["line"] for found in run.main["unseeded"]}) == [4, 6, 7, 9, 10]
    assert run.main["problems"] == []


def test_the_functions_still_pass_for_pythons_own(tmp_path: Path) -> None:
    script = """
import inspect, json, os, pickle, shutil, subprocess
same = [pickle.loads(pickle.dumps(f)) is f for f in (os.listdir, os.scandir, os.urandom, os.system, os.execv)]
named = [os.listdir.__name__, os.listdir.__doc__[:6], str(inspect.signature(os.listdir))]
safe = [shutil.rmtree.avoids_symlink_attacks, os.scandir in os.supports_fd, os.listdir in os.supports_fd]
errors = []
for wrong in (lambda: os.listdir("gone"), lambda: subprocess.Popen(5), lambda: os.execv("gone", []),
              lambda: os.system(5), lambda: os.posix_spawn("gone", ["gone"], {}), lambda: os.urandom(-1)):
    try: wrong()
    except Exception as error: errors.append(type(error).__name__)
print(json.dumps([same, named, safe, errors]))
"""
    same, named, safe, errors = Run(tmp_path, script).printed

    assert all(same)
    assert named == ["listdir", "Return", "(path=None)"]
    assert all(safe)
    plain = "FileNotFoundError TypeError ValueError TypeError FileNotFoundError ValueError"
    assert errors == plain.split()


def test_a_module_of_the_project_is_named_by_its_path_and_packages_are_not(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "data.py").write_text("import os\nos.urandom(1)\n")
    (tmp_path / "site-packages").mkdir()
    (tmp_path / "site-packages" / "other.py").write_text("import os\nos.urandom(1)\nos.listdir('.')\n")
    script = (
        "import sys; sys.path.append('site-packages'); import package.data, other, os\nos.chdir('/'); os.urandom(1)"
    )

    assert [(found["file"], found["line"]) for found in Run(tmp_path, script).main["unseeded"]] == [
        ("package/data.py", 2),
        ("train.py", 2),
    ]


CHILDREN = """
import os, subprocess, sys
python = sys.executable
for _ in range(3):
    subprocess.run([python, "-I", "-c", "pass"])
subprocess.run([python, "-S", "-c", "pass"], close_fds=False)
subprocess.run(["true"], env={})
subprocess.run([python, "-c", "pass"], env={"PATH": os.environ["PATH"]})
subprocess.run([python, "-c", "pass"])
os.system(python + " -E -c pass")
os.waitpid(os.posix_spawn(python, [python, "-I"], os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, 0)]), 0)
subprocess.run(python + " -I -c ''", shell=True)
subprocess.run([python, "-I", "-c", "pass", *["word" * 50] * 50])
print(1)
"""


def test_children_that_cannot_be_seeded_are_told_by_their_parent(tmp_path: Path) -> None:
    run = Run(tmp_path, CHILDREN)
    assert run.printed == 1, run.done.stderr

    told = [(found["why"][:8], found["count"]) for found in run.main["not_seeded"]]
    assert told == [
        ("-I: it i", 4),
        ("-S: it d", 1),
        ("its envi", 1),
        ("-E: it i", 1),
        ("-I: it i", 1),
        ("-I: it i", 1),
    ]
    assert all(len(json.dumps(found["argv"])) < 1000 for found in run.main["not_seeded"])
    assert run.main["problems"] == []


@pytest.mark.parametrize("way", ["execv", "execve", "execvp", "execvpe"])
def test_a_script_that_becomes_a_python_without_seeds_has_told_so(tmp_path: Path, way: str) -> None:
    environment = ", dict(os.environ)" if way.endswith("e") else ""
    run = Run(tmp_path, f"import os, sys; os.{way}(sys.executable, ['python', '-I', '-c', 'print(1)']{environment})")

    assert run.printed == 1
    assert run.main["not_seeded"] == [
        {"argv": ["python", "-I", "-c", "print(1)"], "why": "-I: it ignores the environment", "count": 1}
    ]
    assert run.main["complete"] is False
