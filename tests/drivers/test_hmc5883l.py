import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import Quality
from drivers.hmc5883l import GAIN_BITS, Config, Driver, decode
from drivers.testing import FakeChip, ManualClock, assert_well_formed
from drivers.testing.magnetometer import DriverContract

STATUS, MODE = 0x09, 0x02
READY = 0x01
# X = 109, Z = -436, Y = 218: big-endian, in that order.
DATA = bytes.fromhex("00 6D  FE 4C  00 DA")


class TestHMC5883L(DriverContract):
    driver_type = Driver
    config = Config()

    @pytest.fixture
    def chip(self) -> FakeChip:
        registers = dict(enumerate(DATA, 3)) | dict(enumerate(b"H43", 0x0A)) | {STATUS: 0}
        return FakeChip(
            registers,
            writable=(0x00, 0x01, MODE),
            block=range(3, 9),
            ready=(STATUS, READY),
            trigger=(MODE, 0x01),
        )

    def test_open_drops_the_measurement_that_has_the_old_gain(
        self, chip: FakeChip, driver: Driver
    ) -> None:
        driver.open()
        assert chip.written == [(0x00, 0x40), (0x01, 0x20), (MODE, 0x01)]
        assert not chip.registers[STATUS] & READY

    def test_the_ready_bit_of_the_last_measurement_is_not_taken_for_the_next_ones(
        self, chip: FakeChip, driver: Driver, clock: ManualClock
    ) -> None:
        driver.open()
        before_s = clock()
        chip.script(STATUS, READY)
        driver.read()
        assert clock() - before_s >= 4 * 0.006


def test_decode_takes_the_axes_in_the_order_x_z_y() -> None:
    reading = decode(DATA, 1090, 5.0)
    assert reading.raw == (109, 218, -436)
    assert reading.value == pytest.approx((100.0, 200.0, -400.0))


@pytest.mark.parametrize(
    ("gain", "counts_per_gauss", "milligauss_a_count"),
    [
        (0, 1370, 0.73),
        (1, 1090, 0.92),
        (2, 820, 1.22),
        (3, 660, 1.52),
        (4, 440, 2.27),
        (5, 390, 2.56),
        (6, 330, 3.03),
        (7, 230, 4.35),
    ],
)
def test_each_gain_has_the_resolution_of_table_9(
    gain: int, counts_per_gauss: int, milligauss_a_count: float
) -> None:
    config = Config.model_validate({"counts_per_gauss": counts_per_gauss})
    assert GAIN_BITS[config.counts_per_gauss] == gain << 5
    reading = decode(bytes.fromhex("0001 0001 0001"), counts_per_gauss, 0.0)
    assert reading.value == pytest.approx([milligauss_a_count] * 3, abs=0.005)


@pytest.mark.parametrize("axis", range(3))
def test_minus_4096_on_any_axis_is_overflow(axis: int) -> None:
    data = bytearray(DATA)
    data[2 * axis : 2 * axis + 2] = bytes.fromhex("F000")
    reading = decode(bytes(data), 1090, 0.0)
    assert (reading.quality, reading.value) == (Quality.OVERFLOW, None)


@pytest.mark.parametrize(
    ("count", "quality"), [("F800", "ok"), ("07FF", "ok"), ("0800", "overflow")]
)
def test_a_count_has_twelve_bits(count: str, quality: str) -> None:
    assert decode(bytes.fromhex(f"{count} 0000 0000"), 1090, 0.0).quality == quality


@given(st.binary(min_size=6, max_size=6), st.sampled_from(sorted(GAIN_BITS)))
def test_any_bytes_are_a_reading(data: bytes, counts_per_gauss: int) -> None:
    assert_well_formed(decode(data, counts_per_gauss, 0.0))
