"""This machine's clock."""

import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runtime import clock
from runtime.clock import SystemClock, kernel_synced


def test_the_kernel_says_yes_or_no() -> None:
    assert kernel_synced() in (True, False)


@pytest.mark.parametrize(("trust", "synced"), [("always", True), ("never", False)])
def test_trust_overrules_the_kernel(
    monkeypatch: pytest.MonkeyPatch, trust: clock.Trust, synced: bool
) -> None:
    monkeypatch.setattr(clock, "kernel_synced", lambda: not synced)
    assert SystemClock(trust).synced() is synced


@pytest.mark.parametrize("says", [True, False])
def test_without_timesyncd_the_kernel_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, says: bool
) -> None:
    monkeypatch.setattr(clock, "TIMESYNC_MARK", tmp_path / "synchronized")
    monkeypatch.setattr(clock, "kernel_synced", lambda: says)
    assert SystemClock().synced() is says


def test_timesyncd_s_mark_is_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mark = tmp_path / "synchronized"
    mark.touch()
    monkeypatch.setattr(clock, "TIMESYNC_MARK", mark)
    monkeypatch.setattr(clock, "kernel_synced", lambda: False)
    assert SystemClock().synced()


def test_it_tells_monotonic_time_utc_and_its_boot() -> None:
    here = SystemClock()
    before_s = time.monotonic()
    assert before_s <= here.monotonic() <= time.monotonic()
    assert here.wall().tzinfo is UTC
    assert abs(here.wall() - datetime.now(UTC)) < timedelta(seconds=5)
    assert here.boot_id == SystemClock().boot_id
    assert len(here.boot_id) == 36


def test_waiting_ends_with_the_event_or_the_time() -> None:
    here, event = SystemClock(), threading.Event()
    assert here.wait(event, -1.0) is False
    assert here.wait(event, 0.01) is False
    threading.Timer(0.01, event.set).start()
    assert here.wait(event, 30.0) is True
