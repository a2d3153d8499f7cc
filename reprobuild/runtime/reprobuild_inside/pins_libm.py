"""The functions of glibc's libm, some with and without fused multiply-add; it chooses among them by the CPU."""

import math
from typing import Tuple

WITH_FMA = (
    ("exp", "0x1.9ddce7315208ap+2", "0x1.41a62057f885dp+9"),
    ("exp", "0x1.ff5408078b814p+1", "0x1.b27fb9afbe921p+5"),
    ("sin", "0x1.ba499dfba9014p+1", "-0x1.3c102163586dfp-2"),
    ("sin", "0x1.b6d8d5984d70ap+2", "0x1.15ed61cf2366cp-1"),
)
"""Where glibc 2.36 and 2.41 give another last bit without it (docs/numerics.md)."""


def variant(_: str) -> Tuple[bool, str]:
    """Whether the functions are those with fused multiply-add."""
    for name, argument, wanted in WITH_FMA:
        found = getattr(math, name)(float.fromhex(argument))
        if found != float.fromhex(wanted):
            return False, "%s(%s) is %s, not %s: no fused multiply-add" % (name, argument, found.hex(), wanted)
    return True, "with fused multiply-add"
