"""What was begun is done, wherever a signal comes in between."""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

from reprobuild.ground.interrupts import uninterrupted


class Interrupt:
    """A signal to this process before one line of the main thread, by the line's number in the order of its lines."""

    def __init__(self, number: int, line: int) -> None:
        self.number, self.left = number, line

    def trace(self, frame: FrameType, event: str, _: Any) -> Any:
        """See `sys.settrace`."""
        if event == "line":
            self.left -= 1
            if self.left == -1:
                signal.raise_signal(self.number)
        return self.trace


class Work:
    """Two things of which nobody may do only one."""

    def __init__(self) -> None:
        self.begun = self.done = False

    def do(self) -> None:
        """Both."""
        with uninterrupted():
            self.begun = True
            time.sleep(0.001)
            self.done = True


@pytest.fixture
def terminated() -> Iterator[None]:
    """SIGTERM is an exception too, as under the command line."""
    before = signal.getsignal(signal.SIGINT), signal.signal(signal.SIGTERM, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before[0])
    signal.signal(signal.SIGTERM, before[1])


def interrupt(number: int, line: int, work: Work) -> bool:
    """Whether the signal was heard while the work was done, or right behind."""
    before = sys.gettrace()
    sys.settrace(Interrupt(number, line).trace)
    try:
        work.do()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.usefixtures("terminated")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_was_begun_is_done_whenever_a_signal_comes(number: int) -> None:
    for line in range(1000):
        work = Work()
        heard = interrupt(number, line, work)

        assert work.begun == work.done, line
        for another in (signal.SIGINT, signal.SIGTERM):
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(another)
        if not heard:
            break

    assert work.done
    assert line > 10


def test_what_is_raised_inside_is_raised() -> None:
    with pytest.raises(ZeroDivisionError), uninterrupted():
        _ = 1 // 0


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)

        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_have_nothing_to_hold_back() -> None:
    work = Work()
    thread = threading.Thread(target=work.do)
    thread.start()
    thread.join()

    assert work.done
