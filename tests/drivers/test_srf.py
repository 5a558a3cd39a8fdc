from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from drivers import DriverError, Quality
from drivers.srf import MODELS, Config, Driver, decode
from drivers.testing import DriverContract, ManualClock
from drivers.testing.i2c_messages import FakeMessageBus, RegisterChip

REVISION = 0x06


class Srf(RegisterChip):
    """A ranger: 65 ms after a command it has `heard_cm`; until then the bus floats high."""

    def __init__(self, clock: ManualClock, register_1: int = 0x80) -> None:
        registers = {0: REVISION, 1: register_1, 2: 0, 3: 0}
        super().__init__(registers, writable=[0])
        self.on_write = self._range
        self.heard_cm = 250
        self.ranging_s = 0.065
        self.pinged_s: list[float] = []
        self._clock = clock

    @property
    def ranging(self) -> bool:
        return bool(self.pinged_s) and self._clock() - self.pinged_s[-1] < self.ranging_s

    def read(self, length: int) -> bytes:
        return b"\xff" * length if self.ranging else super().read(length)

    def _range(self, register: int, data: bytes) -> None:
        assert not self.ranging, "a command while it is ranging is lost"
        assert (register, data) == (0x00, b"\x51"), "no ranging in cm"
        self.pinged_s.append(self._clock())
        self.registers |= {0: REVISION, 2: self.heard_cm >> 8, 3: self.heard_cm & 0xFF}


@pytest.fixture
def sensor(clock: ManualClock) -> Srf:
    return Srf(clock)


@pytest.fixture
def bus(sensor: Srf) -> FakeMessageBus:
    pytest.importorskip("smbus2")
    return FakeMessageBus({0x70: sensor})


@pytest.fixture
def driver(bus: FakeMessageBus, clock: ManualClock) -> Iterator[Driver]:
    driver = Driver(Config(model="srf02"), clock, open_bus=bus.open, sleep=clock.sleep)
    driver.open()
    yield driver
    driver.close()


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, clock: ManualClock, bus: FakeMessageBus) -> Driver:
        return Driver(Config(model="srf10"), clock, open_bus=bus.open, sleep=clock.sleep)


@pytest.mark.parametrize(
    ("model", "registers", "quality", "value"),
    [
        ("srf02", "06 80 00 FA", Quality.OK, 2500.0),
        ("srf08", "0A 7F 01 2C", Quality.OK, 3000.0),
        ("srf10", "06 80 00 00", Quality.NO_ECHO, None),
        ("srf10", "06 80 02 59", Quality.NO_ECHO, None),
        ("srf02", "06 80 00 11", Quality.BLOCKED, None),
        ("srf08", "0A 7F 00 11", Quality.OK, 170.0),
        ("srf10", "06 80 00 05", Quality.BLOCKED, None),
        ("srf02", "FF FF FF FF", Quality.NO_DATA, None),
    ],
)
def test_decode_reads_centimetres(
    model: str, registers: str, quality: Quality, value: float | None
) -> None:
    reading = decode(bytes.fromhex(registers), MODELS[model], 5.0)
    assert (reading.quality, reading.value) == (quality, value)


def test_a_ping_is_read_when_the_ranging_is_over(
    driver: Driver, sensor: Srf, clock: ManualClock
) -> None:
    reading = driver.read()
    assert (reading.value, reading.raw) == (2500.0, 250)
    assert reading.monotonic_s == sensor.pinged_s[0]
    assert clock() - sensor.pinged_s[0] == pytest.approx(0.070)


def test_a_slow_sensor_has_no_data_and_never_the_last(
    driver: Driver, sensor: Srf, clock: ManualClock
) -> None:
    assert driver.read().value == 2500.0
    clock.sleep(1.0)
    sensor.ranging_s = 0.080
    assert driver.read().quality is Quality.NO_DATA


@pytest.mark.parametrize("revision", [0x00, 0xFF])
def test_open_refuses_what_is_no_revision(
    bus: FakeMessageBus, sensor: Srf, clock: ManualClock, revision: int
) -> None:
    sensor.registers[0] = revision
    driver = Driver(Config(model="srf08"), clock, open_bus=bus.open)
    with pytest.raises(DriverError, match=f"srf at 0x70 on i2c-1.*is 0x{revision:02X}"):
        driver.open()
    assert bus.closed


def test_open_tells_an_srf08_from_an_srf02(clock: ManualClock) -> None:
    bus = FakeMessageBus({0x70: Srf(clock, register_1=0x7F)})
    with pytest.raises(DriverError, match="register 1 is 0x7F, expected 0x80") as caught:
        Driver(Config(model="srf02"), clock, open_bus=bus.open).open()
    assert "model" in caught.value.hint
    Driver(Config(model="srf08"), clock, open_bus=bus.open).open()


def test_a_sensor_that_goes_away_is_a_driver_error_with_a_hint(
    bus: FakeMessageBus, driver: Driver
) -> None:
    del bus.chips[0x70]
    with pytest.raises(DriverError, match=r"srf at 0x70 on i2c-1.*121") as caught:
        driver.read()
    assert "i2cdetect" in caught.value.hint


def test_the_shifted_address_of_the_manual_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"address\n.*less than or equal to 127"):
        Config(model="srf02", address=0xE0)
