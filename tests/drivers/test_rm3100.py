import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import Quality
from drivers.rm3100 import Config, Driver, decode
from drivers.testing import FakeChip, assert_well_formed
from drivers.testing.magnetometer import DriverContract

STATUS, POLL, CONTINUOUS = 0x34, 0x00, 0x01
READY = 0x80
# X = 3750, Y = -750, Z = 75: big-endian, 24 bits each.
DATA = bytes.fromhex("000EA6  FFFD12  00004B")


class TestRM3100(DriverContract):
    driver_type = Driver
    config = Config()

    @pytest.fixture
    def chip(self) -> FakeChip:
        # The chip says anything in the other bits of its status.
        return FakeChip(
            dict(enumerate(DATA, 0x24)) | {0x36: 0x22, STATUS: 0x13},
            writable=(POLL, CONTINUOUS, *range(0x04, 0x0A)),
            block=range(0x24, 0x2D),
            ready=(STATUS, READY),
            trigger=(POLL, 0x70),
        )

    def test_open_ends_continuous_mode_and_sets_the_cycles_of_three_axes(
        self, chip: FakeChip, driver: Driver
    ) -> None:
        driver.open()
        cycles = [(0x04, 0), (0x05, 200), (0x06, 0), (0x07, 200), (0x08, 0), (0x09, 200)]
        assert chip.written == [(CONTINUOUS, 0), *cycles]

    def test_each_read_asks_for_all_axes(self, chip: FakeChip, driver: Driver) -> None:
        driver.open()
        driver.read()
        assert chip.written[-1] == (POLL, 0x70)


@pytest.mark.parametrize(
    ("cycles", "field"),
    [(200, (500.0, -100.0, 10.0)), (100, (986.8, -197.4, 19.7)), (50, (1875.0, -375.0, 37.5))],
)
def test_decode_scales_counts_to_milligauss(cycles: int, field: tuple[float, float, float]) -> None:
    reading = decode(DATA, cycles, 5.0)
    assert reading.raw == (3750, -750, 75)
    assert reading.value == pytest.approx(field, abs=0.05)


@pytest.mark.parametrize("count", ["800000", "7FFFFF", "00EA60"])
def test_more_than_8_gauss_is_overflow(count: str) -> None:
    data = bytes.fromhex(f"000000 {count} 000000")
    assert decode(data, 200, 0.0).quality is Quality.OVERFLOW


@given(st.binary(min_size=9, max_size=9), st.sampled_from([50, 100, 200]))
def test_any_bytes_are_a_reading(data: bytes, cycles: int) -> None:
    assert_well_formed(decode(data, cycles, 0.0))
