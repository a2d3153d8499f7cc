"""What is seen of a process's operations of PyTorch, with bounds on what seeing them costs."""

import importlib
import sys
import threading
import time
import weakref
from typing import Any, Dict, List, Optional, Set

from reprobuild_inside import calls
from reprobuild_inside.found import FOUND, problem, tell

MANY = 50_000
"""Operations that are seen before watching has taken long enough, and in each step that is looked at afterwards."""
MOST, MOST_TENSORS = 2000, 20000
"""Signatures that are kept, and tensors in them."""
EVENTS = 1000
"""Calls and returns of Python at which a thread looks whether the mode can be taken off."""
CAPTURED = "ranges of numbers while a graph was captured"
CUT_OFF = "the process did not end by itself"
PHASES = ("forward", "backward", "optimizer", "other")
"""Where an operation was called: in a graph that is built, in its backward, in a step, or anywhere else."""


class Watch:
    """What was seen in this process; `torch` is None until it is imported."""

    def __init__(self) -> None:
        self.torch: Any = None
        self.mode: Any = None
        """One for all threads; each has a stack of its own that it lies on."""
        self.profiler: Any = None
        """The script's own for the threads that begin, if there is one."""
        self.here = threading.local()
        self.kinds: Dict[Any, bool] = {}
        self.begin()

    def begin(self) -> None:
        """Nothing was seen yet: at the start, and in a forked child."""
        self.seen: Dict[Any, Dict[str, Any]] = {}
        self.last: Dict[Any, int] = {}
        self.hidden: Set[str] = set()
        self.optimizers: Any = weakref.WeakSet()
        self.settings: Dict[str, Any] = {}
        self.gaps: List[str] = []
        self.recording, self.stopped, self.stepping = False, False, False
        self.steps = self.operations = self.tensors = self.parameters = 0
        self.missed: Optional[int] = None
        self.left, self.seconds = MANY, 0.0

    def told(self, ended: bool) -> Dict[str, Any]:
        """The key `signatures` of what is told."""
        gaps = sorted({*self.gaps, *(() if ended else (CUT_OFF,))})
        return {
            "seen": list(self.seen.values()),
            "complete": not gaps,
            "gaps": gaps,
            "missed": self.missed,
            "hidden": sorted(self.hidden),
            "settings": self.settings,
            "steps": self.steps,
            "operations": self.operations,
            "parameters": self.parameters,
            "seconds": round(self.seconds, 3),
        }

    def gap(self, why: str, step: Optional[int] = None) -> None:
        """Something is not seen from this step on, or from now on."""
        if why not in self.gaps:
            self.gaps.append(why)
        self.missed = min(filter(None, (self.missed, step or self.steps + 1)))

    def note(self, operation: Any, args: Any, options: Any) -> None:
        """Keep a call; whatever goes wrong with that is a gap in what was seen, and no error of the training."""
        started = time.thread_time()
        self.operations += 1
        try:
            computes = self.kinds.get(operation)
            if computes is None:
                computes = self.kinds[operation] = calls.computes(operation)
            if computes:
                self._keep(operation, args, options or {})
        except Exception as error:
            if not _own(error):
                raise
            problem("signatures", error)
            self.stop("%s: %s" % (calls.title(operation), type(error).__name__))
        self.seconds += time.thread_time() - started
        self.left -= 1
        if self.left <= 0 and self.recording:  # not at zero: threads count without a lock
            self.recording = False
            self.gap("more than %d operations" % MANY)

    def _keep(self, operation: Any, args: Any, options: Dict[str, Any]) -> None:
        key = (operation, calls.identity(self.torch.Tensor, args, options))
        known = self.seen.get(key)
        if known is None:
            known = self._describe(key, operation, args, options)
            if known is None:
                return
        known["calls"] += 1
        if self.last.get(key) != self.steps:
            self.last[key] = self.steps
            known["steps"] += 1
        # What a tensor holds at first, often zeros, is no measure of it.
        if known["calls"] & (known["calls"] - 1) == 0 and self._may_look(
            calls.tensors(self.torch.Tensor, args, options)
        ):
            seen = calls.describe(self.torch, operation, args, options)
            calls.widen([known["inputs"], known["options"]], [seen["inputs"], seen["options"]])
        phase = self._phase()
        if phase not in known["where"]:
            known["where"].append(phase)

    def _phase(self) -> str:
        if self.stepping:
            return "optimizer"
        if self.torch._C._current_graph_task_id() != -1:
            return "backward"
        return "forward" if self.torch.is_grad_enabled() else "other"

    def _describe(self, key: Any, operation: Any, args: Any, options: Dict[str, Any]) -> Optional[Dict[str, Any]]:
        torch = self.torch
        tensors = calls.tensors(torch.Tensor, args, options)
        if any(tensor.device.type == "meta" or type(tensor).__name__ == "FakeTensor" for tensor in tensors):
            return None  # shapes alone are worked out
        if operation.namespace in calls.EXCHANGES and all(tensor.device.type == "cpu" for tensor in tensors):
            return None
        try:
            told = calls.describe(torch, operation, args, options, self._may_look(tensors))
        except calls.Unknown as error:
            self.hidden.add("%s (%s)" % (calls.title(operation), error))
            return None
        self.tensors += len(tensors)
        if len(self.seen) >= MOST or self.tensors > MOST_TENSORS:
            self.stop("more than %d operations differ in something" % len(self.seen))
            return None
        found = self.seen[key] = dict(told, step=self.steps + 1, steps=0, calls=0, where=[])
        return found

    def _may_look(self, tensors: List[Any]) -> bool:
        """Whether numbers may be read; a gap where they may not."""
        captured = calls.is_captured(self.torch, tensors)
        if captured:
            self.gap(CAPTURED)
        return not captured

    def stop(self, why: str) -> None:
        """See nothing more."""
        self.recording, self.stopped = False, True
        self.gap(why)

    def watch(self) -> None:
        """Go on, if nobody else watches in this place: modes come off in the reverse order only."""
        if not self.stopped and not _modes():
            self.mode.__enter__()
            self.recording, self.left = True, MANY

    def pause(self) -> None:
        """Take no time until `watch`; the mode stays where another one lies above it."""
        self.recording = False
        self._take_off()

    def is_on(self) -> bool:
        """Whether the mode is in this thread."""
        return any(mode is self.mode for mode in _modes())

    def _take_off(self) -> bool:
        """Whether the mode was on top in this thread."""
        modes = _modes()
        if not modes or modes[-1] is not self.mode:
            return False
        try:
            self.mode.__exit__(None, None, None)
        except IndexError:  # it was taken off within a backward pass, after which PyTorch puts back what was there
            importlib.import_module("torch.utils._python_dispatch")._pop_mode()
        return True

    def leave(self) -> None:
        """Take the mode off this thread after the call that is being handed on, since PyTorch puts it back then.

        Tried at calls whose number is a power of two: another mode may lie above this one for long.
        """
        calls_here = self.here.calls = getattr(self.here, "calls", 0) + 1
        if not calls_here & (calls_here - 1) and sys.getprofile() is None:
            self.here.events = EVENTS
            sys.setprofile(self._leaving)

    def _leaving(self, *_: Any) -> None:
        self.here.events -= 1
        try:
            if not self.recording and not self._take_off() and self.here.events > 0:
                return
        except Exception as error:  # any version of PyTorch: the training goes on
            problem("signatures", error)
        sys.setprofile(None)

    def before_step(self, optimizer: Any, *_: Any) -> None:
        """A step of any optimiser begins."""
        self.stepping = True
        try:
            if optimizer not in self.optimizers:
                self.optimizers.add(optimizer)
                tensors = [tensor for group in optimizer.param_groups for tensor in group["params"]]
                self.parameters += sum(tensor.numel() * tensor.element_size() for tensor in tensors)
        except Exception as error:  # any optimiser of the script's own: its step is made
            problem("signatures", error)

    def after_step(self, *_: Any) -> None:
        """And ends: the time to look again, or not to look for a while."""
        self.stepping = False
        self.steps += 1
        try:
            self._after_step()
        except Exception as error:  # any version of PyTorch: the training goes on
            problem("signatures", error)
            self.stop("after a step: %s" % type(error).__name__)

    def _after_step(self) -> None:
        if not self.recording or self.gaps:
            self.pause()
            if not (self.steps + 1) & self.steps:  # the next step's number is a power of two
                self.watch()
        if not self.steps & (self.steps - 1):
            FOUND["signatures"] = self.told(ended=False)
            tell()


def _modes() -> List[Any]:
    python_dispatch = importlib.import_module("torch.utils._python_dispatch")
    return list(python_dispatch._get_current_dispatch_mode_stack())


def _own(error: BaseException) -> bool:
    """True for an error of this package's or PyTorch's making; else a signal's handler raised it, for the training."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    name = trace.tb_frame.f_globals.get("__name__", "") if trace is not None else ""
    return str(name).partition(".")[0] in ("reprobuild_inside", "torch", "functools", "math")
