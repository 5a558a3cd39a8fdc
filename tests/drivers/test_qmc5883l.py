from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import DriverError, Quality, Reading
from drivers.qmc5883l import Config, Driver, control_byte, decode
from drivers.testing import FakeChip, ManualClock, assert_well_formed
from drivers.testing.magnetometer import DriverContract

STATUS = 0x06
READY = 0x01
OVERFLOW = 0x02
# X = 1200, Y = -2400, Z = 1: little-endian, in that order.
DATA = bytes.fromhex("B0 04  A0 F6  01 00")


class TestQMC5883L(DriverContract):
    driver_type = Driver
    config = Config()

    @pytest.fixture
    def chip(self) -> FakeChip:
        return FakeChip(
            dict(enumerate(DATA)) | {STATUS: 0, 0x0D: 0xFF},
            writable=(0x09, 0x0A, 0x0B),
            block=range(6),
            ready=(STATUS, READY),
        )

    def test_open_starts_continuous_measurement(self, chip: FakeChip, driver: Driver) -> None:
        driver.open()
        assert chip.written == [(0x0B, 0x01), (0x09, 0x01)]

    def test_a_read_takes_two_periods_at_the_most(self, driver: Driver) -> None:
        assert driver.timeout_s == pytest.approx(0.2)

    def test_saturation_is_overflow_and_has_no_value(
        self, chip: FakeChip, driver: Driver, measured: Callable[[], Reading]
    ) -> None:
        driver.open()
        chip.registers[STATUS] = OVERFLOW
        reading = measured()
        assert (reading.quality, reading.value) == (Quality.OVERFLOW, None)

    def test_an_overflow_told_before_the_data_is_not_lost(
        self, chip: FakeChip, driver: Driver
    ) -> None:
        driver.open()
        chip.script(STATUS, OVERFLOW, READY)
        assert driver.read().quality is Quality.OVERFLOW


@pytest.mark.parametrize(
    ("range_gauss", "field"), [(2, (100.0, -200.0, 1 / 12)), (8, (400.0, -800.0, 1 / 3))]
)
def test_decode_scales_counts_to_milligauss(
    range_gauss: int, field: tuple[float, float, float]
) -> None:
    reading = decode(DATA, READY, range_gauss, 5.0)
    assert reading.value == pytest.approx(field)
    assert reading.raw == (1200, -2400, 1)


@given(st.binary(min_size=6, max_size=6), st.integers(0, 255), st.sampled_from([2, 8]))
def test_any_bytes_are_a_reading(data: bytes, status: int, range_gauss: int) -> None:
    assert_well_formed(decode(data, status, range_gauss, 0.0))


@pytest.mark.parametrize(
    ("range_gauss", "rate_hz", "byte"), [(2, 10, 0x01), (8, 200, 0x1D), (2, 50, 0x05)]
)
def test_control_byte_is_that_of_the_datasheet(range_gauss: int, rate_hz: int, byte: int) -> None:
    assert control_byte(range_gauss, rate_hz) == byte


def test_a_missing_bus_is_a_driver_error_that_tells_how_to_enable_it() -> None:
    pytest.importorskip("smbus2")
    with pytest.raises(DriverError, match="i2c-250") as caught:
        Driver(Config(bus=250), ManualClock()).open()
    assert "dtparam=i2c_arm=on" in caught.value.hint
