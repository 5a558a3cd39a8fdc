"""gpiozero's mock pins with scripted echoes."""

from collections import deque
from collections.abc import Callable

from gpiozero.pins.mock import MockFactory, MockPin  # type: ignore[import-untyped]
from gpiozero.pins.pi import PiPin  # type: ignore[import-untyped]

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
