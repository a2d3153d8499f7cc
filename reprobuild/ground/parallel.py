"""Several things at a time, in threads, for as long as nothing goes wrong."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> list[Result]:
    """The results in the order of the items.

    On the first error, and on Ctrl-C, what has not begun is left out, and what waits for a network is not waited for.
    """
    pool = ThreadPoolExecutor(workers)
    try:
        found = list(pool.map(work, items))
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()
    return found


def ahead(items: Iterator[Item], held: int) -> Iterator[Item]:
    """The same items in their order, `held` of them made in a thread while others are used."""
    end = object()
    pool = ThreadPoolExecutor(1)
    try:
        made = deque(pool.submit(next, items, end) for _ in range(held))
        while (item := made.popleft().result()) is not end:
            made.append(pool.submit(next, items, end))
            yield item  # type: ignore[misc]  # not the end
    finally:
        # Not waited for: what nobody takes any more may be given up by the very thread that makes it.
        pool.shutdown(wait=False, cancel_futures=True)
