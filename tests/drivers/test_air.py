"""One ping at a time, over all the buses of a process."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from drivers import DriverError, SensorDriver, _air, hcsr04, rcwl9600, srf
from drivers._air import ping_cycle, quiet_air
from drivers.testing import EchoRanger, ManualClock
from drivers.testing.i2c_messages import FakeMessageBus, RegisterChip

WAIT_S = 10.0
FASTER = 50
"""Seconds of a driver's sleep to one of the test's."""


class Air:
    """Who is in the air now, and whether it was ever more than one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0
        self.pings = 0

    def sleep(self, seconds: float) -> None:
        """A driver's sleep: its ping, or its echo, is under way."""
        with self._lock:
            self._now += 1
            self.pings += 1
            self.most = max(self.most, self._now)
        time.sleep(seconds / FASTER)
        with self._lock:
            self._now -= 1


class Silent:
    """An RCWL-9600 that hears nothing."""

    def write(self, data: bytes) -> None: ...

    def read(self, length: int) -> bytes:
        return bytes(length)


@pytest.fixture
def air() -> Air:
    return Air()


def sleeper(clock: ManualClock, air: Air) -> Callable[[float], None]:
    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        air.sleep(seconds)

    return sleep


@pytest.fixture
def three(air: Air) -> Iterator[list[SensorDriver]]:
    """A sensor on pins, and one on each of two I2C buses."""
    pytest.importorskip("smbus2")
    clocks = [ManualClock() for _ in range(3)]
    pins = EchoRanger(23, 24, clocks[0])
    buses = [
        FakeMessageBus({0x57: Silent()}),
        FakeMessageBus({0x70: RegisterChip({0: 6, 1: 0x80, 2: 0, 3: 0}, writable=[0])}),
    ]
    drivers: list[SensorDriver] = [
        hcsr04.Driver(
            hcsr04.Config(trigger=23, echo=24), clocks[0], pins.factory, sleeper(clocks[0], air)
        ),
        rcwl9600.Driver(rcwl9600.Config(bus=1), clocks[1], buses[0].open, sleeper(clocks[1], air)),
        srf.Driver(
            srf.Config(model="srf02", bus=2), clocks[2], buses[1].open, sleeper(clocks[2], air)
        ),
    ]
    for _ in range(20):
        pins.will_echo(0.01)
    for driver in drivers:
        driver.open()
    yield drivers
    for driver in drivers:
        driver.close()


def read_all(drivers: list[SensorDriver], times: int) -> list[BaseException]:
    """Each driver on a thread of its own, as the agent's buses are."""
    failures: list[BaseException] = []

    def poll(driver: SensorDriver) -> None:
        try:
            for _ in range(times):
                driver.read()
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=poll, args=(driver,)) for driver in drivers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert not any(thread.is_alive() for thread in threads)
    return failures


def test_the_three_are_on_three_buses(three: list[SensorDriver]) -> None:
    assert len({driver.bus for driver in three}) == 3


def test_pings_of_several_buses_never_overlap(air: Air, three: list[SensorDriver]) -> None:
    assert read_all(three, 15) == []
    assert air.pings >= 45
    assert air.most == 1


@contextmanager
def hung() -> Iterator[None]:
    """A sensor on another bus hangs in the middle of its ping."""
    holding, release = threading.Event(), threading.Event()

    def hang() -> None:
        with quiet_air():
            holding.set()
            release.wait(WAIT_S)

    thread = threading.Thread(target=hang)
    thread.start()
    assert holding.wait(WAIT_S)
    yield
    release.set()
    thread.join(WAIT_S)


def test_a_hung_sensor_delays_the_others_by_the_longest_ping_at_most(
    three: list[SensorDriver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_air, "LONGEST_S", 0.05)
    with hung():
        for driver in three:
            before_s = time.monotonic()
            driver.read()
            waited_s = time.monotonic() - before_s
            assert 0.045 <= waited_s < 1.0  # a wait without an end would take 10 s


def test_the_longest_wait_is_longer_than_any_ping(three: list[SensorDriver]) -> None:
    assert 2 * max(rcwl9600.CYCLE_S, hcsr04.TIMING.cycle_s) < _air.LONGEST_S
    assert all(driver.timeout_s > _air.LONGEST_S for driver in three)


def test_the_air_is_one_sensors_again_after_a_hung_one(
    air: Air, three: list[SensorDriver], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(_air, "LONGEST_S", 0.01)
        with hung():
            three[1].read()
    assert read_all(three, 5) == []
    assert air.most == 1


def test_a_ping_that_fails_lets_the_air_go() -> None:
    clock = ManualClock()
    with (
        pytest.raises(DriverError, match="gone"),
        ping_cycle(0.06, clock, clock.sleep),
    ):
        raise DriverError("gone")
    assert _air._air.acquire(timeout=0)
    _air._air.release()


def test_a_cycle_ends_when_its_time_is_over_and_not_later() -> None:
    clock = ManualClock(100.0)
    with ping_cycle(0.06, clock, clock.sleep) as pinged_s:
        clock.sleep(0.02)
    assert (pinged_s, clock()) == (100.0, pytest.approx(100.06))
    with ping_cycle(0.06, clock, clock.sleep):
        clock.sleep(0.5)
    assert clock() == pytest.approx(100.56)
