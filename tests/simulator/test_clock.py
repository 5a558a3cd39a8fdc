"""The lot's clock moves when it is told to, and not before its turn."""

import threading
import time
from datetime import UTC, datetime

from simulator.clock import LotClock

START = datetime(2024, 3, 20, 10, 0, tzinfo=UTC)


def test_time_stands_until_it_is_moved() -> None:
    clock = LotClock(START, 0)
    assert (clock.monotonic(), clock.wall(), clock.synced()) == (0.0, START, True)
    clock.advance(90.0, threading.Event())
    assert clock.monotonic() == 90.0
    assert clock.wall() == datetime(2024, 3, 20, 10, 1, 30, tzinfo=UTC)


def test_time_never_goes_back() -> None:
    clock = LotClock(START, 0)
    clock.advance(90.0, threading.Event())
    clock.advance(10.0, threading.Event())
    assert clock.monotonic() == 90.0


def test_speed_0_waits_for_nothing() -> None:
    clock = LotClock(START, 0)
    began_s = time.monotonic()
    clock.advance(1e9, threading.Event())
    assert clock.wait(threading.Event(), 1e9) is False
    assert time.monotonic() - began_s < 1


def test_a_lots_second_takes_its_share_of_ours() -> None:
    clock = LotClock(START, 100)
    began_s = time.monotonic()
    clock.advance(20.0, threading.Event())
    assert time.monotonic() - began_s >= 0.19
    clock.wait(threading.Event(), 10.0)
    assert 0.29 <= time.monotonic() - began_s < 5


def test_what_is_late_catches_up_at_once() -> None:
    clock = LotClock(START, 1000)
    threading.Event().wait(0.1)
    began_s = time.monotonic()
    clock.advance(90.0, threading.Event())  # was due 10 ms ago
    assert time.monotonic() - began_s < 0.05


def test_stopping_ends_a_wait() -> None:
    stopping = threading.Event()
    stopping.set()
    began_s = time.monotonic()
    LotClock(START, 1).advance(1000.0, stopping)
    assert time.monotonic() - began_s < 5
