import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import Quality
from drivers.mmc5983ma import Config, Driver, decode
from drivers.testing import FakeChip, assert_well_formed
from drivers.testing.magnetometer import DriverContract

STATUS, CONTROL = 0x08, 0x09
FIELD_DONE, TEMPERATURE_DONE = 0x01, 0x02
SET, RESET = 0x08, 0x10
MEASURE_WITH_SET_AND_RESET, MEASURE_TEMPERATURE = 0x21, 0x02
# Middle + 16384 + 2, middle - 8192 + 1, middle + 3; the last two bits of 06h mean nothing.
DATA = bytes.fromhex("90 00  78 00  80 00  9F")


class TestMMC5983MA(DriverContract):
    driver_type = Driver
    config = Config()

    @pytest.fixture
    def chip(self) -> FakeChip:
        registers = dict(enumerate(DATA)) | {0x07: 75, 0x2F: 0x30, STATUS: TEMPERATURE_DONE}
        return FakeChip(
            registers,
            writable=(CONTROL, 0x0A, 0x0B),
            block=range(7),
            ready=(STATUS, FIELD_DONE),
            trigger=(CONTROL, 0x01),
        )

    def test_it_is_set_at_first_and_after_an_overflow_and_never_left_reset(
        self, chip: FakeChip, driver: Driver
    ) -> None:
        driver.open()
        driver.read()
        chip.registers |= {0: 0, 1: 0, 6: 0}
        assert driver.read().quality is Quality.OVERFLOW
        opened = [(0x0B, 0), (0x0A, 0), (CONTROL, SET)]
        first = [(CONTROL, MEASURE_WITH_SET_AND_RESET), (CONTROL, MEASURE_TEMPERATURE)]
        second = [(CONTROL, MEASURE_WITH_SET_AND_RESET), (CONTROL, SET)]
        assert chip.written == opened + first + second
        assert not any(value & RESET for _, value in chip.written)

    def test_the_temperature_comes_with_the_first_reading(self, driver: Driver) -> None:
        driver.open()
        assert driver.read().temperature_c == pytest.approx(-15.0)


def test_decode_takes_eighteen_bits_of_which_the_last_are_shared_by_a_byte() -> None:
    reading = decode(DATA, 5.0)
    assert reading.raw == (16386, -8191, 3)
    assert reading.value == pytest.approx((16386 / 16.384, -8191 / 16.384, 3 / 16.384))


@pytest.mark.parametrize("rail", ["0000 8000 8000 00", "8000 8000 FFFF 0C"])
def test_a_count_on_its_rail_is_overflow(rail: str) -> None:
    reading = decode(bytes.fromhex(rail), 0.0)
    assert (reading.quality, reading.value) == (Quality.OVERFLOW, None)


@given(st.binary(min_size=7, max_size=7))
def test_any_bytes_are_a_reading(data: bytes) -> None:
    assert_well_formed(decode(data, 0.0))
