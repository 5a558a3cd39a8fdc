"""The fake bus of messages refuses what the kernel refuses; the device names its errors."""

import errno

import pytest

from drivers import DriverError
from drivers._i2c_raw import MessageDevice
from drivers.testing.i2c_messages import FakeMessageBus, RegisterChip

i2c_msg = pytest.importorskip("smbus2").i2c_msg


@pytest.fixture
def bus() -> FakeMessageBus:
    return FakeMessageBus({0x29: RegisterChip({0x0100: 7, 0x0101: 8}, writable=[0x0101], width=2)})


@pytest.fixture
def device(bus: FakeMessageBus) -> MessageDevice:
    device = MessageDevice("chip", 1, 0x29, bus.open)
    device.open(lambda: None)
    return device


def test_a_register_is_named_high_byte_first_and_read_on(device: MessageDevice) -> None:
    assert device.ask(b"\x01\x00", 2) == b"\x07\x08"
    assert device.ask(b"\x01\x00", 1) + device.read(1) == b"\x07\x08"


def test_what_is_written_is_read_back(device: MessageDevice) -> None:
    device.write(b"\x01\x01\x2a")
    assert device.ask(b"\x01\x01", 1) == b"\x2a"


def test_a_read_only_or_missing_register_is_refused(device: MessageDevice) -> None:
    with pytest.raises(AssertionError, match="0x0100 is read only"):
        device.write(b"\x01\x00\x00")
    with pytest.raises(AssertionError, match="no such registers: 0x0102"):
        device.ask(b"\x01\x01", 2)


@pytest.mark.parametrize(
    ("number", "hint"), [(errno.EREMOTEIO, "i2cdetect"), (errno.ETIMEDOUT, "baudrate")]
)
def test_a_failed_transfer_is_a_driver_error_with_its_hint(
    bus: FakeMessageBus, device: MessageDevice, number: int, hint: str
) -> None:
    bus.failure = number
    with pytest.raises(DriverError, match="chip at 0x29 on i2c-1") as caught:
        device.read(1)
    assert hint in caught.value.hint


def test_a_start_that_fails_lets_the_bus_go(bus: FakeMessageBus) -> None:
    device = MessageDevice("chip", 1, 0x30, bus.open)
    with pytest.raises(DriverError, match="0x30"):
        device.open(lambda: device.write(b"\x00\x00"))
    assert bus.closed


def test_the_bus_refuses_what_the_kernel_refuses(bus: FakeMessageBus) -> None:
    with pytest.raises(OSError, match="Invalid"):
        bus.i2c_rdwr(*[i2c_msg.read(0x29, 1)] * 43)
    with pytest.raises(OSError, match="Invalid"):
        bus.i2c_rdwr(i2c_msg.read(0x29, 8193))
    bus.close()
    with pytest.raises(OSError, match="Bad file"):
        bus.i2c_rdwr(i2c_msg.read(0x29, 1))
