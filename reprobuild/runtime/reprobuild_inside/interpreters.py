"""Command lines that start a Python which does not import `sitecustomize`, and so is not seeded."""

import os
import re
import shlex
from functools import lru_cache
from typing import List, Mapping, Optional, Sequence, Tuple

PYTHON = re.compile(r"(python|pypy)[0-9.]*t?(-dbg)?$")
SHELL = re.compile(r"(ba|da|k|z|a)?sh$")
DEAF = {
    "I": "-I: it ignores the environment",
    "E": "-E: it ignores the environment",
    "S": "-S: it does not import site",
}
EMPTY = {"-i", "-", "--ignore-environment"}
LAUNCHERS = {"env", "mpiexec", "mpirun", "nice", "nohup", "numactl", "setsid", "srun", "stdbuf", "taskset", "timeout"}
"""Programs that start the one whose name follows."""
WITH_VALUE = "cmWXQ"
"""Options that take the rest of their word, or the next one."""


def reason(argv: Sequence[str], environment: Mapping[str, str], library: str) -> str:
    """Why a Python that this command starts will not be seeded; "" when it will be, or no Python is to be seen."""
    words = python_words(argv, environment)
    if words is None:
        return ""
    if os.path.basename(argv[0]) == "env" and EMPTY & set(argv[1 : -len(words)]):
        return "env -i: its environment is empty"
    return deaf(words) or _lost(environment, library)


def starts_others(name: str) -> bool:
    """True for shells and for programs that start the one whose name follows."""
    return name in LAUNCHERS or SHELL.match(name) is not None


def python_words(argv: Sequence[str], environment: Mapping[str, str]) -> Optional[List[str]]:
    """The part of a command line that begins with a Python, the one of a script's first line among them."""
    words = list(argv)
    if not words:
        return None
    name = os.path.basename(words[0])
    if PYTHON.match(name):
        return words
    if SHELL.match(name) and len(words) > 2 and words[1] == "-c":
        return _in_shell(words[2])
    if name in LAUNCHERS:
        places = [place for place, word in enumerate(words) if PYTHON.match(os.path.basename(word))]
        return words[places[0] :] if places else None
    return _first_line(words, environment)


def deaf(words: Sequence[str]) -> str:
    """Why a Python with these options does not import this runtime (`python --help`); "" when it does."""
    following = iter(words[1:])
    for word in following:
        if not word.startswith("-") or word in ("-", "--"):
            return ""
        if word.startswith("--"):
            if word == "--check-hash-based-pycs":
                next(following, "")
            continue
        for place, letter in enumerate(word[1:], 1):
            if letter in DEAF:
                return DEAF[letter]
            if letter in "cm":
                return ""
            if letter in WITH_VALUE:
                if place == len(word) - 1:
                    next(following, "")
                break
    return ""


def _lost(environment: Mapping[str, str], library: str) -> str:
    if library not in map(os.path.abspath, environment.get("PYTHONPATH", "").split(os.pathsep)):
        return "its environment has no PYTHONPATH with the seeding in it"
    return "" if "REPROBUILD_SEED" in environment else "its environment has no REPROBUILD_SEED"


def _in_shell(command: str) -> Optional[List[str]]:
    """The first Python of a shell's line that will not be seeded, else the first one, as far as words tell."""
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        return None
    places = [place for place, word in enumerate(words) if PYTHON.match(os.path.basename(word))]
    deaf_ones = [words[place:] for place in places if deaf(words[place:])]
    return deaf_ones[0] if deaf_ones else words[places[0] :] if places else None


def _first_line(words: List[str], environment: Mapping[str, str]) -> Optional[List[str]]:
    """The Python of an executable script with its option, then the script."""
    parts = _interpreter(words[0], "" if os.sep in words[0] else environment.get("PATH", os.defpath))
    return [*parts, *words] if parts and PYTHON.match(os.path.basename(parts[0])) else None


@lru_cache(maxsize=256)
def _interpreter(name: str, path: str) -> Tuple[str, ...]:
    """The words after #! in the first line of an executable found on a path; none when it is no script."""
    for folder in path.split(os.pathsep):
        try:
            with open(os.path.join(folder, name), "rb") as stream:
                line = stream.read(256).partition(b"\n")[0]
        except OSError:
            continue
        parts = os.fsdecode(line[2:]).split() if line.startswith(b"#!") else []
        return tuple(parts[1:] if len(parts) > 1 and os.path.basename(parts[0]) == "env" else parts)
    return ()
