"""The invented facility: two lots, their zones, spots, agents and a camera, and their files."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.provision import toml

FACILITY = "demo"
CAMERA = "cam-1"
ROW_SPOTS = 6
"""In a row, which one agent watches."""
BAY_M, ROW_M = 2.5, 11.0


@dataclass(frozen=True, slots=True)
class Row:
    """A row of spots of a zone, with who watches it."""

    zone_id: str
    agent_id: str
    floor: int
    number: int

    def spots(self) -> list[dict[str, Any]]:
        """Its lines of the layout. The first spot of a zone is for people with a disability."""
        first = self.number * ROW_SPOTS + 1
        return [
            {
                "spot_id": f"{self.zone_id[0].upper()}{first + place:02}",
                "zone_id": self.zone_id,
                "floor": self.floor,
                "kinds": ["accessible"] if first + place == 1 else ["ev"] if place == 5 else None,
                "agent_id": None if self.agent_id == CAMERA else self.agent_id,
                "position": {"x_m": round(place * BAY_M, 1), "y_m": round(self.number * ROW_M, 1)},
            }
            for place in range(ROW_SPOTS)
        ]


@dataclass(frozen=True, slots=True)
class SeededLot:
    """One lot: how long people stay in each zone, and how long a spot waits for the next."""

    lot_id: str
    name: str
    zones: dict[str, tuple[float, float]]
    rows: tuple[Row, ...]

    def toml(self, folder: Path, broker: tuple[str, int]) -> str:
        """Its gateway.toml, with the store and the history in `folder`."""
        head = {"facility_id": FACILITY, "lot_id": self.lot_id}
        zones = [
            {"zone_id": zone, "name": zone.title(), "max_stay_s": 4 * 3600.0} for zone in self.zones
        ]
        history = {"name": "history", "kind": "history", "path": str(folder / "history.db")}
        return (
            "# Written by `lotkeeper console seed`: an invented lot.\n"
            + toml.pairs(head)
            + f"[mqtt]\n{toml.pairs({'host': broker[0], 'port': broker[1], 'protocol': '3.1.1'})}"
            + f"[store]\n{toml.pairs({'path': str(folder / 'gateway.db')})}"
            + "[metrics]\nport = 0\n\n"
            + toml.tables("sinks", [history])
            + toml.tables("zones", zones)
            + toml.tables("spots", [spot for row in self.rows for spot in row.spots()])
        )


LOTS = (
    SeededLot(
        "demo-north",
        "North garage",
        {"ground": (4200.0, 2600.0), "upper": (9000.0, 5200.0)},
        (
            Row("ground", "north-pi-1", 0, 0),
            Row("ground", "north-pi-2", 0, 1),
            Row("upper", "north-pi-3", 1, 0),
            Row("upper", CAMERA, 1, 1),
        ),
    ),
    SeededLot(
        "demo-south",
        "South yard",
        {"yard": (2400.0, 3000.0)},
        (Row("yard", "south-pi-1", 0, 0), Row("yard", "south-pi-2", 0, 1)),
    ),
)


def console_toml(folder: Path) -> str:
    """The console's configuration over the lots in `folder`."""
    rows = [
        {"gateway": str(folder / lot.lot_id / "gateway.toml"), "name": lot.name} for lot in LOTS
    ]
    return (
        "# Written by `lotkeeper console seed`.\n"
        + f"[store]\n{toml.pairs({'path': str(folder / 'console.db')})}"
        + f"[rate]\n{toml.pairs({'path': str(folder / 'rate.db')})}"
        + "[live]\ntimeout_s = 1.0\n\n"
        + toml.tables("lots", rows)
    )


def absolute(folder: Path) -> Path:
    """As the configurations name it, wherever they are read."""
    return Path(os.path.abspath(folder))
