"""A trace as it is drawn: what was measured, and the thresholds as the detector learnt them.

A distance is drawn as it is; a field as its deviation from the baseline, which is what the
detector judges. Of a spot with two sensors the ranger is drawn, which decides. Pure.
"""

from dataclasses import dataclass, field

from agent.detector import DetectorSettings, FusedSettings, RangingSettings, Saved
from agent.tools.limits import Limits, limits, shown
from agent.tools.sensors import OneSensor
from drivers import Quality, Vector
from score.detect import Step

LOOKS = 2000
"""How often the thresholds are looked up in a recording: as often as a picture can show."""


def traced(settings: DetectorSettings, count: int) -> "Traced":
    """Nothing drawn yet of a detector with these settings."""
    return Traced(settings.ranging if isinstance(settings, FusedSettings) else settings, count)


@dataclass(slots=True)
class Traced:
    """Points and thresholds of one sensor; `count` is how many readings will come."""

    settings: OneSensor
    count: int
    points: list[tuple[float, float]] = field(default_factory=list)
    """Seconds, and mm or mG."""
    limits: list[tuple[float, Limits]] = field(default_factory=list)
    """From when on these thresholds held."""
    lost_s: list[float] = field(default_factory=list)
    """When a reading had no value."""
    _seen: int = 0
    _baseline: Vector | None = None

    @property
    def unit(self) -> str:
        """What is drawn."""
        return "mm" if isinstance(self.settings, RangingSettings) else "mG"

    @property
    def _no_news(self) -> Quality | None:
        """A chip that is polled faster than it measures has lost nothing."""
        return Quality.NO_DATA if self.unit == "mG" else None

    def note(self, step: Step) -> None:
        """Take one step of the detector."""
        reading = step.reading
        if reading.unit != self.unit:
            return
        if self._seen % max(1, self.count // LOOKS) == 0 or self._baseline is None:
            self._look(step)
        self._seen += 1
        value = shown(reading, self._baseline)
        if value is not None:
            self.points.append((reading.monotonic_s, value))
        elif reading.quality not in (Quality.OK, self._no_news):
            self.lost_s.append(reading.monotonic_s)

    def _look(self, step: Step) -> None:
        learnt = Saved.model_validate(step.state.to_json())
        self._baseline = learnt.baseline
        now = limits(self.settings, learnt)
        if now is not None and (not self.limits or self.limits[-1][1] != now):
            self.limits.append((step.reading.monotonic_s, now))
