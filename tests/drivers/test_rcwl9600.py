from collections.abc import Iterator

import pytest

from drivers import DriverError, Quality
from drivers.rcwl9600 import CYCLE_S, Config, Driver, decode
from drivers.testing import DriverContract, ManualClock
from drivers.testing.i2c_messages import FakeMessageBus

TICK_S = 1e-9


class Rcwl:
    """The sensor: any byte but 01 is a command it does not know; a result takes 120 ms."""

    def __init__(self, clock: ManualClock) -> None:
        self.distance_um = 2_500_000
        self.pinged_s: list[float] = []
        self._clock = clock

    def write(self, data: bytes) -> None:
        assert data == b"\x01", f"no such command: {data.hex()}"
        if self.pinged_s:
            assert self._clock() - self.pinged_s[-1] >= CYCLE_S - TICK_S, "pinged too soon"
        self.pinged_s.append(self._clock())

    def read(self, length: int) -> bytes:
        assert length == 3
        if self.pinged_s:
            assert self._clock() - self.pinged_s[-1] >= 0.120 - TICK_S, "read while ranging"
        return self.distance_um.to_bytes(3, "big")


@pytest.fixture
def sensor(clock: ManualClock) -> Rcwl:
    return Rcwl(clock)


@pytest.fixture
def bus(sensor: Rcwl) -> FakeMessageBus:
    pytest.importorskip("smbus2")
    return FakeMessageBus({0x57: sensor})


@pytest.fixture
def driver(bus: FakeMessageBus, clock: ManualClock) -> Iterator[Driver]:
    driver = Driver(Config(), clock, open_bus=bus.open, sleep=clock.sleep)
    driver.open()
    yield driver
    driver.close()


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, clock: ManualClock, bus: FakeMessageBus) -> Driver:
        return Driver(Config(), clock, open_bus=bus.open, sleep=clock.sleep)


@pytest.mark.parametrize(
    ("data", "quality", "value"),
    [
        ("26 25 A0", Quality.OK, 2500.0),
        ("00 4E 20", Quality.OK, 20.0),
        ("00 4E 1F", Quality.BLOCKED, None),
        ("00 00 00", Quality.NO_ECHO, None),
        ("44 A6 38", Quality.OK, 4499.0),
        ("44 AA 20", Quality.NO_ECHO, None),
        ("FF FF FF", Quality.NO_ECHO, None),
    ],
)
def test_decode_reads_micrometres(data: str, quality: Quality, value: float | None) -> None:
    reading = decode(bytes.fromhex(data), 5.0)
    assert (reading.quality, reading.value, reading.unit) == (quality, value, "mm")


def test_a_ping_is_read_120_ms_later_and_its_time_is_the_pings(
    driver: Driver, sensor: Rcwl, clock: ManualClock
) -> None:
    reading = driver.read()
    assert (reading.value, reading.raw) == (2500.0, 2_500_000)
    assert reading.monotonic_s == sensor.pinged_s[0]
    assert clock() - sensor.pinged_s[0] == pytest.approx(0.120)


def test_reads_back_to_back_keep_the_cycle(driver: Driver, sensor: Rcwl) -> None:
    for _ in range(3):
        driver.read()
    gaps = [b - a for a, b in zip(sensor.pinged_s, sensor.pinged_s[1:], strict=False)]
    assert gaps == [pytest.approx(0.120)] * 2


def test_a_sensor_that_goes_away_is_a_driver_error_with_a_hint(
    bus: FakeMessageBus, driver: Driver
) -> None:
    del bus.chips[0x57]
    with pytest.raises(DriverError, match=r"rcwl9600 at 0x57 on i2c-1.*121") as caught:
        driver.read()
    assert "i2cdetect" in caught.value.hint


def test_open_finds_out_that_nobody_answers_and_lets_the_bus_go(clock: ManualClock) -> None:
    bus = FakeMessageBus({})
    with pytest.raises(DriverError, match="rcwl9600 at 0x57"):
        Driver(Config(), clock, open_bus=bus.open).open()
    assert bus.closed
