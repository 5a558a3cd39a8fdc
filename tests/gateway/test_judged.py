"""A gateway's clock against its agents': who is believed."""

from datetime import timedelta

import pytest

from gateway.judged import KEPT_S, JudgedClock
from gateway.testing import SetClock

YEARS_10 = 10 * 365 * 86_400.0


def judged(*ahead_s: float, synced: bool = True) -> bool:
    """Whether ours is believed where each agent's clock is so much ahead of it."""
    clock = SetClock(synced=synced)
    made = JudgedClock(clock, 300)
    for number, each in enumerate(ahead_s):
        made.hears(f"pi-{number}", clock.wall() + timedelta(seconds=each))
    return made.synced()


@pytest.mark.parametrize(
    ("ahead_s", "believed"),
    [
        ((), True),
        ((YEARS_10,), True),  # one against one
        ((YEARS_10, YEARS_10), False),
        ((YEARS_10, 0), True),
        ((YEARS_10, YEARS_10, 0), False),
        ((YEARS_10, YEARS_10, 0, 0), True),
        ((YEARS_10, -YEARS_10), True),  # two liars
        ((-YEARS_10, -YEARS_10), False),
        ((-3600, -3600), True),  # heartbeats that a broker kept
        ((299, 299), True),
        ((301, 301), False),
    ],
)
def test_most_of_two_or_more_agents_contradict_a_clock(
    ahead_s: tuple[float, ...], believed: bool
) -> None:
    assert judged(*ahead_s) is believed


def test_a_clock_that_never_synced_is_not_believed_whatever_agents_say() -> None:
    assert not judged(0, 0, synced=False)


def test_a_clock_is_believed_again_once_it_is_set_right_or_nobody_speaks_against_it() -> None:
    clock = SetClock()
    made = JudgedClock(clock, 300)
    for agent in ("pi-1", "pi-2"):
        made.hears(agent, clock.wall() + timedelta(hours=1))
    assert not made.synced()
    right = clock.wall
    clock.wall = lambda: right() + timedelta(hours=1)  # type: ignore[method-assign]
    assert made.synced()
    clock.wall = right  # type: ignore[method-assign]
    assert not made.synced()
    clock.now_s += KEPT_S
    assert made.synced()
