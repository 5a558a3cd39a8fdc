from collections.abc import Iterator

import pytest

from drivers import DriverError, Quality
from drivers.qmc5883l import Config, Driver, control_byte, decode
from drivers.testing import DriverContract, FakeChip, FakeI2C, ManualClock

STATUS = 0x06
READY = 0x01
# X = 1200, Y = -2400, Z = 1: little-endian, in that order.
DATA = bytes.fromhex("B0 04  A0 F6  01 00")


def chip(chip_id: int = 0xFF) -> FakeChip:
    registers = dict(enumerate(DATA)) | {STATUS: READY, 0x0D: chip_id}
    return FakeChip(registers, writable=(0x09, 0x0A, 0x0B), block=range(6))


@pytest.fixture
def bus() -> FakeI2C:
    return FakeI2C({0x0D: chip()})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def driver(bus: FakeI2C, clock: ManualClock) -> Iterator[Driver]:
    driver = Driver(Config(), clock, open_bus=bus.open, sleep=clock.sleep)
    driver.open()
    yield driver
    driver.close()


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, clock: ManualClock, bus: FakeI2C) -> Driver:
        return Driver(Config(), clock, open_bus=bus.open, sleep=clock.sleep)


@pytest.mark.parametrize(
    ("range_gauss", "field"), [(2, (100.0, -200.0, 1 / 12)), (8, (400.0, -800.0, 1 / 3))]
)
def test_decode_scales_counts_to_milligauss(
    range_gauss: int, field: tuple[float, float, float]
) -> None:
    reading = decode(DATA, READY, range_gauss, 5.0)
    assert reading.value == pytest.approx(field)
    assert reading.raw == (1200, -2400, 1)


@pytest.mark.parametrize(
    ("range_gauss", "rate_hz", "byte"), [(2, 10, 0x01), (8, 200, 0x1D), (2, 50, 0x05)]
)
def test_control_byte_is_that_of_the_datasheet(range_gauss: int, rate_hz: int, byte: int) -> None:
    assert control_byte(range_gauss, rate_hz) == byte


def test_open_starts_continuous_measurement(bus: FakeI2C, driver: Driver) -> None:
    registers = bus.chips[0x0D].registers
    assert (registers[0x0B], registers[0x09]) == (0x01, 0x01)


def test_a_read_waits_for_new_data(bus: FakeI2C, driver: Driver, clock: ManualClock) -> None:
    bus.chips[0x0D].script(STATUS, 0, 0, READY)
    assert driver.read().quality is Quality.OK
    assert clock() == pytest.approx(1000.05)


def test_no_new_data_within_two_periods_is_no_data(
    bus: FakeI2C, driver: Driver, clock: ManualClock
) -> None:
    bus.chips[0x0D].script(STATUS, 0)
    assert driver.read().quality is Quality.NO_DATA
    assert clock() == pytest.approx(1000.2, abs=0.03)


def test_saturation_is_overflow_and_has_no_value(bus: FakeI2C, driver: Driver) -> None:
    bus.chips[0x0D].script(STATUS, READY | 0x02)
    reading = driver.read()
    assert (reading.quality, reading.value) == (Quality.OVERFLOW, None)


def test_a_chip_that_goes_away_is_a_driver_error_with_a_hint(bus: FakeI2C, driver: Driver) -> None:
    del bus.chips[0x0D]
    with pytest.raises(DriverError, match=r"qmc5883l at 0x0D on i2c-1.*121") as caught:
        driver.read()
    assert "i2cdetect" in caught.value.hint


def test_open_refuses_another_chip_and_lets_the_bus_go(clock: ManualClock) -> None:
    bus = FakeI2C({0x0D: chip(chip_id=0x48)})
    driver = Driver(Config(), clock, open_bus=bus.open)
    with pytest.raises(DriverError, match="chip ID is 0x48, expected 0xFF"):
        driver.open()
    assert bus.closed


def test_a_missing_bus_is_a_driver_error_that_tells_how_to_enable_it(clock: ManualClock) -> None:
    pytest.importorskip("smbus2")
    with pytest.raises(DriverError, match="i2c-250") as caught:
        Driver(Config(bus=250), clock).open()
    assert "dtparam=i2c_arm=on" in caught.value.hint
