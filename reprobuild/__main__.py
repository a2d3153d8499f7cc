"""`python -m reprobuild`, and the program `reprobuild`."""

import os
import sys
from io import TextIOWrapper
from typing import NoReturn

from reprobuild.cli.app import main

INTERRUPTED = 130
"""128 and SIGINT, as shells have it."""


def open_streams() -> None:
    """Give each closed standard stream a place that keeps nothing, so that no file of ours gets its number.

    A character that a stream's encoding lacks is written as its number.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free: this one
    sys.stdout = sys.stdout or os.fdopen(1, "w", encoding="utf-8")
    sys.stderr = sys.stderr or os.fdopen(2, "w", encoding="utf-8")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def run() -> NoReturn:
    """Run one command line and end the process."""
    open_streams()
    status = main()
    if status == INTERRUPTED:
        # Everything is cleared away; Python would still wait for threads that wait for a network.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    run()
