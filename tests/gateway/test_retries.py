"""The pauses behind failures: growing, bounded, and not those of the other gateways."""

import random
from collections.abc import Iterator

import pytest

from gateway.config import ForwardSettings
from gateway.retries import BackOff

SETTINGS = ForwardSettings(retry_first_s=0.5, retry_max_s=60)
A_WEEK = 7 * 24 * 3600


@pytest.fixture(autouse=True)
def dice() -> Iterator[None]:
    state = random.getstate()
    random.seed(1)
    yield
    random.setstate(state)


def test_pauses_grow_to_their_limit_and_begin_anew_after_a_success() -> None:
    back_off = BackOff(SETTINGS)
    pauses = [back_off.next_s(None) for _ in range(40)]
    assert all(0.25 <= pause <= 60 for pause in pauses)
    assert all(pause <= 0.5 * 2**n for n, pause in enumerate(pauses))
    assert max(pauses) > 30
    back_off.reset()
    assert back_off.next_s(None) <= 0.5


def test_gateways_that_lost_one_cloud_together_do_not_come_back_together() -> None:
    """Behind an hour of failures they call all over the longest pause, not in step."""
    fleet = [BackOff(SETTINGS) for _ in range(200)]
    calls = []
    for back_off in fleet:
        at_s = 0.0
        while at_s < 3600:
            at_s += back_off.next_s(None)
        calls.append(at_s - 3600)
    busiest = max(sum(s <= call < s + 1 for call in calls) for s in range(60))
    assert busiest < 20, "of 200, in one second"


def test_a_week_of_failures_does_not_overflow() -> None:
    back_off = BackOff(SETTINGS)
    assert all(0 < back_off.next_s(None) <= 60 for _ in range(A_WEEK // 60))


def test_what_the_upstream_asks_for_is_the_least() -> None:
    assert 120 <= BackOff(SETTINGS).next_s(120) <= 180
