"""What a detector remembers of its sensors, and what of it outlives the process. Pure."""

from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from agent.detector import magnetic
from agent.detector.baseline import Slope
from agent.detector.faults import Watchfulness
from agent.detector.fused import Fused
from agent.detector.magnetic import Magnetic
from agent.detector.passage import Lane
from agent.detector.ranging import Ranging
from agent.detector.settling import Settling
from contract.words import HealthState, Status
from drivers import Vector


class Saved(BaseModel):
    """What outlives the process: what is settled and what was learnt, no times and no timers.

    Monotonic time begins anew at a boot, so nothing here depends on it. Unknown fields are
    ignored and missing ones have defaults: a newer or older agent's state can be read.
    """

    status: Status = Status.UNKNOWN
    settled: Status = Status.UNKNOWN
    health: HealthState = HealthState.OK
    reason: str = ""
    floor_mm: float | None = None
    given_floor_mm: float | None = None
    baseline: Vector | None = None
    offset: Vector = (0.0, 0.0, 0.0)
    doubted: Vector | None = None
    sigma_mg: float = 0.0
    slope: dict[str, Any] = {}
    temperature_c: float | None = None
    known_c: tuple[float, float] | None = None


def unknown(kept: str) -> str:
    """A kept state of which the status is no longer published; what was learnt stands."""
    try:
        saved = Saved.model_validate_json(kept)
    except ValidationError:
        saved = Saved()
    return saved.model_copy(update={"status": Status.UNKNOWN}).model_dump_json()


@dataclass(slots=True)
class State:
    """Everything that a detector remembers of its sensors.

    `watch` is the sensor's, of a fused spot the ranger's; `waker` is its magnetometer's.
    """

    watch: Watchfulness
    lane: Lane
    waker: Watchfulness | None = None
    settling: Settling = field(default_factory=Settling)
    ranging: Ranging = field(default_factory=Ranging)
    magnetic: Magnetic = field(default_factory=Magnetic)
    fused: Fused = field(default_factory=Fused)
    health: HealthState = HealthState.OK
    reason: str = ""

    @property
    def status(self) -> Status:
        """What is published."""
        return self.settling.status

    def to_json(self) -> dict[str, Any]:
        """What `Detector.resume` takes back."""
        watch, field_ = self.watch, self.magnetic
        saved = Saved(
            status=self.settling.status,
            settled=self.settling.settled,
            health=self.health,
            reason=self.reason,
            floor_mm=self.ranging.floor_mm,
            given_floor_mm=self.ranging.given_floor_mm,
            baseline=field_.baseline,
            offset=field_.offset,
            doubted=field_.other if field_.in_doubt or field_.is_blind else None,
            sigma_mg=field_.sigma_mg,
            slope=asdict(field_.slope),
            temperature_c=field_.temperature_c,
            known_c=None if watch.low_c is None else (watch.low_c, watch.high_c),
        )
        return saved.model_dump(mode="json")

    def take(self, kept: Saved) -> None:
        """Go on from what was kept."""
        self.settling.status, self.settling.settled = kept.status, kept.settled
        self.health, self.reason = kept.health, kept.reason
        self.watch.health = kept.health, kept.reason
        if kept.floor_mm is not None and kept.given_floor_mm == self.ranging.given_floor_mm:
            self.ranging.floor_mm = kept.floor_mm
        if kept.known_c is not None:
            self.watch.low_c, self.watch.high_c = kept.known_c
        field_ = self.magnetic
        field_.baseline, field_.offset, field_.sigma_mg = kept.baseline, kept.offset, kept.sigma_mg
        field_.other, field_.is_blind = kept.doubted, kept.doubted is not None
        field_.temperature_c = kept.temperature_c
        field_.slope = Slope(**kept.slope)
        magnetic.resumed(field_)
