from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from drivers import DriverError, Quality
from drivers.testing import DriverContract, ManualClock
from drivers.testing.i2c_messages import FakeMessageBus, RegisterChip
from drivers.vl53l1x import CONFIGURATION, MODES, Config, Driver, decode, measurement_period

OSCILLATOR = 0x02AB
MODE, CLEAR, READY, RESULT = 0x87, 0x86, 0x31, 0x89
VALID = 0x09


class Vl53l1x(RegisterChip):
    """The chip on a clock: it boots, then measures over and over once it was configured.

    A measurement ends `period_s` after the start, or after the interrupt of the last was cleared.
    Refuses to be started unconfigured, to give a result that is not ready, and to have one torn.
    """

    def __init__(self, clock: ManualClock, boot_s: float = 0.002) -> None:
        registers = dict.fromkeys(range(0x0200), 0) | dict(enumerate(b"\xea\xcc\x10", 0x010F))
        registers |= {0xDE: OSCILLATOR >> 8, 0xDF: OSCILLATOR & 0xFF}
        super().__init__(registers, [0x08, 0x0B, *range(0x2D, 0x88)], width=2)
        self.on_write = self._written
        self.period_s = 0.110
        self.result = (VALID, 2500)
        self.measured = True
        self._clock = clock
        self._boots_s = clock() + boot_s
        self._configured = False
        self._ends_s: float | None = None
        self._latched = False

    def read(self, length: int) -> bytes:
        asked = range(self._pointer, self._pointer + length)
        self.registers[0xE5] = int(self._clock() >= self._boots_s)
        self.registers[READY] = 0x02 | self.ready
        if set(asked) & set(range(RESULT, RESULT + 17)):
            assert asked == range(RESULT, RESULT + 17), "torn result"
            assert self.ready, "no result is ready"
            status, distance_mm = self.result
            self.registers[RESULT] = 0xC0 | status
            self.registers |= {0x96: distance_mm >> 8, 0x97: distance_mm & 0xFF}
        return super().read(length)

    @property
    def ready(self) -> bool:
        """The interrupt, which stays until it is cleared."""
        if self.measured and self._ends_s is not None and self._clock() >= self._ends_s:
            self._latched = True
        return self._latched

    def _written(self, register: int, data: bytes) -> None:
        assert self._clock() >= self._boots_s, "written before it had booted"
        latched = self.ready
        if (register, data) == (0x2D, CONFIGURATION):
            self._configured, self._ends_s = True, None
        elif (register, data) == (MODE, b"\x40"):
            assert self._configured, "started without its configuration"
            self._ends_s = self._clock() + self.period_s
        elif register == MODE:
            self._ends_s = None
        elif (register, data) == (CLEAR, b"\x01"):
            latched = False
            if self._ends_s is not None:
                self._ends_s = self._clock() + self.period_s
        self._latched = latched

    def register(self, first: int, length: int) -> str:
        return bytes(self.registers[each] for each in range(first, first + length)).hex()


@pytest.fixture
def chip(clock: ManualClock) -> Vl53l1x:
    return Vl53l1x(clock)


@pytest.fixture
def bus(chip: Vl53l1x) -> FakeMessageBus:
    pytest.importorskip("smbus2")
    return FakeMessageBus({0x29: chip})


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


def result(status: int, distance_mm: int) -> bytes:
    return bytes([status, *[0xEE] * 12, *distance_mm.to_bytes(2, "big"), 0xEE, 0xEE])


@pytest.mark.parametrize(
    ("status", "distance_mm", "quality"),
    [
        (0x09, 2500, Quality.OK),
        (0xC9, 2500, Quality.OK),  # the upper bits are another matter
        (0x09, 40, Quality.OK),
        (0x09, 39, Quality.BLOCKED),
        (0x09, 27, Quality.BLOCKED),
        (0x09, 22, Quality.BLOCKED),
        (0x09, 0, Quality.NO_ECHO),
        (0x09, 4001, Quality.NO_ECHO),
        (0x04, 400, Quality.NO_ECHO),  # too little signal
        (0x06, 400, Quality.NO_ECHO),  # too much noise
        (0x07, 400, Quality.NO_ECHO),  # a target behind the range, wrapped around
        (0x00, 2500, Quality.NO_ECHO),
    ],
)
def test_decode_believes_a_valid_status_in_range_alone(
    status: int, distance_mm: int, quality: Quality
) -> None:
    reading = decode(result(status, distance_mm), "long", 5.0)
    assert reading.quality is quality
    assert reading.value == (distance_mm if quality is Quality.OK else None)
    assert reading.raw == (status & 0x1F, distance_mm)


def test_the_short_mode_sees_less_far() -> None:
    assert decode(result(0x09, 1300), "short", 0.0).quality is Quality.OK
    assert decode(result(0x09, 1301), "short", 0.0).quality is Quality.NO_ECHO


def test_the_default_configuration_is_the_long_mode() -> None:
    assert len(CONFIGURATION) == 0x87 - 0x2D + 1
    for register, value in MODES["long"].items():
        assert CONFIGURATION[register - 0x2D :].startswith(value)


def test_open_configures_range_budget_and_period(chip: Vl53l1x, driver: Driver) -> None:
    assert chip.register(0x60, 1) + chip.register(0x63, 1) + chip.register(0x69, 1) == "0f0db8"
    assert (chip.register(0x5E, 2), chip.register(0x61, 2)) == ("01cc", "01ea")
    assert int(chip.register(0x6C, 4), 16) == int(0x2AB * 110 * 1.075)
    assert chip.register(0x2E, 1) == "01"
    assert chip.register(0x87, 1) == "40"


def test_short_range_and_a_long_budget_are_configured_too(
    bus: FakeMessageBus, chip: Vl53l1x, clock: ManualClock
) -> None:
    config = Config(distance_mode="short", timing_budget_ms=500)
    driver = Driver(config, clock, open_bus=bus.open, sleep=clock.sleep)
    driver.open()
    assert chip.register(0x4B, 1) + chip.register(0x78, 4) == "14" + "07050606"
    assert (chip.register(0x5E, 2), chip.register(0x61, 2)) == ("0591", "05c1")
    assert driver.timeout_s == pytest.approx(1.02)


def test_the_period_counts_ten_bits_of_the_oscillator() -> None:
    assert measurement_period(100, 0xFC00 | 0x100) == (27520).to_bytes(4, "big")


def test_a_read_waits_for_data_and_clears_the_interrupt(
    chip: Vl53l1x, driver: Driver, clock: ManualClock
) -> None:
    before_s = clock()
    assert driver.read().value == 2500.0
    assert clock() - before_s == pytest.approx(0.110, abs=0.006)
    assert not chip.ready
    assert driver.read().value == 2500.0


def test_what_was_ready_before_the_read_is_dropped(
    chip: Vl53l1x, driver: Driver, clock: ManualClock
) -> None:
    clock.sleep(10.0)
    asked_s = clock()
    assert driver.read().monotonic_s - asked_s == pytest.approx(0.110, abs=0.006)


def test_no_measurement_in_two_periods_is_no_data(
    chip: Vl53l1x, driver: Driver, clock: ManualClock
) -> None:
    chip.measured = False
    before_s = clock()
    assert driver.read().quality is Quality.NO_DATA
    assert clock() - before_s == pytest.approx(0.220, abs=0.006)
    assert clock() - before_s < driver.timeout_s


def test_open_waits_for_the_boot(clock: ManualClock) -> None:
    bus = FakeMessageBus({0x29: Vl53l1x(clock, boot_s=0.05)})
    driver = Driver(Config(), clock, open_bus=bus.open, sleep=clock.sleep)
    driver.open()
    assert driver.read().quality is Quality.OK


def test_a_chip_that_does_not_boot_is_a_driver_error(clock: ManualClock) -> None:
    bus = FakeMessageBus({0x29: Vl53l1x(clock, boot_s=9.0)})
    with pytest.raises(DriverError, match="does not boot") as caught:
        Driver(Config(), clock, open_bus=bus.open, sleep=clock.sleep).open()
    assert "XSHUT" in caught.value.hint
    assert bus.closed


def test_a_chip_that_does_not_measure_is_a_driver_error(
    bus: FakeMessageBus, chip: Vl53l1x, clock: ManualClock
) -> None:
    chip.measured = False
    with pytest.raises(DriverError, match="does not measure"):
        Driver(Config(), clock, open_bus=bus.open, sleep=clock.sleep).open()
    assert bus.closed


def test_open_refuses_another_chip(bus: FakeMessageBus, chip: Vl53l1x, clock: ManualClock) -> None:
    chip.registers[0x0110] = 0xAA
    with pytest.raises(DriverError, match="model ID is EA AA 10, expected EA CC 10"):
        Driver(Config(), clock, open_bus=bus.open, sleep=clock.sleep).open()
    assert chip.written == []


def test_a_chip_that_ranges_already_is_calibrated_anew(
    bus: FakeMessageBus, driver: Driver, clock: ManualClock
) -> None:
    clock.sleep(10.0)
    before_s = clock()
    again = Driver(Config(), clock, open_bus=bus.open, sleep=clock.sleep)
    again.open()
    assert clock() - before_s == pytest.approx(0.110, abs=0.006)
    assert again.read().quality is Quality.OK


def test_a_chip_at_another_address_is_reached_there(clock: ManualClock) -> None:
    chips = {0x29: Vl53l1x(clock), 0x2A: Vl53l1x(clock)}
    bus = FakeMessageBus(dict(chips))
    chips[0x2A].result = (VALID, 1000)
    driver = Driver(Config(address=0x2A), clock, open_bus=bus.open, sleep=clock.sleep)
    driver.open()
    assert driver.read().value == 1000.0
    assert chips[0x29].written == []


def test_a_chip_in_reset_is_a_driver_error_with_a_hint(bus: FakeMessageBus, driver: Driver) -> None:
    del bus.chips[0x29]
    with pytest.raises(DriverError, match=r"vl53l1x at 0x29 on i2c-1.*121") as caught:
        driver.read()
    assert "i2cdetect" in caught.value.hint


def test_a_budget_without_a_table_is_refused() -> None:
    with pytest.raises(ValidationError, match="timing_budget_ms"):
        Config.model_validate({"timing_budget_ms": 60})
