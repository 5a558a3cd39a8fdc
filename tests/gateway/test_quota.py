"""A sender's token bucket."""

import pytest

from gateway import quota as module
from gateway.quota import Quota


def allowed(quota: Quota, sender: str, number: int, now_s: float) -> int:
    return sum(quota.allows(sender, now_s) for _ in range(number))


def test_a_burst_at_once_and_then_so_many_a_second() -> None:
    """Red with a bucket that grows beyond its burst, and with one that never grows."""
    quota = Quota(per_s=2, burst=5)
    assert allowed(quota, "a", 10, 100.0) == 5
    assert allowed(quota, "a", 10, 101.5) == 3
    assert allowed(quota, "a", 10, 1000.0) == 5


def test_what_is_refused_costs_nothing() -> None:
    """Red where a flood that goes on keeps its own bucket empty."""
    quota = Quota(per_s=1, burst=1)
    found = [quota.allows("a", n / 8) for n in range(33)]
    assert found == [n % 8 == 0 for n in range(33)]


def test_one_senders_flood_is_no_others() -> None:
    quota = Quota(per_s=1, burst=1)
    allowed(quota, "evil", 100, 0.0)
    assert quota.allows("good", 0.0)


def test_made_up_names_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SENDERS", 10)
    quota = Quota(per_s=0, burst=1)
    assert quota.allows("good", 0.0)
    assert sum(quota.allows(f"evil-{n}", 0.0) for n in range(1000)) == 10
    assert not quota.allows("evil-again", 0.0)
    assert len(quota._buckets) <= 11
