"""`python -m reprobuild`."""

import sys

from reprobuild.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
