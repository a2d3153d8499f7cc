"""How PyTorch lets cuDNN choose its algorithms."""

import sys
from typing import Any, Optional, Tuple


def set_choice(_: str) -> None:
    """No timing of algorithms, and deterministic ones alone."""
    module: Any = sys.modules["torch"]
    module.backends.cudnn.benchmark = False
    module.backends.cudnn.deterministic = True


def choice(_: str) -> Optional[Tuple[bool, str]]:
    """Whether it is still so, where PyTorch has cuDNN."""
    cudnn = getattr(getattr(sys.modules.get("torch"), "backends", None), "cudnn", None)
    if cudnn is None or not getattr(cudnn, "is_available", bool)():
        return None
    took = cudnn.deterministic and not cudnn.benchmark
    return bool(took), "benchmark %s, deterministic %s" % (cudnn.benchmark, cudnn.deterministic)
