"""OpenMP runtimes in every copy that is loaded: GCC's in wheels and in Debian, LLVM's and Intel's beside them."""

import ctypes
from typing import Optional, Tuple

from reprobuild_inside.pins import loaded_files

FILES = ("libgomp", "libomp", "libiomp")


def threads(value: str) -> Optional[Tuple[bool, str]]:
    """Whether each copy takes exactly that many threads (OpenMP 5.0, 3.2.3 and 3.2.8)."""
    wrong, count = [], 0
    for path in loaded_files(*FILES):
        library = ctypes.CDLL(path)
        if not hasattr(library, "omp_get_max_threads"):
            continue
        count += 1
        found, dynamic = library.omp_get_max_threads(), library.omp_get_dynamic()
        if str(found) != value or dynamic:
            name = path.rpartition("/")[2]
            wrong.append("%s: %d threads%s, not %s" % (name, found, " or fewer" if dynamic else "", value))
    if not count:
        return None
    return not wrong, "; ".join(wrong) or "%s threads" % value
