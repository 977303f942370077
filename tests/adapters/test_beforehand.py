"""What is fetched beforehand comes in its order, one part ahead, and stops when nobody wants it any more."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from sagadoctor.adapters.sql.beforehand import beforehand


@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_parts_come_in_their_order(count: int) -> None:
    assert list(beforehand([partial(int, number) for number in range(count)])) == list(range(count))


def test_the_next_part_runs_while_this_one_is_read_and_no_more() -> None:
    begun: list[int] = []
    second = threading.Event()

    def part(number: int) -> int:
        begun.append(number)
        if number == 1:
            second.set()
        return number

    told = beforehand([partial(part, number) for number in range(5)])
    assert next(told) == 0
    assert second.wait(30)
    assert begun == [0, 1]
    assert list(told) == [1, 2, 3, 4]


def test_an_error_is_raised_where_its_part_is_awaited() -> None:
    def fail() -> int:
        raise LookupError("gone")

    told = beforehand([partial(int, 1), fail, partial(int, 3)])
    assert next(told) == 1
    with pytest.raises(LookupError, match="gone"):
        next(told)


def test_after_the_end_no_part_runs_any_more() -> None:
    running, go_on, ran = threading.Event(), threading.Event(), list[int]()

    def slow() -> int:
        running.set()
        go_on.wait(30)
        ran.append(1)
        return 1

    told = beforehand([partial(int, 0), slow, partial(ran.append, 2)])
    assert next(told) == 0
    assert running.wait(30)
    threading.Timer(0.05, go_on.set).start()
    told.close()
    assert ran == [1]
