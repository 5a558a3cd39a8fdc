"""One asks, the others take its answer; and nobody is kept waiting for what is away."""

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from console.answers import Answer, Away


def test_an_answer_is_kept_for_a_moment() -> None:
    asked: list[int] = []
    kept = Answer("it", lambda: asked.append(1) or len(asked), 60, (OSError,))
    assert [kept.told() for _ in range(50)] == [1] * 50


def test_an_answer_is_asked_once_by_many_at_a_time() -> None:
    asked, gate = [], threading.Event()

    def ask() -> int:
        asked.append(1)
        assert gate.wait(20)
        return 7

    kept = Answer("it", ask, 60, (OSError,))
    with ThreadPoolExecutor(20) as pool:
        told = [pool.submit(kept.told) for _ in range(20)]
        gate.set()
        assert [each.result(20) for each in told] == [7] * 20
    assert len(asked) == 1


def test_while_one_tries_again_the_others_are_told_at_once() -> None:
    tries, gate, trying = count(), threading.Event(), threading.Event()

    def ask() -> int:
        if next(tries):
            trying.set()
            assert gate.wait(20)
            return 7
        raise OSError("no route")

    kept = Answer("it", ask, 0, (OSError,))
    with pytest.raises(Away, match="it has given no answer since"):
        kept.told()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(kept.told)
        assert trying.wait(20)
        with pytest.raises(Away):
            kept.told()  # while the first still waits
        gate.set()
        assert first.result(20) == 7


def test_an_answer_of_before_is_not_told_while_it_is_away() -> None:
    said: list[Any] = [7, OSError("gone"), OSError("gone"), 8]

    def ask() -> int:
        if isinstance(said[0], OSError):
            raise said.pop(0)
        return said.pop(0)

    kept = Answer("it", ask, 0, (OSError,))
    assert kept.told() == 7
    since = []
    for _ in range(2):
        with pytest.raises(Away) as error:
            kept.told()
        since.append(error.value.since)
    assert since[0] == since[1]
    assert kept.told() == 8
