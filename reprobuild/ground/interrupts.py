"""Ctrl-C and SIGTERM, held back while something is asked that goes on without the asker."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Within it neither is heard, and the first of those that came is heard at its end; only for what has a deadline.

    Python's handlers run in the main thread alone, so that elsewhere nothing needs to be held back
    (https://docs.python.org/3/library/signal.html#signals-and-threads).
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    over = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def hold(number: int, frame: FrameType | None) -> None:
        if not over.is_set():
            held.append(number)
        elif callable(handler := before[signal.Signals(number)]):  # a signal kept its handlers from being set again
            handler(number, frame)

    try:
        for number in before:
            signal.signal(number, hold)
        yield
    finally:
        over.set()
        for number, handler in before.items():
            signal.signal(number, handler)
        if held:
            signal.raise_signal(held[0])
