"""Work in threads: order, bounded lookahead, errors in their place, an early end."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator

import pytest

from audiosearch.errors import AudioError
from audiosearch.parallel import JOBS_PER_THREAD, map_in_threads, prefetch


def test_results_keep_the_order_of_the_jobs() -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.05 if number % 5 == 0 else 0.0)
        return number * number

    for threads in (0, 1, 2, 5):
        jobs = ((f"job {number}", number) for number in range(23))
        expected = [(f"job {number}", number * number) for number in range(23)]
        assert list(map_in_threads(slow_first, jobs, threads)) == expected
        assert list(map_in_threads(slow_first, iter([]), threads)) == []


@pytest.mark.parametrize("threads", [1, 2])
def test_tags_without_a_job_keep_their_place(threads: int) -> None:
    jobs = iter([("a", None), ("b", 1), ("c", None), ("d", 2), ("e", None)])
    results = list(map_in_threads(lambda number: 10 * number, jobs, threads))
    assert results == [("a", None), ("b", 10), ("c", None), ("d", 20), ("e", None)]


def test_jobs_are_consumed_only_a_few_in_advance() -> None:
    consumed = 0

    def jobs() -> Iterator[tuple[int, int]]:
        nonlocal consumed
        for consumed in range(1, 101):
            yield consumed, consumed

    for threads in (1, 3):
        consumed = 0
        for received, _ in enumerate(map_in_threads(lambda number: number, jobs(), threads), start=1):
            assert consumed - received <= JOBS_PER_THREAD * threads
        assert consumed == 100


def test_a_result_is_given_as_soon_as_it_and_a_further_job_are_there() -> None:
    """A recording that is done is not kept until many others are."""
    done = threading.Event()

    def jobs() -> Iterator[tuple[int, int]]:
        yield 1, 1
        assert done.wait(5)
        time.sleep(0.1)
        yield 2, 2
        pytest.fail("the first result comes before the third job")

    def work(number: int) -> int:
        done.set()
        return number

    results = map_in_threads(work, jobs(), 4)
    assert next(results) == (1, 1)


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_is_raised_in_its_place_and_ends_the_threads(threads: int) -> None:
    def divide(number: int) -> float:
        return 1 / number

    results = map_in_threads(divide, ((number, number) for number in (1, 2, 0, 4, 5)), threads)
    assert [next(results), next(results)] == [(1, 1.0), (2, 0.5)]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert not any(thread.name.startswith("decode") for thread in threading.enumerate())


@pytest.mark.parametrize("threads", [1, 3])
def test_an_error_of_the_jobs_is_raised(threads: int) -> None:
    def jobs() -> Iterator[tuple[int, int]]:
        yield 1, 1
        raise AudioError("two")

    with pytest.raises(AudioError, match="two"):
        list(map_in_threads(lambda number: number, jobs(), threads))


def test_closing_cancels_what_waits() -> None:
    begun: list[int] = []
    go_on = threading.Event()

    def work(number: int) -> int:
        begun.append(number)
        if number:
            go_on.wait(5)
        return number

    results = map_in_threads(work, ((number, number) for number in range(100)), 2)
    assert next(results) == (0, 0)
    threading.Timer(0.1, go_on.set).start()
    results.close()
    count = len(begun)
    assert count <= 4
    time.sleep(0.05)
    assert len(begun) == count
    assert not any(thread.name.startswith("decode") for thread in threading.enumerate())


def test_prefetch_keeps_order_and_raises_in_place() -> None:
    def count() -> Generator[int, None, None]:
        yield from range(5)
        raise AudioError("five")

    items = prefetch(count(), 3)
    assert [next(items) for _ in range(5)] == list(range(5))
    with pytest.raises(AudioError, match="five"):
        next(items)
