"""A whole lot from one file: every bad row named, and nothing taken unless all are good.

CSV: one row a spot, the first row names the columns, separated by comma, semicolon or tab:

    spot_id,zone_id,floor,size,kinds,latitude,longitude,x_m,y_m,agent_id,sensor,sensor.port
    A1,A,0,standard,ev accessible,48.1,11.5,,,pi-07,a02yyuw,/dev/serial0

`sensor` is a driver's kind and `sensor.X` its option X, `detector` and `detector.X` likewise; an
empty cell is not said. TOML: [[zones]] and [[spots]], with the same names and tables for sensor
and detector. Zones that only spots name are made.
"""

import csv
import io
import math
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import ValidationError

from drivers import registry
from gateway.config import ZoneSettings
from gateway.provision.lot import PlannedSpot

PLACE = ("latitude", "longitude", "x_m", "y_m")
PLAIN = {"spot_id", "zone_id", "floor", "size", "agent_id", *PLACE}
COLUMNS = PLAIN | {"kinds", "sensor", "detector"}
FAR_M = 5000.0
"""A lot is smaller: a spot further from the others has its coordinates wrong, or swapped."""
RESERVED = {"gateway", "operator", "broker", "enrolment"}


class BadPlan(Exception):
    """The file cannot be taken; a line for each fault of it."""


Fault = tuple[int, str]
"""The line, to sort by, and the words."""


@dataclass(frozen=True, slots=True)
class Row:
    """One spot as it was written, and where; in TOML its number stands for the line."""

    file: str
    line: int
    document: dict[str, Any]

    @property
    def where(self) -> str:
        """As compilers say it."""
        return f"{self.file}:{self.line}"

    def fault(self, words: str) -> Fault:
        """What is wrong with it."""
        return self.line, f"{self.where}: {words}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file says."""

    zones: list[ZoneSettings]
    spots: list[PlannedSpot]


def read(path: Path) -> Plan:
    """The plan of a file. Raises BadPlan with every fault."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheets write a byte order mark
    except (OSError, UnicodeDecodeError) as error:
        raise BadPlan(f"{path}: {error}; it must be text in UTF-8") from None
    from_toml = path.suffix.lower() == ".toml"
    zones, rows = _from_toml(path.name, text) if from_toml else ([], _from_csv(path.name, text))
    return checked(zones, rows)


def checked(zones: list[Row], rows: list[Row]) -> Plan:
    """The rows as a plan. Raises BadPlan with every fault."""
    faults: list[Fault] = []
    known = [zone for row in zones if (zone := _modelled(ZoneSettings, row, faults))]
    spots = [(row, spot) for row in rows if (spot := _modelled(PlannedSpot, row, faults))]
    faults += _twice(spots)
    faults += [fault for row, spot in spots for fault in _odd(row, spot)]
    faults += _far(spots)
    if not rows:
        faults.append((0, "no spots in it"))
    if faults:
        raise BadPlan("\n".join(words for _, words in sorted(faults)))
    made = {spot.zone_id: None for _, spot in spots}
    listed = {zone.zone_id for zone in known}
    known += [ZoneSettings(zone_id=name) for name in made if name not in listed]
    return Plan(known, [spot for _, spot in spots])


def _from_csv(name: str, text: str) -> list[Row]:
    lines = csv.reader(io.StringIO(text), delimiter=_delimiter(text))
    try:
        header = [cell.strip() for cell in next(lines)]
    except StopIteration:
        raise BadPlan(f"{name}: empty; the first row names the columns") from None
    unknown = [column for column in header if not _is_column(column)]
    if unknown or len(set(header)) < len(header) or "spot_id" not in header:
        bad = ", ".join(map(repr, unknown)) or "a column twice, or no spot_id"
        raise BadPlan(
            f"{name}:1: {bad}; columns are {', '.join(sorted(COLUMNS))}, sensor.X, detector.X"
        )
    rows = []
    faults = []
    for cells in lines:
        filled = [cell.strip() for cell in cells]
        row = Row(name, lines.line_num, {})
        if len(filled) == len(header):
            said = {column: cell for column, cell in zip(header, filled, strict=True) if cell}
            rows += [replace(row, document=_document(said))] if said else []
        elif any(filled):
            faults.append(row.fault(f"{len(filled)} cells, and {len(header)} columns")[1])
    if faults:
        raise BadPlan("\n".join(faults))
    return rows


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)


def _is_column(name: str) -> bool:
    return name in COLUMNS or re.fullmatch(r"(sensor|detector)\.[a-z0-9_]+", name) is not None


def _document(cells: dict[str, str]) -> dict[str, Any]:
    document: dict[str, Any] = {name: cells[name] for name in PLAIN & cells.keys()}
    document["kinds"] = re.split(r"[\s,;|]+", cells["kinds"]) if "kinds" in cells else []
    for table in ("sensor", "detector"):
        options = {
            name.partition(".")[2]: _value(cell)
            for name, cell in cells.items()
            if name.startswith(f"{table}.")
        }
        if table in cells:
            document[table] = {"kind": cells[table], **options}
        elif options:
            document[table] = options  # refused below: it has no kind
    return document


def _value(cell: str) -> Any:
    """A number or a truth value where a cell looks like one: 23, 0x29, 4.5, true."""
    if cell.lower() in ("true", "false"):
        return cell.lower() == "true"
    for kind in (lambda text: int(text, 0), float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell


def _from_toml(name: str, text: str) -> tuple[list[Row], list[Row]]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadPlan(f"{name}: {error}") from None
    if extra := sorted(document.keys() - {"zones", "spots"}):
        raise BadPlan(f"{name}: {', '.join(extra)}: only [[zones]] and [[spots]] are imported")
    return (
        [Row(f"{name}: zones", i, each) for i, each in enumerate(document.get("zones", []), 1)],
        [Row(f"{name}: spots", i, each) for i, each in enumerate(document.get("spots", []), 1)],
    )


def _modelled(model: Any, row: Row, faults: list[Fault]) -> Any:
    document = dict(row.document)
    place = {name: document.pop(name) for name in PLACE if name in document}
    if place and model is PlannedSpot:
        document["position"] = place
    try:
        return model.model_validate(document)
    except ValidationError as error:
        name = document.get("spot_id") or document.get("zone_id") or "?"
        faults += [row.fault(f"{name}: {_explained(each)}") for each in error.errors()]
        return None


def _explained(problem: Any) -> str:
    field = ".".join(str(part) for part in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] == "missing":
        return f"{field} is missing"
    given = "" if isinstance(problem["input"], dict) else f" = {problem['input']!r}"
    return f"{field}{given}: {message}" if field else message


def _odd(row: Row, spot: PlannedSpot) -> Iterator[Fault]:
    """What no model sees."""
    place = spot.position
    if place and (place.latitude is None) != (place.longitude is None):
        yield row.fault(f"{spot.spot_id}: latitude and longitude go together")
    if place and (place.x_m is None) != (place.y_m is None):
        yield row.fault(f"{spot.spot_id}: x_m and y_m go together")
    if spot.agent_id in RESERVED:
        yield row.fault(f"{spot.spot_id}: agent_id {spot.agent_id} is the gateway's own name")
    if spot.sensor and not spot.agent_id:
        yield row.fault(f"{spot.spot_id}: a sensor without an agent_id that reads it")


def _twice(spots: Sequence[tuple[Row, PlannedSpot]]) -> Iterator[Fault]:
    """Names, and wires of an agent, that two rows claim."""
    first: dict[tuple[Any, ...], Row] = {}
    for row, spot in spots:
        for claim in (("spot_id", spot.spot_id), *_wires(spot)):
            other = first.setdefault(claim, row)
            if other is not row:
                words = " ".join(str(part) for part in claim)
                yield row.fault(f"{words} is taken already, by {other.where}")


def _wires(spot: PlannedSpot) -> Iterator[tuple[Any, ...]]:
    if spot.sensor is None or spot.agent_id is None:
        return
    config = registry.load(spot.sensor["kind"]).Config.model_validate(
        {name: value for name, value in spot.sensor.items() if name != "kind"}
    )
    if hasattr(config, "port"):
        yield spot.agent_id, "port", config.port
    if hasattr(config, "bus"):
        yield spot.agent_id, "bus", config.bus, "address", config.address
    for pin in ("trigger", "echo"):
        if hasattr(config, pin):
            yield spot.agent_id, "pin", getattr(config, pin)


def _far(spots: Sequence[tuple[Row, PlannedSpot]]) -> Iterator[Fault]:
    placed = [
        (row, spot.spot_id, spot.position.latitude, spot.position.longitude)
        for row, spot in spots
        if spot.position
        and spot.position.latitude is not None
        and spot.position.longitude is not None
    ]
    if not placed:
        return
    middle = median(each[2] for each in placed), median(each[3] for each in placed)
    for row, name, latitude, longitude in placed:
        off_m = _metres(latitude - middle[0], longitude - middle[1], middle[0])
        if off_m > FAR_M:
            yield row.fault(f"{name}: {off_m / 1000:.0f} km from the lot's other spots")


def _metres(north_deg: float, east_deg: float, at_deg: float) -> float:
    """On a sphere, for short ways: a minute of arc is a nautical mile."""
    return 60 * 1852 * math.hypot(north_deg, east_deg * math.cos(math.radians(at_deg)))
