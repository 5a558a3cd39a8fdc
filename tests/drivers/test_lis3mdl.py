from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import Quality, Reading
from drivers.lis3mdl import Config, Driver, celsius, decode
from drivers.testing import FakeChip, FakeI2C, ManualClock, assert_well_formed
from drivers.testing.magnetometer import DriverContract

STATUS = 0x27
READY, OVERRUN = 0x08, 0x80
COUNT_UP = 0x80
# X = 6842, Y = -3421, Z = 1: little-endian, in that order.
DATA = bytes.fromhex("BA 1A  A3 F2  01 00")
# 25 C and 80 / 8 C
TEMPERATURE = bytes.fromhex("50 00")


class TestLIS3MDL(DriverContract):
    driver_type = Driver
    config = Config()

    @pytest.fixture
    def chip(self) -> FakeChip:
        # Without bit 7 of the register's address the chip would answer the first byte six times.
        data = dict(enumerate(DATA + TEMPERATURE, 0x28 | COUNT_UP))
        return FakeChip(
            data | {0x0F: 0x3D, STATUS: 0},
            writable=range(0x20, 0x25),
            block=range(0x28 | COUNT_UP, 0x2E | COUNT_UP),
            ready=(STATUS, READY),
        )

    def test_open_starts_it_with_the_least_noise_and_block_update(
        self, chip: FakeChip, driver: Driver
    ) -> None:
        driver.open()
        assert dict(chip.written) == {0x20: 0xF0, 0x21: 0x00, 0x22: 0x00, 0x23: 0x0C, 0x24: 0x40}

    @pytest.mark.parametrize(
        ("range_gauss", "rate_hz", "control_1", "control_2"),
        [(4, 10, 0xF0, 0x00), (8, 20, 0xF4, 0x20), (12, 40, 0xF8, 0x40), (16, 80, 0xFC, 0x60)],
    )
    def test_range_and_rate_have_the_bits_of_the_datasheet(
        self,
        chip: FakeChip,
        bus: FakeI2C,
        range_gauss: int,
        rate_hz: int,
        control_1: int,
        control_2: int,
    ) -> None:
        config = Config.model_validate({"range_gauss": range_gauss, "rate_hz": rate_hz})
        Driver(config, ManualClock(), open_bus=bus.open).open()
        assert (chip.registers[0x20], chip.registers[0x21]) == (control_1, control_2)

    def test_overrun_is_no_overflow(
        self, chip: FakeChip, driver: Driver, measured: Callable[[], Reading]
    ) -> None:
        driver.open()
        chip.registers[STATUS] = OVERRUN
        assert measured().quality is Quality.OK

    def test_the_temperature_is_read_seldom(
        self,
        chip: FakeChip,
        driver: Driver,
        clock: ManualClock,
        measured: Callable[[], Reading],
    ) -> None:
        driver.open()
        assert measured().temperature_c == 35.0
        chip.registers[0x2E | COUNT_UP] = 0
        clock.sleep(9.9)
        assert measured().temperature_c == 35.0
        clock.sleep(0.2)
        assert measured().temperature_c == 25.0


@pytest.mark.parametrize(
    ("range_gauss", "x_milligauss"), [(4, 1000), (8, 2000), (12, 2999.6), (16, 3998.8)]
)
def test_decode_scales_counts_to_milligauss(range_gauss: int, x_milligauss: float) -> None:
    reading = decode(DATA, range_gauss, 5.0)
    assert reading.raw == (6842, -3421, 1)
    assert reading.value is not None
    assert reading.value[0] == pytest.approx(x_milligauss, rel=1e-4)
    assert reading.value[1] == pytest.approx(-x_milligauss / 2, rel=1e-4)


@pytest.mark.parametrize("rail", ["FF 7F", "00 80"])
@pytest.mark.parametrize("range_gauss", [4, 8, 12, 16])
def test_a_count_past_the_full_scale_is_overflow(rail: str, range_gauss: int) -> None:
    data = bytes.fromhex(f"00 00 00 00 {rail}")
    assert decode(data, range_gauss, 0.0).quality is Quality.OVERFLOW


@pytest.mark.parametrize(("data", "expected"), [("00 00", 25.0), ("08 00", 26.0), ("38 FE", -32.0)])
def test_the_temperature_has_its_zero_at_25_c(data: str, expected: float) -> None:
    assert celsius(bytes.fromhex(data)) == expected


@given(st.binary(min_size=6, max_size=6), st.sampled_from([4, 8, 12, 16]))
def test_any_bytes_are_a_reading(data: bytes, range_gauss: int) -> None:
    assert_well_formed(decode(data, range_gauss, 0.0))
