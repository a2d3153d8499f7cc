"""Which operations of PyTorch a training asks for, seen where PyTorch dispatches them.

The first operations are all seen, and then those of each step of an optimiser whose number is a power of two; the
record says that not all was seen. These bounds count operations and not seconds, so that two runs are watched in the
same way. What a compiler has made of operations, and what other libraries compute, goes through no dispatch: it is
named as hidden.
"""

import functools
import importlib
import os
import sys
import threading
from typing import Any, Dict, List

from reprobuild_inside.found import FOLDER, FOUND, problem, tell
from reprobuild_inside.imports import after
from reprobuild_inside.watch import Watch

WATCH = Watch()
WATCHED = bool(FOLDER) and os.environ.get("REPROBUILD_SIGNATURES") == "1"
"""A replay is not watched: what it is compared with was."""
CUDNN = ("benchmark", "deterministic", "allow_tf32")
NUMERIC = ("OMP_", "MKL_", "OPENBLAS_", "ATEN_", "ONEDNN_", "DNNL_", "NPY_", "CUBLAS_", "NVIDIA_", "GLIBC_", "NCCL_")
"""How the variables begin that choose arithmetic when a library is loaded."""
OF_LIBRARIES = ("OMP_WAIT_POLICY",)
"""Those that change no bit."""


def watch_signatures() -> None:
    """Watch PyTorch from its import on, in this process and in those forked from it."""
    if WATCHED:
        os.register_at_fork(after_in_child=_begin_child)
        after("torch", _begin)


def end_signatures() -> None:
    """Keep what was seen for the record."""
    if not WATCHED:
        return
    try:
        from reprobuild_inside import hidden

        if WATCH.torch is not None:
            if _profiler() is not _begin_thread:
                WATCH.gap("threads that began under another profiler", step=1)
            WATCH.pause()
            WATCH.settings = settings(WATCH.torch)
        WATCH.hidden |= hidden.hidden()
        FOUND["signatures"] = WATCH.told(ended=True)
    except Exception as error:  # any version of PyTorch: told in the record
        problem("signatures", error)


def settings(torch: Any) -> Dict[str, Any]:
    """What else decides the bits of an operation, as it is now."""
    return {
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "matmul_precision": torch.get_float32_matmul_precision(),
        "mkldnn": bool(torch.backends.mkldnn.enabled),
        "cudnn": {name: bool(getattr(torch.backends.cudnn, name)) for name in CUDNN},
        "changed": changed_variables(),
    }


def changed_variables() -> List[str]:
    """Variables that choose arithmetic and are not what this process was started with, as the kernel has it.

    https://man7.org/linux/man-pages/man5/proc_pid_environ.5.html
    """
    with open("/proc/self/environ", "rb") as stream:
        pairs = [item.partition(b"=") for item in stream.read().split(b"\0")]
    started = {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs}
    names = {name for name in {*started, *os.environ} if name.startswith(NUMERIC) and name not in OF_LIBRARIES}
    return sorted(name[:100] for name in names if started.get(name) != os.environ.get(name))[:100]


def _begin(torch: Any) -> None:
    if not hasattr(torch, "_C"):  # a module of that name, and nothing like PyTorch
        return
    optimizer = importlib.import_module("torch.optim.optimizer")
    WATCH.torch, WATCH.mode = torch, _mode(importlib.import_module("torch.utils._python_dispatch").TorchDispatchMode)
    optimizer.register_optimizer_step_pre_hook(WATCH.before_step)
    optimizer.register_optimizer_step_post_hook(WATCH.after_step)
    _mark_compilers(torch)
    if threading.current_thread() is not threading.main_thread() or threading.active_count() > 1:
        WATCH.gap("threads that ran before PyTorch was imported")
    WATCH.profiler = _profiler()
    threading.setprofile(_begin_thread)
    FOUND["signatures"] = WATCH.told(ended=False)
    WATCH.watch()


def _mode(base: Any) -> Any:
    class Observed(base):  # type: ignore[misc]
        """Hands on every call as it comes."""

        supports_higher_order_operators = True

        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            return False  # else the first call imports a compiler

        @classmethod
        def ignore_compile_internals(cls) -> bool:
            return True  # else nothing is compiled under it

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if WATCH.recording and hasattr(func, "_schema"):
                WATCH.note(func, args, kwargs)
            result = func(*args, **kwargs) if kwargs else func(*args)
            if not WATCH.recording:
                WATCH.leave()
            return result

    return Observed()


def _mark_compilers(torch: Any) -> None:
    """From the first use of torch.compile on, the operations are a compiler's own."""
    original = torch.compile

    @functools.wraps(original)
    def compiled(*args: Any, **options: Any) -> Any:
        WATCH.hidden.add("torch.compile")
        WATCH.pause()
        WATCH.stop("torch.compile")
        return original(*args, **options)

    torch.compile = compiled


def _profiler() -> Any:
    """What looks on in threads that begin; threading.getprofile came with Python 3.10."""
    return getattr(threading, "_profile_hook", None)


def _begin_thread(*event: Any) -> None:
    """In a thread that begins: each has modes of its own. A profiler of the script's own looks on from here."""
    sys.setprofile(None)
    try:
        if WATCH.recording:
            WATCH.mode.__enter__()
        elif not WATCH.stopped:
            WATCH.gap("threads that began while nothing was watched")
    except Exception as error:  # any version of PyTorch: the thread goes on
        problem("signatures", error)
        WATCH.gap("a thread: %s" % type(error).__name__)
    if WATCH.profiler is not None:
        sys.setprofile(WATCH.profiler)
        WATCH.profiler(*event)


def _begin_child() -> None:
    """In a forked child, which sees what it does itself, and tells of it when it ends as multiprocessing has it."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        # Registered now, it would be forgotten: multiprocessing clears its finalizers when a child begins.
        util.register_after_fork(WATCH, _tell_at_end)
    if WATCH.torch is None:
        return
    recording = WATCH.recording and not WATCH.stopped and WATCH.is_on()
    WATCH.begin()
    WATCH.recording = recording
    if not recording:
        WATCH.stop("forked while nothing was watched")
    FOUND["signatures"] = WATCH.told(ended=False)


def _tell_at_end(_: Watch) -> None:
    sys.modules["multiprocessing.util"].Finalize(None, _end_child, exitpriority=-100)


def _end_child() -> None:
    end_signatures()
    tell()
