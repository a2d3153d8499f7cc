"""The number of processors that a script and its libraries count, where they take as many threads or workers."""

import os
import sys
from typing import Any, Optional, Tuple

LOKY = ("joblib.externals.loky.backend.context", "loky.backend.context")


def set_count(value: str) -> None:
    """Python counts as many as the run has threads, however many the machine has or this process may use."""
    count = int(value)
    os.cpu_count = lambda: count
    if hasattr(os, "process_cpu_count"):  # 3.13
        os.process_cpu_count = lambda: count  # type: ignore[attr-defined,unused-ignore]
    real = os.sched_getaffinity
    os.sched_getaffinity = lambda pid: set(range(count)) if pid == 0 else real(pid)


def count(value: str) -> Tuple[bool, str]:
    """Whether Python counts that many."""
    found = os.cpu_count()
    return str(found) == value, "%s processors" % found


def set_loky_count(_: str) -> None:
    """joblib also obeys control groups, in a function of its own."""
    for name in LOKY:
        module: Any = sys.modules.get(name)
        if module is not None and hasattr(module, "_cpu_count_cgroup"):
            module._cpu_count_cgroup = lambda os_cpu_count: os_cpu_count


def loky_count(value: str) -> Optional[Tuple[bool, str]]:
    """Whether joblib counts that many, with all limits of the machine."""
    counts = {sys.modules[name].cpu_count() for name in LOKY if name in sys.modules}
    if not counts:
        return None
    return counts == {int(value)}, "%s processors" % ", ".join(str(found) for found in sorted(counts))
