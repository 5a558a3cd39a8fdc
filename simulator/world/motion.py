"""Where a vehicle's middle is, in metres from the sensor along the bay."""

from dataclasses import dataclass, replace

import numpy as np

from simulator.world.spans import Floats, Ints, Spans
from simulator.world.traffic import RUN_UP_M, Visit, stays


@dataclass(frozen=True)
class Motion:
    """The visits of one bay as arrays, to be asked for many times at once."""

    stays: Spans
    standing_s: Floats
    departure_s: Floats
    offset_m: Floats
    shunt_m: Floats

    @classmethod
    def of(cls, visits: list[Visit]) -> "Motion":
        """The motion of a bay's visits."""
        return cls(
            stays(visits),
            np.array([visit.standing_s for visit in visits]),
            np.array([visit.departure_s for visit in visits]),
            np.array([visit.vehicle.offset_m for visit in visits]),
            np.array([visit.vehicle.shunt_m for visit in visits]),
        )

    def position_m(self, time_s: Floats, index: Ints) -> Floats:
        """Of visit `index` at each time; it comes from the lane's side and leaves there again."""
        begin_s, end_s = self.stays.begins_s[index], self.stays.ends_s[index]
        standing_s, departure_s = self.standing_s[index], self.departure_s[index]
        coming = np.clip((time_s - begin_s) / (standing_s - begin_s), 0.0, 1.0)
        leaving = np.clip((time_s - departure_s) / (end_s - departure_s), 0.0, 1.0)
        away = 1.0 - _smooth(coming) + _smooth(leaving)
        correcting = np.sin(np.pi * np.clip((coming - 0.6) / 0.4, 0.0, 1.0))
        return self.offset_m[index] + RUN_UP_M * away + self.shunt_m[index] * correcting

    def standing_at(self, offset_m: Floats) -> "Motion":
        """The same visits, standing elsewhere."""
        return replace(self, offset_m=offset_m)


def _smooth(share: Floats) -> Floats:
    """From 0 to 1 without a jerk at either end."""
    return np.asarray(share * share * (3.0 - 2.0 * share))
