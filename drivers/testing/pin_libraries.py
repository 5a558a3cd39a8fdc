"""The parts of lgpio and RPi.GPIO that gpiozero uses, on lines that a test drives.

Names, numbers and refusals are those of lgpio 0.2.2 (lgGpio.c, lgErr.c; numbers in lgpio.h) and
RPi.GPIO 0.7.1 (py_gpio.c). gpiozero's own factories run on them: that is what they are for.
"""

from collections.abc import Callable
from typing import Any


class Lines:
    """GPIO lines by BCM number: what drives the inputs, what hears the outputs.

    `mode` of a claimed line is "in" or "out". `edge` changes an input's level and tells the
    library's callback, which learns the edge's own time.
    """

    def __init__(self) -> None:
        self.mode: dict[int, str] = {}
        self.pull: dict[int, int] = {}
        self.level: dict[int, bool] = {}
        self.on_output: dict[int, Callable[[bool], None]] = {}
        self.on_edge: dict[int, Callable[[float, bool], None]] = {}

    def claim(self, pin: int, mode: str, pull: int) -> None:
        """Make a line an input or an output; what watched it does so no more."""
        self.mode[pin], self.pull[pin] = mode, pull
        self.on_edge.pop(pin, None)

    def write(self, pin: int, level: bool) -> None:
        """Drive an output."""
        self.level[pin] = level
        if pin in self.on_output:
            self.on_output[pin](level)

    def edge(self, pin: int, at_s: float, level: bool) -> None:
        """Somebody outside drives an input."""
        assert self.mode.get(pin) != "out", f"a short circuit on line {pin}"
        self.level[pin] = level
        if pin in self.on_edge:
            self.on_edge[pin](at_s, level)


class LgpioError(Exception):
    """lgpio.error."""


class FakeLgpio:
    """The module `lgpio`: callbacks get the kernel's time of the edge, in nanoseconds."""

    RISING_EDGE, FALLING_EDGE, BOTH_EDGES = 1, 2, 3
    SET_PULL_UP, SET_PULL_DOWN, SET_PULL_NONE = 32, 64, 128
    error = LgpioError

    def __init__(self, lines: Lines, chips: tuple[int, ...] = (0,)) -> None:
        self._lines = lines
        self._chips = chips

    def gpiochip_open(self, chip: int) -> int:
        if chip not in self._chips:
            raise LgpioError("can not open gpiochip")
        return chip

    def gpiochip_close(self, handle: int) -> None:
        self._lines.mode.clear()

    def gpio_claim_input(self, handle: int, gpio: int, lFlags: int = 0) -> None:
        self._lines.claim(gpio, "in", lFlags)

    def gpio_claim_output(self, handle: int, gpio: int, level: int = 0, lFlags: int = 0) -> None:
        self._lines.claim(gpio, "out", lFlags)
        self._lines.write(gpio, bool(level))

    def gpio_claim_alert(self, handle: int, gpio: int, eFlags: int, lFlags: int = 0) -> None:
        self._lines.claim(gpio, "in", lFlags)

    def gpio_free(self, handle: int, gpio: int) -> None:
        self._claimed(gpio)
        del self._lines.mode[gpio]

    def gpio_get_mode(self, handle: int, gpio: int) -> int:
        return self._lines.pull.get(gpio, 0) | (2 if self._lines.mode.get(gpio) == "out" else 0)

    def gpio_read(self, handle: int, gpio: int) -> int:
        self._claimed(gpio)
        return int(self._lines.level.get(gpio, False))

    def gpio_write(self, handle: int, gpio: int, level: int) -> None:
        # The library would make an output of an input by the way; no driver may count on it.
        assert self._lines.mode.get(gpio) == "out", f"line {gpio} is written, but is no output"
        self._lines.write(gpio, bool(level))

    def callback(self, handle: int, gpio: int, edge: int, func: Callable[..., None]) -> Any:
        assert self._lines.mode.get(gpio) == "in", f"line {gpio} gives no alerts"
        self._lines.on_edge[gpio] = lambda at_s, level: func(
            handle, gpio, int(level), round(at_s * 1e9)
        )
        return _Callback(lambda: self._lines.on_edge.pop(gpio, None))

    def _claimed(self, gpio: int) -> None:
        if gpio not in self._lines.mode:
            raise LgpioError("GPIO not allocated")


class _Callback:
    """What lgpio.callback answers."""

    def __init__(self, cancel: Callable[[], Any]) -> None:
        self.cancel = cancel


class FakeRPiGPIO:
    """The module `RPi.GPIO`: callbacks get the channel alone, and have to read the level.

    `soc` is False on a Pi 5, whose pins it does not find; `sysfs` is False since kernel 6.6,
    whose numbering it does not know.
    """

    BCM, OUT, IN = 11, 0, 1
    PUD_OFF, PUD_DOWN, PUD_UP = 20, 21, 22
    RISING, FALLING, BOTH = 31, 32, 33
    SERIAL, SPI, I2C, HARD_PWM, UNKNOWN = 40, 41, 42, 43, -1

    def __init__(self, lines: Lines, soc: bool = True, sysfs: bool = True) -> None:
        self._lines = lines
        self._soc = soc
        self._sysfs = sysfs
        self._numbering: int | None = None

    def setmode(self, mode: int) -> None:
        self._numbering = mode

    def setwarnings(self, gpio_warnings: bool) -> None: ...

    def setup(
        self, channel: int, direction: int, pull_up_down: int = 20, initial: int | None = None
    ) -> None:
        if self._numbering is None:
            raise RuntimeError("Please set pin numbering mode using GPIO.setmode(GPIO.BOARD)")
        if not self._soc:
            raise RuntimeError("Cannot determine SOC peripheral base address")
        if direction == self.OUT and pull_up_down != self.PUD_OFF:
            raise ValueError("pull_up_down parameter is not valid for outputs")
        self._lines.claim(channel, "out" if direction == self.OUT else "in", pull_up_down)
        if initial is not None:
            self._lines.write(channel, bool(initial))

    def cleanup(self, channel: int | None = None) -> None:
        for each in [channel] if channel is not None else list(self._lines.mode):
            self._lines.mode.pop(each, None)

    def gpio_function(self, channel: int) -> int:
        return self.OUT if self._lines.mode.get(channel) == "out" else self.IN

    def input(self, channel: int) -> int:
        if channel not in self._lines.mode:
            raise RuntimeError("You must setup() the GPIO channel first")
        return int(self._lines.level.get(channel, False))

    def output(self, channel: int, value: float) -> None:
        if self._lines.mode.get(channel) != "out":
            raise RuntimeError("The GPIO channel has not been set up as an OUTPUT")
        self._lines.write(channel, bool(value))

    def add_event_detect(
        self, channel: int, edge: int, callback: Callable[[int], None], bouncetime: int = -666
    ) -> None:
        if self._lines.mode.get(channel) != "in":
            raise RuntimeError("You must setup() the GPIO channel as an input first")
        if channel in self._lines.on_edge:
            raise RuntimeError("Conflicting edge detection already enabled for this GPIO channel")
        if not self._sysfs:
            raise RuntimeError("Failed to add edge detection")
        self._lines.on_edge[channel] = lambda at_s, level: callback(channel)

    def remove_event_detect(self, channel: int) -> None:
        self._lines.on_edge.pop(channel, None)
