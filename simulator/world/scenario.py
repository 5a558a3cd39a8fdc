"""What is on in a world: a family of sensors, interferences, faults, a season."""

from dataclasses import dataclass
from typing import Literal

from simulator.world.weather import Season

Family = Literal["ranging", "laser", "radar", "magnetic", "fused"]
FAMILIES: tuple[Family, ...] = ("ranging", "laser", "radar", "magnetic", "fused")
RANGERS: tuple[Family, ...] = ("ranging", "laser", "radar")
"""Without a magnetometer; `ranging` is ultrasonic."""


@dataclass(frozen=True)
class Scenario:
    """What is on. Names are those of the functions in `simulator.world.distance` and `.field`.

    Without a `season` each bay draws its own; `thermometer` is a magnetometer's. Where it
    `hears`, the next bay has the same sensors, and each hears the steps of the other's.
    """

    name: str
    family: Family
    interference: frozenset[str] = frozenset()
    faults: frozenset[str] = frozenset()
    season: Season | None = None
    thermometer: bool = True
    hears: bool = False

    @property
    def ranges(self) -> bool:
        """Whether distances are measured."""
        return self.family != "magnetic"

    @property
    def senses_field(self) -> bool:
        """Whether the magnetic field is measured."""
        return self.family in ("magnetic", "fused")
