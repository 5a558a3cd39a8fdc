"""One spot or lane watched: read its sensors, step their detector, make records of what it says."""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from agent import records
from agent.config import LaneSettings, SpotSettings
from agent.detector import Change, Detector, HealthChange, Passage, State
from agent.detector.moving import Movement
from agent.records import Moment
from agent.sensor import Sensor
from contract.health import SpotHealth
from contract.words import HealthState
from drivers import Reading, SensorDriver
from spool import Entry

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Watch:
    """A spot or a lane, its sensors and its detector's state.

    `sensors` is the sensor, and of a fused spot its waker. Each is polled by its bus's thread;
    while that hangs, the supervisor takes missed readings for it.
    """

    settings: SpotSettings | LaneSettings
    driver: SensorDriver
    agent_id: str
    waker: SensorDriver | None = None
    sensors: list[Sensor] = field(init=False)
    detector: Detector = field(init=False)
    state: State = field(init=False)
    told: Movement | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        settings, waker = self.settings, self.waker
        self.detector = Detector(settings.detector)
        self.sensors = [Sensor(self.driver, settings.sample_s, "mm" if waker else "")]
        if waker is not None and isinstance(settings, SpotSettings):
            self.sensors.append(Sensor(waker, settings.waker_sample_s, "mG"))

    @property
    def name(self) -> str:
        """The spot's or lane's id."""
        if isinstance(self.settings, SpotSettings):
            return self.settings.spot_id
        return self.settings.lane_id

    def begin(self, saved: str | None, now_s: float) -> None:
        """Start from the state that was kept; from none if there is none or it is damaged."""
        self.state = self.detector.initial(now_s)
        if saved is None:
            return
        try:
            self.state = self.detector.resume(json.loads(saved), now_s)
        except ValueError as error:
            log.error("%s: its kept state is damaged, beginning anew: %s", self.name, error)

    def relearn(self, learnt: dict[str, Any], now_s: float) -> None:
        """Go on from another empty bay: fields of what is kept of a detector."""
        with self.lock:
            saved = {**self.state.to_json(), **learnt}
            self.state = self.detector.resume(saved, now_s)

    def saved(self) -> str:
        """The detector's state, to be kept."""
        return json.dumps(self.state.to_json())

    def wants(self, sensor: Sensor, now_s: float) -> bool:
        """Whether a sensor whose time has come is to be read, or sleeps on."""
        if sensor.polled_s is None or sensor.kept is not None:
            return True
        wait_s = self.detector.sample_s(self.state, sensor.unit, sensor.sample_s, now_s)
        return now_s - sensor.polled_s >= wait_s - sensor.sample_s / 2

    def poll(
        self,
        now_s: float,
        moment: Callable[[], Moment],
        sensor: Sensor | None = None,
        air_c: float | None = None,
    ) -> list[Entry]:
        """Read a sensor (the first) and answer the records that came; `moment` is asked only then.

        `air_c` is the air's temperature, for a sensor that has no thermometer.
        """
        reading = (sensor or self.sensors[0]).read(self.name, now_s)
        if reading is not None and reading.temperature_c is None and air_c is not None:
            reading = replace(reading, temperature_c=air_c)
        return self.take(reading, now_s, moment)

    def take(
        self, reading: Reading | None, now_s: float, moment: Callable[[], Moment]
    ) -> list[Entry]:
        """Step the detector with a reading, or with None for one that did not come."""
        with self.lock:
            self.state, changes = self.detector.step(self.state, reading, now_s)
        if not changes:
            return []
        now = moment()
        return [self._entry(change, now) for change in changes]

    def moved(self) -> Movement | None:
        """The magnetometer's last movement, if it was not yet asked for."""
        movement = self.state.magnetic.moved
        if movement is self.told:
            return None
        self.told = movement
        return movement

    def hear(self, movement: Movement, who: str) -> None:
        """The field of an adjacent spot's magnetometer moved."""
        with self.lock:
            self.detector.hear(self.state, movement, who)

    def measured_s(self) -> float:
        """When the magnetometer measured something new, in monotonic seconds."""
        return self.detector.measured_s(self.state)

    def attend(self, measured_s: float, who: str) -> None:
        """An adjacent spot's magnetometer measured something new at `measured_s`."""
        with self.lock:
            self.detector.attend(self.state, who, measured_s)

    def health(self, now_s: float) -> SpotHealth:
        """What the heartbeat says of this spot; the reading is the first sensor's."""
        last = self.sensors[0].last
        return SpotHealth(
            status=self.state.status,
            health=self.state.health,
            reason=self.state.reason,
            value=last.value if last else None,
            unit=last.unit if last else "",
            quality=last.quality.value if last else "",
            age_s=round(now_s - last.monotonic_s, 3) if last else None,
        )

    def close(self) -> None:
        """Let the sensors go."""
        for sensor in self.sensors:
            sensor.close()

    def _entry(self, change: Change | HealthChange | Passage, now: Moment) -> Entry:
        if isinstance(change, Passage):
            assert isinstance(self.settings, LaneSettings)
            lane = self.settings
            body = records.vehicle_counted(
                self.agent_id, lane.lane_id, lane.zone_id, lane.counts.value, change, now
            )
            return Entry("", records.encoded(body))
        if isinstance(change, HealthChange):
            alarm = change.health is not HealthState.OK
            body = records.health_changed(self.name, change, now)
            return Entry("", records.encoded(body), durable=alarm)
        health = HealthChange(self.state.health, self.state.reason, change.at_s)
        return Entry(
            self.name, records.encoded(records.spot_changed(self.name, change, health, now))
        )
