from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import DriverError, Quality, Reading
from drivers.qmc5883p import Config, Driver, control_bytes, decode
from drivers.testing import FakeChip, assert_well_formed
from drivers.testing.magnetometer import DriverContract

STATUS, CONTROL_1, CONTROL_2, SIGN = 0x09, 0x0A, 0x0B, 0x29
READY, OVERFLOW = 0x01, 0x02
# X = 1500, Y = -3000, Z = 15: little-endian, in that order.
DATA = bytes.fromhex("DC 05  48 F4  0F 00")
START = [(CONTROL_1, 0x00), (SIGN, 0x06), (CONTROL_2, 0x0C), (CONTROL_1, 0xC1)]


class TestQMC5883P(DriverContract):
    driver_type = Driver
    config = Config()

    @pytest.fixture
    def chip(self) -> FakeChip:
        return FakeChip(
            dict(enumerate(DATA, 1)) | {0x00: 0x80, STATUS: 0},
            writable=(CONTROL_1, CONTROL_2, SIGN),
            block=range(1, 7),
            ready=(STATUS, READY),
        )

    def test_open_starts_from_suspend_with_set_and_reset_on(
        self, chip: FakeChip, driver: Driver
    ) -> None:
        driver.open()
        assert chip.written == START

    def test_an_overflow_starts_the_chip_again(
        self, chip: FakeChip, driver: Driver, measured: Callable[[], Reading]
    ) -> None:
        driver.open()
        chip.registers[STATUS] = OVERFLOW
        assert measured().quality is Quality.OVERFLOW
        assert chip.written == START * 2
        chip.registers[STATUS] = 0
        assert measured().quality is Quality.OK

    def test_a_chip_that_does_not_take_the_range_is_refused(
        self, chip: FakeChip, driver: Driver
    ) -> None:
        chip.script(CONTROL_2, 0x00)
        with pytest.raises(DriverError, match="0x00 after writing 0x0C") as caught:
            driver.open()
        assert "try 30" in caught.value.hint


@pytest.mark.parametrize(
    ("range_gauss", "x_milligauss"), [(2, 100.0), (8, 400.0), (12, 600.0), (30, 1500.0)]
)
def test_decode_scales_counts_to_milligauss(range_gauss: int, x_milligauss: float) -> None:
    reading = decode(DATA, READY, range_gauss, 5.0)
    assert reading.raw == (1500, -3000, 15)
    assert reading.value == pytest.approx((x_milligauss, -2 * x_milligauss, x_milligauss / 100))


@pytest.mark.parametrize("count", ["FF 7F", "00 80", "30 75"])
def test_an_axis_past_30000_is_overflow_without_the_bit_too(count: str) -> None:
    data = bytes.fromhex(f"00 00 {count} 00 00")
    assert decode(data, READY, 2, 0.0).quality is Quality.OVERFLOW


@given(st.binary(min_size=6, max_size=6), st.integers(0, 255), st.sampled_from([2, 8, 12, 30]))
def test_any_bytes_are_a_reading(data: bytes, status: int, range_gauss: int) -> None:
    assert_well_formed(decode(data, status, range_gauss, 0.0))


@pytest.mark.parametrize(
    ("range_gauss", "rate_hz", "expected"),
    [(8, 200, (0xCD, 0x08)), (2, 10, (0xC1, 0x0C)), (30, 50, (0xC5, 0x00))],
)
def test_control_bytes_are_those_of_the_datasheet(
    range_gauss: int, rate_hz: int, expected: tuple[int, int]
) -> None:
    assert control_bytes(range_gauss, rate_hz) == expected
