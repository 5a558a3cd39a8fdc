"""The fakes refuse what the real things refuse."""

import pytest

from drivers.testing import EchoRanger, FakeChip, FakeI2C, ManualClock


@pytest.fixture
def bus() -> FakeI2C:
    return FakeI2C({0x0D: FakeChip({0: 1, 1: 2, 9: 0}, writable=[9], block=range(2))})


def test_an_absent_chip_is_errno_121(bus: FakeI2C) -> None:
    with pytest.raises(OSError, match="121"):
        bus.read_byte_data(0x1E, 0)


def test_a_block_of_more_than_32_bytes_is_refused(bus: FakeI2C) -> None:
    with pytest.raises(ValueError, match="not 33"):
        bus.read_i2c_block_data(0x0D, 0, 33)


def test_a_closed_bus_does_not_answer(bus: FakeI2C) -> None:
    bus.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        bus.read_byte_data(0x0D, 9)


def test_a_measurement_is_not_read_byte_by_byte(bus: FakeI2C) -> None:
    assert bus.read_i2c_block_data(0x0D, 0, 2) == [1, 2]
    with pytest.raises(AssertionError, match="torn"):
        bus.read_byte_data(0x0D, 0)


def test_a_read_only_register_is_not_written(bus: FakeI2C) -> None:
    with pytest.raises(AssertionError, match="read only"):
        bus.write_byte_data(0x0D, 1, 0)


@pytest.mark.parametrize(("gap_s", "message"), [(0.059, "pinged 59.0 ms"), (0.0, "trigger pulse")])
def test_a_hasty_ping_is_refused(gap_s: float, message: str) -> None:
    clock = ManualClock()
    trigger = EchoRanger(23, 24, clock).factory.pin(23)
    trigger.function = "output"
    if gap_s:
        trigger.state = True
        clock.sleep(10e-6)
        trigger.state = False
        clock.sleep(gap_s - 10e-6)
        trigger.state = True
        clock.sleep(10e-6)
    else:
        trigger.state = True
    with pytest.raises(AssertionError, match=message):
        trigger.state = False
