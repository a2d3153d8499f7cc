"""What this process found in force, and the file that tells it: one for each Python process of a training."""

import os
import sys
from typing import Any, Dict, List

FOUND: Dict[str, Any] = {
    "pid": os.getpid(),
    "parent": os.getppid(),
    "main": False,
    "seeds": {},
    "switches": {},
    "problems": [],
    "complete": False,
}
"""Told as JSON; each module of this package adds keys of its own."""
FOLDER = os.environ.get("REPROBUILD_FOUND", "")
"""Where processes tell; nothing is told without it. Kept, because a script may clear its environment."""
MOST_PROBLEMS = 100
MOST_FORKS = 100
"""Forked children that tell of themselves at once: some trainings fork one for each batch."""
HELPERS = ("resource_tracker import main", "forkserver import main")
"""Programs by which multiprocessing and joblib start servants that compute nothing, and that are ended from outside."""
_FORKS = [0]


def problem(subject: str, error: BaseException) -> None:
    """Keep what could not be done, any framework, any version, for the record."""
    problems: List[str] = FOUND["problems"]
    text = "%s: %s: %s" % (subject, type(error).__name__, error)
    if len(problems) < MOST_PROBLEMS and text not in problems:
        problems.append(text)


def begin() -> None:
    """Tell this process, which is the training's main one unless another Python began it."""
    # A script may replace its process by another Python (exec), which then is the main process.
    FOUND["main"] = os.environ.get("REPROBUILD_MAIN", str(os.getpid())) == str(os.getpid())
    os.environ.setdefault("REPROBUILD_MAIN", str(os.getpid()))
    FOUND["helper"] = any(helper in word for word in getattr(sys, "orig_argv", ())[:9] for helper in HELPERS)
    tell()


def before_fork() -> None:
    """In the parent, which speaks for its children beyond so many (`silent_forks`): they are what it is."""
    _FORKS[0] += 1
    if _FORKS[0] > MOST_FORKS:
        FOUND["silent_forks"] = FOUND.get("silent_forks", 0) + 1


def begin_child() -> None:
    """Tell a forked child, which has all that its parent found; a `late` one only when there is more to tell."""
    late = _FORKS[0] > MOST_FORKS
    FOUND.update(pid=os.getpid(), parent=os.getppid(), main=False, complete=False, silent_forks=0, late=late)
    if not late:
        tell()


def tell() -> None:
    """Write what is known so far, in case that this process does not end by itself."""
    if not FOLDER:
        return
    import json

    # A process has its own file, complete or not there; the reader takes the main process that computed longest.
    target = os.path.join(FOLDER, "%08d.json" % FOUND["pid"])
    FOUND["cpu_seconds"] = sum(os.times()[:4])
    try:
        with open(target + ".part", "w") as stream:
            json.dump(FOUND, stream, sort_keys=True, allow_nan=False)
        os.replace(target + ".part", target)
    except (OSError, ValueError, TypeError) as error:
        sys.stderr.write("reprobuild: cannot tell what was in force: %s\n" % error)
