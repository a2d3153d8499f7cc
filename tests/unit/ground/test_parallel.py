import threading
from collections.abc import Generator, Iterator
from queue import Queue
from typing import cast

import pytest

from reprobuild.ground.errors import InputError
from reprobuild.ground.parallel import ahead


@pytest.mark.parametrize("count", [0, 1, 5, 100])
def test_items_come_in_their_order(count: int) -> None:
    assert list(ahead(iter(range(count)), 4)) == list(range(count))


def test_items_are_made_before_they_are_asked_for_and_no_more_than_may_be_held() -> None:
    made, fourth = [], threading.Event()

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            if number == 3:
                fourth.set()
            yield number

    taken = ahead(items(), 3)
    assert next(taken) == 0
    assert fourth.wait(30)
    assert len(made) == 4
    assert list(taken) == list(range(1, 100))


def test_what_nobody_takes_may_be_given_up_by_the_thread_that_makes_it() -> None:
    given_up: Queue[BaseException | None] = Queue()
    taken: Iterator[int] = iter(())

    def items() -> Iterator[int]:
        yield 0
        assert go_on.wait(30)
        try:
            cast("Generator[int, None, None]", taken).close()
        except BaseException as error:
            given_up.put(error)
        else:
            given_up.put(None)
        yield 1

    go_on = threading.Event()
    taken = ahead(items(), 1)
    assert next(taken) == 0
    go_on.set()

    assert given_up.get(timeout=30) is None


def test_an_error_comes_where_its_item_would() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise InputError("broken")

    taken = ahead(items(), 4)
    assert next(taken) == 1
    with pytest.raises(InputError, match="broken"):
        next(taken)
