"""What sensors of messages share, on a fake bus that refuses what the kernel refuses."""

import errno

import pytest
from pydantic import ConfigDict

from drivers import DriverError, Quality, Reading, registry
from drivers._i2c_raw import MessageConfig, MessageDriver
from drivers.testing import ManualClock
from drivers.testing.i2c_messages import FakeMessageBus, RegisterChip

i2c_msg = pytest.importorskip("smbus2").i2c_msg


class Config(MessageConfig):
    model_config = ConfigDict(title="chip")


class Driver(MessageDriver[Config]):
    def start(self) -> None:
        self.write(b"\x01\x01\x08")

    def read(self) -> Reading:
        return Reading(None, "mm", Quality.NO_DATA, self.receive(1), self.monotonic())


@pytest.fixture
def bus() -> FakeMessageBus:
    return FakeMessageBus({0x29: RegisterChip({0x0100: 7, 0x0101: 0}, writable=[0x0101], width=2)})


@pytest.fixture
def driver(bus: FakeMessageBus, clock: ManualClock) -> Driver:
    driver = Driver(Config(address=0x29), clock, bus.open, clock.sleep)
    driver.open()
    return driver


def test_a_register_is_named_high_byte_first_and_read_on(driver: Driver) -> None:
    assert driver.ask(b"\x01\x00", 2) == b"\x07\x08"
    assert driver.ask(b"\x01\x00", 1) + driver.receive(1) == b"\x07\x08"


def test_what_is_written_is_read_back(driver: Driver) -> None:
    driver.write(b"\x01\x01\x2a")
    assert driver.ask(b"\x01\x01", 1) == b"\x2a"


def test_a_read_only_or_missing_register_is_refused(driver: Driver) -> None:
    with pytest.raises(AssertionError, match="0x0100 is read only"):
        driver.write(b"\x01\x00\x00")
    with pytest.raises(AssertionError, match="no such registers: 0x0102"):
        driver.ask(b"\x01\x01", 2)


@pytest.mark.parametrize(
    ("number", "hint"), [(errno.EREMOTEIO, "i2cdetect"), (errno.ETIMEDOUT, "baudrate")]
)
def test_a_failed_transfer_is_a_driver_error_with_its_hint(
    bus: FakeMessageBus, driver: Driver, number: int, hint: str
) -> None:
    bus.failure = number
    with pytest.raises(DriverError, match="chip at 0x29 on i2c-1") as caught:
        driver.read()
    assert hint in caught.value.hint


def test_a_start_that_fails_lets_the_bus_go(bus: FakeMessageBus, clock: ManualClock) -> None:
    driver = Driver(Config(address=0x30), clock, bus.open)
    with pytest.raises(DriverError, match=r"0x30.*121"):
        driver.open()
    assert bus.closed


@pytest.mark.parametrize("kind", ["rcwl9600", "srf", "vl53l1x"])
def test_a_missing_bus_is_a_driver_error_that_tells_how_to_enable_it(
    kind: str, clock: ManualClock
) -> None:
    options = {"bus": 250} | ({"model": "srf02"} if kind == "srf" else {})
    with pytest.raises(DriverError, match=f"{kind} at 0x.. on i2c-250") as caught:
        registry.build(kind, options, clock).open()
    assert "dtparam=i2c_arm=on" in caught.value.hint


def test_the_bus_refuses_what_the_kernel_refuses(bus: FakeMessageBus) -> None:
    with pytest.raises(OSError, match="Invalid"):
        bus.i2c_rdwr(*[i2c_msg.read(0x29, 1)] * 43)
    with pytest.raises(OSError, match="Invalid"):
        bus.i2c_rdwr(i2c_msg.read(0x29, 8193))
    bus.close()
    with pytest.raises(OSError, match="Bad file"):
        bus.i2c_rdwr(i2c_msg.read(0x29, 1))
