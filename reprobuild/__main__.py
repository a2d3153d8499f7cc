"""`python -m reprobuild`, and the program `reprobuild`."""

import os
import sys
from typing import NoReturn

from reprobuild.cli.app import main

INTERRUPTED = 130
"""128 and SIGINT, as shells have it."""


def run() -> NoReturn:
    """Run one command line and end the process."""
    status = main()
    if status == INTERRUPTED:
        # Everything is cleared away; Python would still wait for threads that wait for a network.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    run()
