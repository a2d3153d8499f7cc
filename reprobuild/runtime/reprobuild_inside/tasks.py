"""Tasks of a pool: each has seeds of its own, whichever of the pool's processes takes it.

Which process takes a task is a race. With seeds of the process alone, a script that draws in its tasks would get other
numbers in each run; so every task goes on as a child of the process that asked for it, the first, second, third …
"""

import os
from typing import Any, Callable, Iterable, Iterator, Tuple

from reprobuild_inside import seeds
from reprobuild_inside.children import LIBRARY
from reprobuild_inside.found import problem
from reprobuild_inside.imports import after
from reprobuild_inside.lineage import HERE, Lineage
from reprobuild_inside.wrapping import wrap

PROCESSES = ("LokyBackend", "MultiprocessingBackend")
"""Backends of joblib whose tasks run in other processes of this machine, which have this runtime."""


class Seeded:
    """A function of a task; called in another process than it was made in, it seeds that one first."""

    def __init__(self, function: Callable[..., Any], lineage: Lineage, process: int) -> None:
        self.function, self.lineage, self.process = function, lineage, process

    def __reduce__(self) -> Tuple[Any, ...]:
        return _again, (self.function, self.lineage.rank, self.lineage.path, self.process)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if self.process != os.getpid():
            _become(self.lineage)
        return self.function(*args, **kwargs)


def _again(function: Callable[..., Any], rank: str, path: Tuple[str, ...], process: int) -> Seeded:
    return Seeded(function, Lineage(rank, path), process)


def _become(lineage: Lineage) -> None:
    try:
        seeds.become(lineage)
    except Exception as error:  # whatever the script did to a generator: its task runs
        problem("a task", error)


def watch_pools() -> None:
    """Watch for the pools of the standard library and of joblib, which scikit-learn uses."""
    after("multiprocessing.pool", lambda module: wrap("worker", _pool_worker, module))
    after("concurrent.futures.process", lambda module: wrap("submit", _submit, module.ProcessPoolExecutor))
    after("joblib.parallel", lambda module: wrap("__call__", _parallel, module.Parallel))


def _seeded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The next task; plain where another process could not read ours."""
    if LIBRARY not in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        return function
    return Seeded(function, HERE.lineage.child("task", os.environ), os.getpid())


def _submit(original: Any) -> Callable[..., Any]:
    def submit(self: Any, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        return original(self, _seeded(fn), *args, **kwargs)

    return submit


def _parallel(original: Any) -> Callable[..., Any]:
    def call(self: Any, iterable: Iterable[Any]) -> Any:
        elsewhere = type(getattr(self, "_backend", None)).__name__ in PROCESSES
        return original(self, _each(iterable) if elsewhere else iterable)

    return call


def _each(iterable: Iterable[Any]) -> Iterator[Any]:
    for function, args, kwargs in iterable:
        yield _seeded(function), args, kwargs


class _Queue:
    """The queue that a pool's worker takes its tasks from, by the numbers of which it is seeded.

    https://github.com/python/cpython/blob/3.11/Lib/multiprocessing/pool.py (worker)
    """

    def __init__(self, queue: Any, parent: Tuple[str, ...]) -> None:
        self.queue, self.parent = queue, parent

    def __getattr__(self, name: str) -> Any:
        return getattr(self.queue, name)

    def get(self) -> Any:
        task = self.queue.get()
        if task is not None:
            _become(Lineage(HERE.lineage.rank, (*self.parent, "job-%s-%s" % tuple(task[:2]))))
        return task


def _pool_worker(original: Any) -> Callable[..., Any]:
    def worker(inqueue: Any, *rest: Any, **more: Any) -> Any:
        if hasattr(inqueue, "_writer"):  # a pool of threads has another kind of queue
            from multiprocessing import current_process

            # The pool's own process, whichever process forked this one for it.
            owner = "-".join(map(str, getattr(current_process(), "_identity", ())[:-1]))
            inqueue = _Queue(inqueue, (*HERE.lineage.path[:-1], "pool" + owner))
        return original(inqueue, *rest, **more)

    return worker
