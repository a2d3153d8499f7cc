"""What every command shares in talking: progress on a terminal's standard error, notes, JSON, sizes."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, BinaryIO, TextIO

from reprobuild.ground.text import escaped_lines
from reprobuild.tools.progress import Progress, Silent

if TYPE_CHECKING:
    from rich import progress as bars
    from rich.progress import TaskID


class Plain(Silent):
    """Notes alone: standard error is not a terminal."""

    def note(self, line: str) -> None:
        """See `Progress.note`."""
        say(line)


class Bar:
    """Progress as rich draws it, from the first thing on that takes time."""

    _task: "TaskID | None" = None

    @cached_property
    def rich(self) -> "bars.Progress":
        """What draws, at work."""
        from rich import progress as bars
        from rich.console import Console

        drawing = bars.Progress(
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(),
            bars.TaskProgressColumn(),
            bars.TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        drawing.start()
        return drawing

    def stop(self) -> None:
        """Take away what is drawn."""
        if "rich" in self.__dict__:
            self.rich.stop()

    def begin(self, title: str, total: int) -> None:
        """See `Progress.begin`."""
        if self._task is not None:
            self.rich.remove_task(self._task)
        self._task = self.rich.add_task(title, total=total)

    def advance(self, amount: int = 1) -> None:
        """See `Progress.advance`."""
        if self._task is not None:
            self.rich.advance(self._task, amount)

    def note(self, line: str) -> None:
        """See `Progress.note`."""
        self.rich.console.print(escaped_lines(line), markup=False, highlight=False)


@contextmanager
def progress() -> Iterator[Progress]:
    """Bars on a terminal's standard error, nothing but notes elsewhere."""
    if sys.stderr.isatty():
        bar = Bar()
        try:
            yield bar
        finally:
            bar.stop()
    else:
        yield Plain()


def forwarding(stream: BinaryIO) -> Callable[[bytes], None]:
    """What hands on a training's output as it comes, for as long as somebody reads it."""

    def forward(chunk: bytes) -> None:
        try:
            stream.write(chunk)
            stream.flush()
        except BrokenPipeError:
            _drop(stream)

    return forward


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _drop(stream)


def _drop(stream: BinaryIO | TextIO) -> None:
    """Nobody reads this any more: what is still in its buffer, and what follows, goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def say(line: str) -> None:
    """A line for a person, on standard error, so that standard output stays the result; nothing in it is obeyed."""
    _write(sys.stderr, escaped_lines(line) + "\n")


def answer(text: str) -> None:
    """The result, on standard output."""
    _write(sys.stdout, text + "\n")


def answer_json(value: object) -> None:
    """The result as JSON, on standard output: in characters that its encoding has."""
    unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    answer(json.dumps(value, indent=2, sort_keys=True, ensure_ascii=not unicode))


def size_text(size: int) -> str:
    """Bytes as people read them, in decimal units."""
    amount = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    raise AssertionError
