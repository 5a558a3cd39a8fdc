"""One sensor followed live: its detector's view of each sample, and the last minutes. Pure."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from agent.detector import Detector, Saved, State
from agent.tools.limits import Limits, limits, shown
from agent.tools.sensors import Channel, Sample
from contract.words import Status

KEPT = 3600


@dataclass(slots=True)
class Track:
    """`points` are (monotonic s, value to be held against the limits), newest last."""

    channel: Channel
    state: State
    points: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=KEPT))
    bounds: Limits | None = None
    last: Sample | None = None
    value: float | None = None

    @classmethod
    def begin(cls, channel: Channel, kept: dict[str, Any] | None, now_s: float) -> "Track":
        """From the agent's kept state, where there is one: its floor or baseline is known."""
        detector = Detector(channel.detector)
        state = detector.initial(now_s) if kept is None else detector.resume(kept, now_s)
        track = cls(channel, state)
        track._look()
        return track

    def take(self, sample: Sample) -> None:
        """Let the detector judge the sample, and remember it."""
        detector = Detector(self.channel.detector)
        self.state, _ = detector.step(self.state, sample.reading, sample.at_s)
        learnt = self._look()
        self.last = sample
        reading = sample.reading
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
        self.bounds = limits(self.channel.detector, learnt)
        return learnt
