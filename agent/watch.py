"""One sensor watched: read it, step its detector, and turn what it says into records.

A sensor that fails is closed and opened again with a back-off of 1 to 60 s; every poll in
between counts as a missed reading, so that the detector can say `unknown`.
"""

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agent import records
from agent.config import LaneSettings, SpotSettings
from agent.detector import Change, Detector, HealthChange, Passage
from agent.records import Moment
from contract.health import SpotHealth
from contract.words import HealthState, Status
from drivers import DriverError, Reading, SensorDriver
from spool import Entry

log = logging.getLogger(__name__)

FIRST_RETRY_S = 1.0
LAST_RETRY_S = 60.0


@dataclass(slots=True)
class Watch:
    """A spot or a lane, its driver and its detector's state.

    Polled by its bus's thread; while that hangs, the supervisor takes missed readings for it.
    """

    settings: SpotSettings | LaneSettings
    driver: SensorDriver
    agent_id: str
    detector: Detector = field(init=False)
    state: Any = field(init=False, default=None)
    due_s: float = 0.0
    last: Reading | None = None
    opened: bool = False
    retry_at_s: float = 0.0
    retry_s: float = FIRST_RETRY_S
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.detector = Detector(self.settings.detector)

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

    def saved(self) -> str:
        """The detector's state, to be kept."""
        return json.dumps(self.state.to_json())

    def poll(self, now_s: float, moment: Callable[[], Moment]) -> list[Entry]:
        """Read once and answer the records that came of it; `moment` is asked only then."""
        return self.take(self._read(now_s), now_s, moment)

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

    def health(self, now_s: float) -> SpotHealth:
        """What the heartbeat says of this sensor."""
        last = self.last
        return SpotHealth(
            status=getattr(self.state, "status", Status.UNKNOWN),
            health=self.state.health,
            reason=self.state.reason,
            value=last.value if last else None,
            unit=last.unit if last else "",
            quality=last.quality.value if last else "",
            age_s=round(now_s - last.monotonic_s, 3) if last else None,
        )

    def close(self) -> None:
        """Let the sensor go."""
        if self.opened:
            self.driver.close()
            self.opened = False

    def _read(self, now_s: float) -> Reading | None:
        if not self.opened and now_s < self.retry_at_s:
            return None
        try:
            if not self.opened:
                self.driver.open()
                self.opened = True
            self.last = self.driver.read()
        except DriverError as error:
            self._back_off(now_s, error)
            return None
        self.retry_s = FIRST_RETRY_S
        return self.last

    def _back_off(self, now_s: float, error: DriverError) -> None:
        log.warning("%s: %s; %s", self.name, error, error.hint or "retrying")
        self.driver.close()
        self.opened = False
        self.retry_at_s = now_s + self.retry_s
        self.retry_s = min(self.retry_s * 2, LAST_RETRY_S)

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
