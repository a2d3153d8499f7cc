"""NumPy's own loops: which of the groups of CPU features that it has code for are in use."""

import sys
from typing import Optional, Tuple

BEYOND = ("X86_V4", "AVX512F", "AVX512CD", "AVX512_KNL", "AVX512_KNM", "AVX512_SKX", "AVX512_CLX", "AVX512_CNL",
          "AVX512_ICL", "AVX512_SPR", "XOP", "FMA4")  # fmt: skip
"""Features beyond those that every CPU with AVX2 and FMA3 has."""
WANTED = ("AVX2", "FMA3", "X86_V3")
"""Those features, one by one and, from 2.4 on, as a group."""


def features(_: str) -> Optional[Tuple[bool, str]]:
    """Whether NumPy computes with AVX2 and FMA3 and with nothing beyond, of what it has code for."""
    module = sys.modules.get("numpy._core._multiarray_umath") or sys.modules.get("numpy.core._multiarray_umath")
    if module is None:
        return None
    has, code = module.__cpu_features__, set(module.__cpu_dispatch__) | set(module.__cpu_baseline__)
    beyond = sorted(name for name in BEYOND if name in code and has.get(name))
    lacking = sorted(name for name in WANTED if name in code and not has.get(name))
    if beyond or lacking:
        return False, "; ".join(["uses %s" % name for name in beyond] + ["lacks %s" % name for name in lacking])
    return True, "AVX2 and FMA3"
