"""Fakes at the wire for drivers' tests, and the contract that every driver is tested against.

The fakes enforce the rules of what they stand for: an `AssertionError` from one is a driver's
bug. Needs pytest and gpiozero; no driver imports this module.
"""

import errno
import os
import tty
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Self

import pytest
from gpiozero.pins.mock import MockFactory, MockPin  # type: ignore[import-untyped]
from gpiozero.pins.pi import PiPin  # type: ignore[import-untyped]

from drivers import DriverError, Quality, Reading, SensorDriver


class ManualClock:
    """A monotonic clock in seconds that only `sleep` moves."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        assert seconds >= 0, f"slept for {seconds} s"
        self.now_s += seconds


# --- I2C ------------------------------------------------------------------------------------

SMBUS_BLOCK_MAX = 32


class FakeChip:
    """An I2C chip: byte registers, of which only `writable` may be written.

    `block` is the data registers: reading one of them alone is refused, for it tears a
    measurement. `script(register, ...)` gives a register its next values; the last one stays.
    """

    def __init__(
        self, registers: dict[int, int], writable: Iterable[int] = (), block: range = range(0)
    ) -> None:
        self.registers = dict(registers)
        self._writable = set(writable)
        self._block = block
        self._scripts: dict[int, deque[int]] = {}

    def script(self, register: int, *values: int) -> None:
        """What the next reads of a register answer."""
        self._scripts[register] = deque(values)

    def read(self, register: int, length: int) -> list[int]:
        """The registers from `register` on."""
        if register in self._block:
            assert length == len(self._block), f"torn read: {length} of {len(self._block)} bytes"
        return [self._read_byte(register + i) for i in range(length)]

    def write(self, register: int, value: int) -> None:
        """Write one register."""
        assert register in self._writable, f"register 0x{register:02X} is read only"
        assert 0 <= value <= 0xFF, f"{value} is no byte"
        self.registers[register] = value

    def _read_byte(self, register: int) -> int:
        script = self._scripts.get(register)
        if script:
            self.registers[register] = script.popleft()
        assert register in self.registers, f"register 0x{register:02X} does not exist"
        return self.registers[register]


class FakeI2C:
    """An I2C bus as `smbus2.SMBus` shows it, with the kernel's refusals.

    `chips` by address: take one out and its address no longer answers (errno 121, as on a Pi).
    """

    def __init__(self, chips: dict[int, FakeChip]) -> None:
        self.chips = chips
        self.closed = False

    def open(self, number: int) -> Self:
        """Stands for `smbus2.SMBus(number)`."""
        self.closed = False
        return self

    def read_byte_data(self, i2c_addr: int, register: int) -> int:
        return self._chip(i2c_addr).read(register, 1)[0]

    def write_byte_data(self, i2c_addr: int, register: int, value: int) -> None:
        self._chip(i2c_addr).write(register, value)

    def read_i2c_block_data(self, i2c_addr: int, register: int, length: int) -> list[int]:
        if not 0 < length <= SMBUS_BLOCK_MAX:
            raise ValueError(f"a block has 1 to {SMBUS_BLOCK_MAX} bytes, not {length}")
        return self._chip(i2c_addr).read(register, length)

    def close(self) -> None:
        self.closed = True

    def _chip(self, address: int) -> FakeChip:
        if self.closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        if address not in self.chips:
            raise OSError(errno.EREMOTEIO, os.strerror(errno.EREMOTEIO))
        return self.chips[address]


# --- pins -----------------------------------------------------------------------------------

TICK_S = 1e-9
"""What a sum of floating-point times may be off by."""

Edge = tuple[float, bool]
"""Ticks in seconds, and the level from then on."""


class EchoPin(MockPin):  # type: ignore[misc]
    """An input pin driven with scripted timestamps."""

    def edge(self, ticks: float, level: bool) -> None:
        """Change the level and call back, as a pin library does, with the edge's own time."""
        self._state = level
        if self._when_changed is not None:
            PiPin._call_when_changed(self, ticks, level)


class TriggerPin(MockPin):  # type: ignore[misc]
    """An output pin that answers the end of a trigger pulse of at least 10 us."""

    clock: Callable[[], float]
    on_ping: Callable[[], None]
    _high_since_s: float | None = None

    def _set_state(self, value: float) -> None:
        super()._set_state(value)
        if value:
            self._high_since_s = self.clock()
        elif self._high_since_s is not None:
            width_s = self.clock() - self._high_since_s
            assert width_s >= 10e-6 - TICK_S, f"trigger pulse of {width_s * 1e6} us, needs 10"
            self._high_since_s = None
            self.on_ping()


class EchoRanger:
    """An HC-SR04 on mock pins: each ping plays the next script of edges, or nothing.

    Refuses pings that come sooner than 60 ms after the last, on the clock it is given, and
    while the echo line is high.
    """

    CYCLE_S = 0.060
    RISE_S = 0.0005

    def __init__(self, trigger: int, echo: int, clock: Callable[[], float]) -> None:
        self.factory = MockFactory()
        self.factory.reset()
        self.echo: EchoPin = self.factory.pin(echo, pin_class=EchoPin)
        self._trigger: TriggerPin = self.factory.pin(trigger, pin_class=TriggerPin)
        self._trigger.clock = clock
        self._trigger.on_ping = self._answer
        self._clock = clock
        self._scripts: deque[list[Edge]] = deque()
        self.pinged_s: list[float] = []

    def will_answer(self, *edges: Edge) -> None:
        """Edges of the next ping that has no script yet, in seconds after it."""
        self._scripts.append(list(edges))

    def will_echo(self, width_s: float) -> None:
        """A whole echo."""
        self.will_answer((self.RISE_S, True), (self.RISE_S + width_s, False))

    def _answer(self) -> None:
        now_s = self._clock()
        if self.pinged_s:
            gap_s = now_s - self.pinged_s[-1]
            assert gap_s >= self.CYCLE_S - TICK_S, f"pinged {gap_s * 1000:.1f} ms after the last"
        assert not self.echo.state, "pinged while the echo line is high"
        self.pinged_s.append(now_s)
        for offset_s, level in self._scripts.popleft() if self._scripts else []:
            self.echo.edge(now_s + offset_s, level)


# --- serial ---------------------------------------------------------------------------------


class PseudoTerminal:
    """A serial port without a wire: the driver opens `port`, the test is the sensor."""

    def __init__(self) -> None:
        self._sensor, self._line = os.openpty()
        tty.setraw(self._line)
        self.port = os.ttyname(self._line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.unplug()

    def send(self, data: bytes) -> None:
        """What the sensor says."""
        os.write(self._sensor, data)

    def unplug(self) -> None:
        """The adapter goes away."""
        for fd in (self._sensor, self._line):
            if fd >= 0:
                os.close(fd)
        self._sensor = self._line = -1


# --- the contract ---------------------------------------------------------------------------


class DriverContract:
    """What every driver keeps. Subclass it as `Test...` and give a `driver` fixture.

    Must: a fixture `driver`, not open, on the fixture `clock`, whose first reading is ok.
    May: `stimulate`, called between open and read, where the sensor speaks of its own accord.
    """

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def driver(self, clock: ManualClock) -> SensorDriver:
        raise NotImplementedError(f"{type(self).__name__} needs a fixture `driver`")

    @pytest.fixture
    def stimulate(self) -> Callable[[], None]:
        return lambda: None

    def test_names_its_bus_and_its_longest_read(self, driver: SensorDriver) -> None:
        assert isinstance(driver.bus, str)
        assert driver.bus
        assert 0 < driver.timeout_s <= 10

    def test_reads_what_the_sensor_says(
        self, driver: SensorDriver, clock: ManualClock, stimulate: Callable[[], None]
    ) -> None:
        before_s = clock()
        driver.open()
        stimulate()
        reading = driver.read()
        driver.close()
        assert before_s <= reading.monotonic_s <= clock()
        assert reading.quality is Quality.OK
        assert_well_formed(reading)

    def test_read_before_open_is_refused(self, driver: SensorDriver) -> None:
        with pytest.raises(DriverError, match="not open"):
            driver.read()

    def test_read_after_close_is_refused(self, driver: SensorDriver) -> None:
        driver.open()
        driver.close()
        with pytest.raises(DriverError, match="not open"):
            driver.read()

    def test_closes_twice_and_opens_again(
        self, driver: SensorDriver, stimulate: Callable[[], None]
    ) -> None:
        driver.close()
        driver.open()
        driver.close()
        driver.close()
        driver.open()
        stimulate()
        assert driver.read().quality is Quality.OK
        driver.close()


def assert_well_formed(reading: Reading) -> None:
    """A reading's unit is known, and it has a value of that unit's kind only where it is ok."""
    assert reading.unit in ("mm", "mG")
    value: Any = reading.value
    if reading.quality is not Quality.OK:
        assert value is None
    elif reading.unit == "mm":
        assert isinstance(value, float)
    else:
        assert isinstance(value, tuple)
        assert [type(axis) for axis in value] == [float] * 3
