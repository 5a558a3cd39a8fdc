"""One sensor followed live: its detector's view of each sample, and the last minutes. Pure."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.detector import Detector, Saved, State
from agent.tools.limits import Limits, limits, shown
from agent.tools.sensors import Channel, Sample
from contract.words import Status
from drivers import Quality, Reading

KEPT = 3600


@dataclass(slots=True)
class Track:
    """`points` are (monotonic s, value to be held against the limits), newest last.

    Sensors that are fused share a state.
    """

    channel: Channel
    state: State
    points: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=KEPT))
    bounds: Limits | None = None
    last: Sample | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        self._look()

    def take(self, sample: Sample) -> None:
        """Let the detector judge the sample, and remember it."""
        self.last, reading = sample, sample.reading
        unit = "mG" if self.channel.settings.kind != "ranging" else "mm"
        judged = reading or Reading(None, unit, Quality.NO_DATA, None, sample.at_s)
        Detector(self.channel.detector).step(self.state, judged, sample.at_s)
        learnt = self._look()
        self.value = shown(reading, learnt.baseline) if reading is not None else None
        if self.value is not None:
            self.points.append((sample.at_s, self.value))

    @property
    def status(self) -> Status | None:
        """What the detector would publish; None for a lane, which has no status."""
        return None if self.channel.detector.kind == "passage" else self.state.status

    def side(self) -> Status | None:
        """Where the newest value lies now, before any dwell; None between the thresholds."""
        if self.value is None or self.bounds is None:
            return None
        bounds, sign = self.bounds, 1 if self.bounds.on > self.bounds.off else -1
        if sign * (self.value - bounds.on) > 0:
            return Status.OCCUPIED
        return Status.FREE if sign * (bounds.off - self.value) > 0 else None

    def to_json(self) -> dict[str, Any]:
        """The newest sample, for programs. Values in `unit`; `value` is None without one."""
        sample, bounds = self.last, self.bounds
        reading = sample.reading if sample else None
        return {
            "name": self.channel.name,
            "part": self.channel.part,
            "monotonic_s": round(sample.at_s, 3) if sample else None,
            "value": reading.value if reading else None,
            "unit": reading.unit if reading else "",
            "quality": reading.quality.value if reading else None,
            "temperature_c": reading.temperature_c if reading else None,
            "error": str(sample.error) if sample and sample.error else None,
            "compared": self.value,
            "rest": bounds.rest if bounds else None,
            "off": bounds.off if bounds else None,
            "on": bounds.on if bounds else None,
            "side": self.side(),
            "status": self.status,
            "health": self.state.health,
            "reason": self.state.reason,
        }

    def _look(self) -> Saved:
        learnt = Saved.model_validate(self.state.to_json())
        self.bounds = limits(self.channel.settings, learnt)
        return learnt


def begin(
    watched: Sequence[Channel], kept: Mapping[str, dict[str, Any] | None], now_s: float
) -> list[Track]:
    """From the agent's kept states by name: a floor or baseline that is there is known."""
    states: dict[str, State] = {}
    for channel in watched:
        detector, saved = Detector(channel.detector), kept.get(channel.name)
        if channel.name not in states:
            states[channel.name] = (
                detector.initial(now_s) if saved is None else detector.resume(saved, now_s)
            )
    return [Track(channel, states[channel.name]) for channel in watched]
