import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import Quality
from drivers.mmc5603 import Config, Driver, decode
from drivers.testing import FakeChip, ManualClock, assert_well_formed
from drivers.testing.magnetometer import DriverContract

STATUS, CONTROL = 0x18, 0x1B
FIELD_DONE, TEMPERATURE_DONE = 0x40, 0x80
SET, RESET = 0x08, 0x10
MEASURE_WITH_SET_AND_RESET, MEASURE_TEMPERATURE = 0x21, 0x02
# 0x84000 = middle + 1 G, 0x7E000 = middle - 0.5 G, 0x8000A = middle + 10; the low half bytes of
# 06h-08h mean nothing.
DATA = bytes.fromhex("84 00  7E 00  80 00  0F 0F AF")


class TestMMC5603(DriverContract):
    driver_type = Driver
    config = Config()

    @pytest.fixture
    def chip(self) -> FakeChip:
        registers = dict(enumerate(DATA)) | {0x09: 125, 0x39: 0x10, STATUS: TEMPERATURE_DONE}
        return FakeChip(
            registers,
            writable=(CONTROL, 0x1C, 0x1D),
            block=range(9),
            ready=(STATUS, FIELD_DONE),
            trigger=(CONTROL, 0x01),
        )

    def test_open_sets_the_sensor(self, chip: FakeChip, driver: Driver) -> None:
        driver.open()
        assert chip.written == [(0x1D, 0), (0x1C, 0), (CONTROL, SET)]

    def test_each_measurement_sets_and_resets_and_none_leaves_it_reset(
        self, chip: FakeChip, driver: Driver
    ) -> None:
        driver.open()
        chip.written.clear()
        driver.read()
        assert chip.written[0] == (CONTROL, MEASURE_WITH_SET_AND_RESET)
        assert not any(value & RESET for _, value in chip.written)

    def test_an_overflow_is_followed_by_a_set(self, chip: FakeChip, driver: Driver) -> None:
        driver.open()
        driver.read()
        chip.written.clear()
        chip.registers |= {0: 0xFF, 1: 0xFF, 6: 0xF0}
        assert driver.read().quality is Quality.OVERFLOW
        assert chip.written == [(CONTROL, MEASURE_WITH_SET_AND_RESET), (CONTROL, SET)]

    def test_the_temperature_comes_with_the_first_reading(self, driver: Driver) -> None:
        driver.open()
        assert driver.read().temperature_c == pytest.approx(25.0)

    def test_a_temperature_that_does_not_come_costs_no_reading(
        self, chip: FakeChip, driver: Driver, clock: ManualClock
    ) -> None:
        chip.registers[STATUS] = 0
        driver.open()
        before_s = clock()
        reading = driver.read()
        assert (reading.quality, reading.temperature_c) == (Quality.OK, None)
        assert clock() - before_s == pytest.approx(driver.timeout_s)


def test_decode_takes_twenty_bits_of_which_the_last_are_in_the_high_half_bytes() -> None:
    reading = decode(DATA, 5.0)
    assert reading.raw == (16384, -8192, 10)
    assert reading.value == pytest.approx((1000.0, -500.0, 10 / 16.384))


@pytest.mark.parametrize("rail", ["00 00 8000 8000 00 00 00", "8000 8000 FFFF 00 00 F0"])
def test_a_count_on_its_rail_is_overflow(rail: str) -> None:
    reading = decode(bytes.fromhex(rail), 0.0)
    assert (reading.quality, reading.value) == (Quality.OVERFLOW, None)


@given(st.binary(min_size=9, max_size=9))
def test_any_bytes_are_a_reading(data: bytes) -> None:
    assert_well_formed(decode(data, 0.0))
