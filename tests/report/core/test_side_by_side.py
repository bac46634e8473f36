"""Work on several cores: the same results in the same order, and one sentence where a process dies."""

import os
import signal

import numpy as np
import pytest
import threadpoolctl

from softcifar.errors import UserError
from softcifar.report.core.side_by_side import MOST, side_by_side, workers


@pytest.mark.parametrize("count", [1, 2])
def test_results_stand_in_the_order_of_the_items(monkeypatch, count):
    monkeypatch.setenv("SOFTCIFAR_WORKERS", str(count))
    offset = 3
    found = side_by_side(lambda item: (item + offset, os.getpid()), iter(range(6)))
    assert [value for value, _ in found] == [3, 4, 5, 6, 7, 8]
    assert (os.getpid() in {process for _, process in found}) == (count == 1)
    assert side_by_side(lambda item: item, []) == []


def test_a_process_has_one_thread_of_linear_algebra(monkeypatch):
    """More would wait for each other: there are as many processes as cores."""
    monkeypatch.setenv("SOFTCIFAR_WORKERS", "2")

    def threads(item: int) -> set[int]:
        np.linalg.inv(np.eye(2) * item)  # so that the library is there
        return {library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"}

    with threadpoolctl.threadpool_limits(2):
        assert threads(1) == {2}
        assert side_by_side(threads, [1, 2]) == [{1}, {1}]


def test_work_within_work_stays_in_its_process(monkeypatch):
    monkeypatch.setenv("SOFTCIFAR_WORKERS", "2")
    inner = side_by_side(lambda item: side_by_side(lambda each: (item * each, os.getpid()), [1, 2]), [1, 2, 3])
    assert [[value for value, _ in each] for each in inner] == [[1, 2], [2, 4], [3, 6]]
    assert all(len({process for _, process in each}) == 1 for each in inner)


def test_a_users_mistake_comes_through(monkeypatch):
    monkeypatch.setenv("SOFTCIFAR_WORKERS", "2")

    def fail(item: int) -> None:
        raise UserError(f"item {item}: wrong")

    with pytest.raises(UserError, match="item 0: wrong"):
        side_by_side(fail, [0, 1])


def test_a_process_that_is_killed_gives_a_sentence(monkeypatch):
    monkeypatch.setenv("SOFTCIFAR_WORKERS", "2")
    with pytest.raises(UserError, match=r"SOFTCIFAR_WORKERS: one of the processes that write the report was killed"):
        side_by_side(lambda item: os.kill(os.getpid(), signal.SIGKILL), [0, 1])


def test_as_many_processes_as_asked_for_or_as_there_are_cores(monkeypatch):
    monkeypatch.setenv("SOFTCIFAR_WORKERS", "3")
    assert workers() == 3
    monkeypatch.delenv("SOFTCIFAR_WORKERS")
    assert 1 <= workers() <= MOST
