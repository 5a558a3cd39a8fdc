"""A ranger with scripted echoes, and gpiozero's mock pins that it may hang on."""

from collections import deque
from collections.abc import Callable

from gpiozero.pins.mock import MockFactory, MockPin  # type: ignore[import-untyped]
from gpiozero.pins.pi import PiPin  # type: ignore[import-untyped]

TICK_S = 1e-9
"""What a sum of floating-point times may be off by."""

Edge = tuple[float, bool]
"""Ticks in seconds, and the level from then on."""


class Transducer:
    """A sensor of the HC-SR04's kind, on whatever drives the pins.

    Each ping plays the next script of edges, or nothing. Whoever drives the trigger calls
    `trigger`, whoever shows the echo line is `deliver`. Refuses a trigger pulse that is too short,
    a ping too soon after the last, on the clock it is given, and one while the line is high.
    """

    RISE_S = 0.0005

    def __init__(
        self, clock: Callable[[], float], trigger_s: float = 10e-6, cycle_s: float = 0.060
    ) -> None:
        self.deliver: Callable[[float, bool], None]
        self.line_high: Callable[[], bool]
        self.pinged_s: list[float] = []
        self._clock = clock
        self._trigger_s = trigger_s
        self._cycle_s = cycle_s
        self._high_since_s: float | None = None
        self._scripts: deque[list[Edge]] = deque()

    def will_answer(self, *edges: Edge) -> None:
        """Edges of the next ping that has no script yet, in seconds after it."""
        self._scripts.append(list(edges))

    def will_echo(self, width_s: float) -> None:
        """A whole echo."""
        self.will_answer((self.RISE_S, True), (self.RISE_S + width_s, False))

    def trigger(self, level: bool) -> None:
        """The trigger pin's new level; its fall is the ping."""
        if level:
            self._high_since_s = self._clock()
        elif self._high_since_s is not None:
            width_s = self._clock() - self._high_since_s
            assert width_s >= self._trigger_s - TICK_S, (
                f"trigger pulse of {width_s * 1e6:.0f} us, needs {self._trigger_s * 1e6:.0f}"
            )
            self._high_since_s = None
            self._answer()

    def _answer(self) -> None:
        now_s = self._clock()
        if self.pinged_s:
            gap_s = now_s - self.pinged_s[-1]
            assert gap_s >= self._cycle_s - TICK_S, f"pinged {gap_s * 1000:.1f} ms after the last"
        assert not self.line_high(), "pinged while the echo line is high"
        self.pinged_s.append(now_s)
        for offset_s, level in self._scripts.popleft() if self._scripts else []:
            self.deliver(now_s + offset_s, level)


class EchoPin(MockPin):  # type: ignore[misc]
    """An input pin driven with scripted timestamps."""

    def edge(self, ticks: float, level: bool) -> None:
        """Change the level and call back, as a pin library does, with the edge's own time."""
        self._state = level
        if self._when_changed is not None:
            PiPin._call_when_changed(self, ticks, level)


class TriggerPin(MockPin):  # type: ignore[misc]
    """An output pin that tells a transducer its level."""

    transducer: Transducer

    def _set_state(self, value: float) -> None:
        super()._set_state(value)
        self.transducer.trigger(bool(value))


class EchoRanger(Transducer):
    """A transducer on gpiozero's mock pins."""

    def __init__(
        self,
        trigger: int,
        echo: int,
        clock: Callable[[], float],
        trigger_s: float = 10e-6,
        cycle_s: float = 0.060,
    ) -> None:
        super().__init__(clock, trigger_s, cycle_s)
        self.factory = MockFactory()
        self.factory.reset()
        self.echo: EchoPin = self.factory.pin(echo, pin_class=EchoPin)
        self.deliver = self.echo.edge
        self.line_high = lambda: bool(self.echo.state)
        trigger_pin: TriggerPin = self.factory.pin(trigger, pin_class=TriggerPin)
        trigger_pin.transducer = self
