"""What happens in a process before the user's first line, in its order, and at its end."""

import atexit
import os

from reprobuild_inside import children, cpu, found, imports, notes, pins, seeds, signatures, tasks, unseeded
from reprobuild_inside.found import FOUND, problem


def start() -> None:
    """Seed, watch imports, and tell; at the end tell again, with all that is then in force."""
    notes.begin()
    seeds.seed_python()
    pins.pin_arithmetic()
    children.watch_children()
    tasks.watch_pools()
    unseeded.watch_unseeded()
    signatures.watch_signatures()
    imports.watch_imports()
    os.register_at_fork(after_in_child=notes.begin)
    os.register_at_fork(before=found.before_fork, after_in_child=found.begin_child)
    if found.FOLDER:
        _tell_cpu()
        found.begin()
        atexit.register(_end)


def _tell_cpu() -> None:
    """A forked child is where its parent is."""
    try:
        FOUND["cpu"] = cpu.read_cpu()
    except Exception as error:  # no memory that may be executed, no ctypes: told in the record
        problem("cpu", error)


def _end() -> None:
    signatures.end_signatures()  # first: what follows computes too, to check the pins
    pins.check_again()
    if FOUND["main"]:
        try:
            _survey()
        except ImportError as error:  # a Python without ctypes
            problem("survey", error)
    FOUND["complete"] = True
    found.tell()


def _survey() -> None:
    from reprobuild_inside import survey

    FOUND.update(survey.survey(FOUND["problems"]))
    FOUND["seeds"].update(survey.seeds())
    FOUND["switches"].update(survey.switches())
