"""A spot looked at for some seconds: which one is it, where is its floor?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.detector import FusedSettings
from agent.sensor import Sensor
from agent.watch import Watch
from contract.commands import Identify, Recalibrate
from drivers import Reading

if TYPE_CHECKING:
    from agent.tools.sensors import OneSensor

Readings = list[tuple[Sensor, list[Reading]]]


@dataclass(slots=True)
class Looking:
    """One command under way, until monotonic `ends_s`."""

    command: Identify | Recalibrate
    watch: Watch
    ends_s: float

    def __post_init__(self) -> None:
        for sensor in self.watch.sensors:
            sensor.kept = []

    def end(self) -> Readings:
        """What was read."""
        found: Readings = []
        for sensor in self.watch.sensors:
            found.append((sensor, sensor.kept or []))
            sensor.kept = None
        return found


def identified(watch: Watch, readings: Readings) -> dict[str, Any]:
    """Whether somebody waved at it, and what its sensors say."""
    from agent.tools.reaction import Reaction

    sensors: list[dict[str, Any]] = []
    for index, (sensor, kept) in enumerate(readings):
        reaction = Reaction()
        began = [reaction.take(each) for each in kept]  # every one must be taken
        last = sensor.last
        sensors.append(
            {
                "kind": _kind(watch, index),
                "bus": sensor.driver.bus,
                "reacted": any(began),
                "readings": len(kept),
                "value": last.value if last else None,
                "unit": last.unit if last else "",
                "quality": last.quality.value if last else "",
            }
        )
    return {
        "spot_id": watch.name,
        "reacted": any(each["reacted"] for each in sensors),
        "status": watch.state.status.value,
        "sensors": sensors,
    }


def relearnt(watch: Watch, readings: Readings) -> tuple[dict[str, Any], dict[str, Any], str]:
    """(fields of the detector's kept state, the answer's data, why it is not learnt)."""
    from agent.tools.learn import NotLearnt, empty_warnings, learn

    state: dict[str, Any] = {}
    sensors: list[dict[str, Any]] = []
    warnings: list[str] = []
    for (sensor, kept), settings in zip(readings, _settings(watch), strict=True):
        try:
            learnt = learn(kept)
        except NotLearnt as error:
            return {}, {}, f"{watch.name}, {sensor.driver.bus}: {error}"
        state.update(learnt.state(settings))
        warnings += empty_warnings(settings, learnt)
        sensors.append(
            {
                "kind": _kind(watch, len(sensors)),
                "unit": learnt.unit,
                "floor_mm": learnt.floor_mm,
                "baseline": learnt.baseline,
                "noise": learnt.noise,
                "readings": len(kept),
            }
        )
    return state, {"spot_id": watch.name, "sensors": sensors, "warnings": warnings}, ""


def _settings(watch: Watch) -> "Sequence[OneSensor]":
    """The detector's settings for each sensor."""
    detector = watch.settings.detector
    if isinstance(detector, FusedSettings):
        return [detector.ranging, detector.magnetic]
    return [detector]


def _kind(watch: Watch, index: int) -> str:
    waker = getattr(watch.settings, "waker", None)
    return waker.kind if index and waker else watch.settings.sensor.kind
