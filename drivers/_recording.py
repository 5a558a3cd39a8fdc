"""Recordings of sensors and of what was true meanwhile: CSV files that tools and people read.

A recording holds one reading a line, of several sensors in the order in which they were read:

    monotonic_s,sensor,unit,quality,value,raw,temperature_c
    12.000000,A1,mm,ok,2481,2481,
    12.101000,A2,mG,ok,-266.1 214.7 84.4,"[-290, 92, 234]",21.5
    13.000000,A1,mm,no_echo,,0,

A spot with a ranger and a magnetometer has both under its name, told apart by their unit.

`value` is a distance in mm, or x, y and z in mG with blanks between, and empty unless `quality`
is ok; it is kept to a thousandth. `raw` is JSON, or text that is no JSON. Times are
monotonic seconds and never go back for one sensor and unit. A truth file holds one event a line:

    monotonic_s,sensor,event
    40.2,A1,arrival

Each line is one `write`, so a recorder that is killed leaves at most a part of a last line; a
recording's line without its end is left out when it is read. Any other bad line is an error.
The comma separated format follows RFC 4180, in ASCII and with a newline alone at line ends.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from drivers import Quality, Reading

READING_COLUMNS = ["monotonic_s", "sensor", "unit", "quality", "value", "raw", "temperature_c"]
TRUTH_COLUMNS = ["monotonic_s", "sensor", "event"]
EVENTS = ("arrival", "departure", "passage")
SENSOR = re.compile(r"[A-Za-z0-9_.-]{1,64}")
UNITS = {"mm": 1, "mG": 3}
"""How many numbers a value of this unit holds."""

Parsed = TypeVar("Parsed")


def truth_path(recording: Path) -> Path:
    """Where a recording's truth is written and looked for: `day.truth.csv` beside `day.csv`."""
    return recording.with_suffix(".truth.csv")


class Recorded(NamedTuple):
    """A reading and the sensor that it is of."""

    sensor: str
    reading: Reading


class Happened(NamedTuple):
    """A true event at a sensor, in monotonic seconds."""

    at_s: float
    sensor: str
    event: str


class Writer:
    """Appends lines to a new CSV file, each of them whole at once.

    Raises FileExistsError: a recording is never written over; OSError.
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._file = path.open("x", encoding="ascii", newline="", buffering=1)
        self._file.write(_line(columns))

    def write(self, cells: Sequence[str]) -> None:
        """Append one line. Raises OSError, UnicodeEncodeError where it is not ASCII."""
        self._file.write(_line(cells))

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._file.close()


def reading_cells(sensor: str, reading: Reading) -> list[str]:
    """A reading as the cells of a line."""
    value, temperature = reading.value, reading.temperature_c
    numbers = value if isinstance(value, tuple) else () if value is None else (value,)
    return [
        f"{reading.monotonic_s:.6f}",
        sensor,
        reading.unit,
        reading.quality.value,
        " ".join(f"{number:.12g}" for number in (round(each, 3) for each in numbers)),
        _raw_cell(reading.raw),
        "" if temperature is None else f"{temperature:.12g}",
    ]


def truth_cells(happened: Happened) -> list[str]:
    """A true event as the cells of a line."""
    return [f"{happened.at_s:.3f}", happened.sensor, happened.event]


def readings(path: Path, progress: Callable[[int], None] = lambda size: None) -> Iterator[Recorded]:
    """The readings of a recording, as they come; `progress` is told the bytes of each line.

    Raises ValueError naming file, line and column where a line is bad, OSError.
    """
    latest_s: dict[tuple[str, str], float] = {}
    with path.open("rb") as file:
        _check_header(path, file.readline(), READING_COLUMNS)
        for number, line in enumerate(file, start=2):
            progress(len(line))
            if not line.endswith(b"\n"):
                return  # the recorder was killed here
            recorded = _parsed(path, number, line, READING_COLUMNS, _reading)
            key, now_s = (recorded.sensor, recorded.reading.unit), recorded.reading.monotonic_s
            before_s = latest_s.get(key, now_s)
            if now_s < before_s:
                raise ValueError(
                    f"{path}:{number}: column monotonic_s: {now_s:g} goes back from {before_s:g} "
                    f"of sensor {recorded.sensor}; put one boot in one file"
                )
            latest_s[key] = now_s
            yield recorded


def by_sensor(
    path: Path, progress: Callable[[int], None] = lambda size: None
) -> dict[str, list[Reading]]:
    """Each sensor's readings in order of time, those of both units together.

    Raises ValueError as `readings` does, or where there are none; OSError.
    """
    found: dict[str, list[Reading]] = {}
    for sensor, reading in readings(path, progress):
        found.setdefault(sensor, []).append(reading)
    if not found:
        raise ValueError(f"{path}: holds no readings")
    for each in found.values():
        each.sort(key=lambda reading: reading.monotonic_s)
    return found


def truth(path: Path) -> list[Happened]:
    """The events of a truth file, in order of time; it may hold none.

    Raises ValueError naming file, line and column where a line is bad, OSError.
    """
    with path.open("rb") as file:
        _check_header(path, file.readline(), TRUTH_COLUMNS)
        return sorted(
            _parsed(path, number, line, TRUTH_COLUMNS, _happened)
            for number, line in enumerate(file, start=2)
        )


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _raw_cell(raw: Any) -> str:
    """`raw` so that `_raw` gives it back; bytes become their hexadecimal digits."""
    if raw is None:
        return ""
    if isinstance(raw, bytes | bytearray):
        raw = raw.hex()
    is_plain = isinstance(raw, str) and raw.isascii() and raw.isprintable()
    if is_plain and raw and _raw(raw) == raw:
        return str(raw)
    return json.dumps(raw, default=str)


def _raw(cell: str) -> Any:
    if not cell:
        return None
    try:
        found = json.loads(cell)
    except ValueError:
        return cell
    return tuple(found) if isinstance(found, list) else found


def _check_header(path: Path, line: bytes, columns: Sequence[str]) -> None:
    wanted = ",".join(columns)
    if line.strip() != wanted.encode():
        raise ValueError(f"{path}:1: the first line must be {wanted}")


def _parsed(
    path: Path,
    number: int,
    line: bytes,
    columns: Sequence[str],
    parse: Callable[[Mapping[str, str]], Parsed],
) -> Parsed:
    try:
        cells = next(csv.reader([line.decode("ascii")], strict=True), [])
        if len(cells) != len(columns):
            raise ValueError(f"expected {len(columns)} columns, found {len(cells)}")
        return parse(dict(zip(columns, cells, strict=True)))
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path}:{number}: {error}") from None


def _reading(cells: Mapping[str, str]) -> Recorded:
    unit, quality = cells["unit"], _one_of(cells, "quality", [each.value for each in Quality])
    _one_of(cells, "unit", list(UNITS))
    value = tuple(_number("value", word) for word in cells["value"].split())
    wanted = UNITS[unit] if quality == Quality.OK else 0
    if len(value) != wanted:
        raise ValueError(
            f"column value: expected {wanted} number(s) for {quality} in {unit}, "
            f"found {cells['value']!r}"
        )
    temperature = cells["temperature_c"]
    reading = Reading(
        value=None if not value else value[0] if unit == "mm" else (value[0], value[1], value[2]),
        unit=unit,
        quality=Quality(quality),
        raw=_raw(cells["raw"]),
        monotonic_s=_number("monotonic_s", cells["monotonic_s"]),
        temperature_c=_number("temperature_c", temperature) if temperature else None,
    )
    return Recorded(_sensor(cells), reading)


def _happened(cells: Mapping[str, str]) -> Happened:
    at_s = _number("monotonic_s", cells["monotonic_s"])
    return Happened(at_s, _sensor(cells), _one_of(cells, "event", EVENTS))


def _sensor(cells: Mapping[str, str]) -> str:
    if not SENSOR.fullmatch(cells["sensor"]):
        raise ValueError(f"column sensor: {cells['sensor']!r} must be 1 to 64 of A-Z a-z 0-9 _ . -")
    return cells["sensor"]


def _one_of(cells: Mapping[str, str], column: str, words: Sequence[str]) -> str:
    if cells[column] not in words:
        raise ValueError(f"column {column}: {cells[column]!r} must be one of {', '.join(words)}")
    return cells[column]


def _number(column: str, word: str) -> float:
    try:
        number = float(word)
    except ValueError:
        raise ValueError(f"column {column}: {word!r} is no number") from None
    if not isfinite(number):
        raise ValueError(f"column {column}: {word!r} is not finite")
    return number
