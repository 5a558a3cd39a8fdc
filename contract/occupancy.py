"""What displays read: retained, and blank when it has run out (`may_be_shown`).

`valid_until` is by the gateway's clock, and `clock` says whether that can be trusted;
`valid_for_s` counts from the arrival, by the display's own monotonic clock.
"""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from contract.words import ClockState, HealthState, Id, Status

Count = Annotated[int, Field(ge=0)]


class SpotState(BaseModel):
    """`spots/{spot}/state`. `since` is when the status began, None while it is unknown."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    spot_id: Id
    zone_id: Id
    floor: int
    status: Status
    since: AwareDatetime | None = None
    confidence: float = 0.0
    health: HealthState = HealthState.OK
    reason: str = ""
    as_of: AwareDatetime
    valid_until: AwareDatetime
    valid_for_s: Annotated[float, Field(gt=0)] | None = None
    clock: ClockState = ClockState.SYNCED


class Occupancy(BaseModel):
    """`occupancy` of a lot and `zones/{zone}/occupancy`. Unknown is never counted as free.

    `coverage` is the share of spots whose status is known (0 to 1). A lot or zone that is
    counted at its lanes has `source` counted, its count may stray beyond its size (`counted`),
    and `occupied` is that count held between 0 and `total` for display.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    lot_id: Id
    zone_id: Id | None = None
    source: Literal["sensed", "counted"] = "sensed"
    total: Count
    occupied: Count
    free: Count
    unknown: Count
    closed: Count
    coverage: Annotated[float, Field(ge=0, le=1)]
    counted: int | None = None
    as_of: AwareDatetime
    valid_until: AwareDatetime
    valid_for_s: Annotated[float, Field(gt=0)] | None = None
    clock: ClockState = ClockState.SYNCED

    @model_validator(mode="after")
    def _sums_up(self) -> Self:
        if self.occupied + self.free + self.unknown + self.closed != self.total:
            raise ValueError("occupied + free + unknown + closed must be total")
        return self


def may_be_shown(message: SpotState | Occupancy, now: datetime, age_s: float) -> bool:
    """Whether a message has not run out `age_s` after it arrived, `now` by the display's clock.

    A gateway whose clock is wrong, and says so, is shown nevertheless; one that is dead runs out.
    """
    if message.valid_for_s is not None and age_s >= message.valid_for_s:
        return False
    trusted = message.clock is ClockState.SYNCED or message.valid_for_s is None
    return now < message.valid_until or not trusted
