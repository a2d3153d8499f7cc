"""`python -m reprobuild_probe [--output FILE] [LIBRARY…]`: one JSON document, its keys sorted.

It goes to standard output, or into a file where something else may be written to standard output too.
"""

import argparse
import json
import sys
from typing import List

from .probe import LIBRARIES, probe


def main(arguments: List[str]) -> int:
    """0 when the battery ran, whatever its operations told."""
    parser = argparse.ArgumentParser(prog="reprobuild_probe", description=__doc__.partition("\n")[0])
    parser.add_argument("--output", metavar="FILE", help="where the document goes instead of standard output")
    parser.add_argument("library", nargs="*", help="one of %s; all of them if none is named" % ", ".join(LIBRARIES))
    options = parser.parse_args(arguments)
    unknown = [name for name in options.library if name not in LIBRARIES]
    if unknown:
        parser.error("%s: not one of %s" % (unknown[0], ", ".join(LIBRARIES)))
    text = json.dumps(probe(options.library or LIBRARIES), sort_keys=True, indent=1, allow_nan=False) + "\n"
    if options.output is None:
        sys.stdout.write(text)
    else:
        with open(options.output, "w") as stream:
            stream.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
