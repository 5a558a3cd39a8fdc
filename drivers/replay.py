"""Plays a recording of a sensor, one reading a line, at the pace at which it was recorded.

What `lotkeeper agent record` writes says itself when, and what each reading was worth: see
`drivers._recording`. Recordings of other programs are rows of numbers at a steady rate.

Source of the count format: Honeywell HMC5883L datasheet, "Data output registers" (order X, Z, Y;
-4096 marks an axis out of range) and "Gain settings" (1090 LSB/G by default),
https://cdn-shop.adafruit.com/datasheets/HMC5883L_3-Axis_Digital_Compass_IC.pdf

Recordings of a chip polled faster than it measures hold each measurement more than once. Such a
repeat is answered as no_data, just as a driver that honours data-ready would have.
"""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, FilePath

from drivers import DriverError, Monotonic, Quality, Reading, Vector, _recording

COUNT_OUT_OF_RANGE = -4096

Row = tuple[float, ...]


class Config(BaseModel):
    """`format` is a recording of ours, one distance in mm a line, or a magnetometer's three counts.

    Of a recording `sensor` is the sensor to play, and `unit` which of a spot's two; each may be
    left out where there is one alone.
    Of the others, values are separated by white space or commas; `#` begins a comment; `axes` is
    the order of the three counts and `rate_hz` the rows a second. `repeat` begins again at the
    end.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, title="replay")

    path: FilePath
    format: Literal["distance_mm", "field_counts", "recording"]
    sensor: str | None = None
    unit: Literal["mm", "mG"] | None = None
    axes: Literal["xyz", "xzy", "yxz", "yzx", "zxy", "zyx"] = "xzy"
    counts_per_gauss: float = Field(1090.0, gt=0)
    rate_hz: float = Field(24.0, gt=0)
    repeat: bool = False


def parse_line(line: str, columns: int) -> Row | None:
    """The values of a line, None for a blank one or a comment.

    Raises ValueError where it holds another number of columns, or no numbers.
    """
    words = line.partition("#")[0].replace(",", " ").split()
    if not words:
        return None
    if len(words) != columns:
        raise ValueError(f"expected {columns} value(s), found {len(words)}")
    return tuple(float(word) for word in words)


def load(path: Path, columns: int) -> list[Row]:
    """All rows of a recording.

    Raises ValueError naming file and line for a bad line or an empty file, OSError.
    """
    rows = []
    with path.open(encoding="ascii") as file:
        for number, line in enumerate(file, start=1):
            try:
                row = parse_line(line, columns)
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}") from error
            if row is not None:
                rows.append(row)
    if not rows:
        raise ValueError(f"{path}: holds no readings")
    return rows


def decode_distance(row: Row, monotonic_s: float) -> Reading:
    """The reading of a distance in mm; 0 is how rangers write "no echo"."""
    if row[0] <= 0:
        return Reading(None, "mm", Quality.NO_ECHO, row[0], monotonic_s)
    return Reading(row[0], "mm", Quality.OK, row[0], monotonic_s)


def decode_counts(row: Row, axes: str, counts_per_gauss: float, monotonic_s: float) -> Reading:
    """The reading of three counts in the order `axes`."""
    if COUNT_OUT_OF_RANGE in row:
        return Reading(None, "mG", Quality.OVERFLOW, row, monotonic_s)
    x, y, z = (row[axes.index(axis)] * 1000 / counts_per_gauss for axis in "xyz")
    field: Vector = (x, y, z)
    return Reading(field, "mG", Quality.OK, row, monotonic_s)


def readings(config: Config) -> list[Reading]:
    """All that a recording holds of a sensor, at the times of the file, or from 0 at `rate_hz`.

    Raises ValueError naming file and line for a bad line, the file's sensors where it holds not
    the one that is asked for, OSError.
    """
    if config.format == "recording":
        return _recorded(config)
    if config.format == "distance_mm":
        # Two pings over the same floor do answer the same: no repeat is suspected here.
        rows = load(config.path, 1)
        return [decode_distance(row, index / config.rate_hz) for index, row in enumerate(rows)]
    return _fields(load(config.path, 3), config)


def _fields(rows: list[Row], config: Config) -> list[Reading]:
    found, before = [], None
    for index, row in enumerate(rows):
        at_s = index / config.rate_hz
        if row == before:
            found.append(Reading(None, "mG", Quality.NO_DATA, row, at_s))
        else:
            found.append(decode_counts(row, config.axes, config.counts_per_gauss, at_s))
        before = row
    return found


def _recorded(config: Config) -> list[Reading]:
    sensors = _recording.by_sensor(config.path)
    wanted = config.sensor or (next(iter(sensors)) if len(sensors) == 1 else None)
    if wanted not in sensors:
        raise ValueError(
            f"{config.path}: sensor = {wanted!r} must be one of {', '.join(sorted(sensors))}"
        )
    found = [each for each in sensors[wanted] if config.unit in (None, each.unit)]
    if len({each.unit for each in found}) != 1:
        units = " and ".join(sorted({each.unit for each in sensors[wanted]}))
        raise ValueError(f"{config.path}: {wanted} was recorded in {units}: unit = which?")
    return found


_UNITS = {"distance_mm": "mm", "field_counts": "mG"}


class Driver:
    """A recording as a sensor. A reading is due as long after `open` as it came in the recording.

    A read answers the next reading that is due and was not yet read, with the time at which it
    was due; no_data where none is. `finished` tells that all have been read.
    """

    bus = "replay"
    timeout_s = 1.0

    def __init__(self, config: Config, monotonic: Monotonic) -> None:
        self._config = config
        self._monotonic = monotonic
        self.unit = _UNITS.get(config.format) or config.unit or ""
        self._unit = "mm" if config.format == "distance_mm" else "mG"
        self._readings: list[Reading] = []
        self._next = 0
        self._start_s = 0.0
        self.finished = False

    def open(self) -> None:
        """Load the recording and begin at its first row.

        Raises ValueError naming file and line for a bad line, or the file's sensors where it holds
        not the one that is asked for; DriverError for an unreadable file.
        """
        try:
            self._readings = readings(self._config)
        except OSError as error:
            raise DriverError(f"replay: {error}", "check the recording's path") from error
        self._unit = self._readings[0].unit
        self._next = 0
        self._start_s = self._monotonic()
        self.finished = False

    def read(self) -> Reading:
        """The next reading that is due, or no_data. Raises DriverError where not open."""
        if not self._readings:
            raise DriverError("replay is not open", "call open() first")
        now_s = self._monotonic()
        reading = self._readings[self._next]
        due_s = self._start_s + reading.monotonic_s - self._readings[0].monotonic_s
        if self.finished or now_s < due_s:
            return Reading(None, self._unit, Quality.NO_DATA, None, now_s)
        self._advance()
        return replace(reading, monotonic_s=due_s)

    def close(self) -> None:
        """Forget the recording."""
        self._readings = []

    def _advance(self) -> None:
        if self._next + 1 < len(self._readings):
            self._next += 1
        elif self._config.repeat:
            self._next = 0
            self._start_s += _lap_s(self._readings, self._config.rate_hz)
        else:
            self.finished = True


def _lap_s(recorded: list[Reading], rate_hz: float) -> float:
    """From the first reading to the first of the next lap: the last stands as long as the rest."""
    if len(recorded) == 1:
        return 1 / rate_hz
    return (
        (recorded[-1].monotonic_s - recorded[0].monotonic_s) * len(recorded) / (len(recorded) - 1)
    )
