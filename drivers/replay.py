"""Plays a recording of a sensor, one reading a line, at the pace at which it was recorded.

Source of the count format: Honeywell HMC5883L datasheet, "Data output registers" (order X, Z, Y;
-4096 marks an axis out of range) and "Gain settings" (1090 LSB/G by default),
https://cdn-shop.adafruit.com/datasheets/HMC5883L_3-Axis_Digital_Compass_IC.pdf

Recordings of a chip polled faster than it measures hold each measurement more than once. Such a
repeat is answered as no_data, just as a driver that honours data-ready would have.
"""

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FilePath

from drivers import DriverError, Monotonic, Quality, Reading, Vector

COUNT_OUT_OF_RANGE = -4096

Row = tuple[float, ...]


class Config(BaseModel):
    """`format` is one distance in mm a line, or three counts of a magnetometer.

    Values are separated by white space or commas; `#` begins a comment. `axes` is the order of
    the three counts. `repeat` begins again at the end.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, title="replay")

    path: FilePath
    format: Literal["distance_mm", "field_counts"]
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


class Driver:
    """A recording as a sensor. Row n is due n / rate_hz after `open`.

    A read answers the next row that is due and was not yet read, with the time at which it was
    due; no_data where none is. `finished` tells that all have been read.
    """

    bus = "replay"
    timeout_s = 1.0

    def __init__(self, config: Config, monotonic: Monotonic) -> None:
        self._config = config
        self._monotonic = monotonic
        self._is_field = config.format == "field_counts"
        self._unit = "mG" if self._is_field else "mm"
        self._rows: list[Row] = []
        self._next = 0
        self._start_s = 0.0
        self.finished = False

    def open(self) -> None:
        """Load the recording and begin at its first row.

        Raises ValueError naming file and line for a bad line, DriverError for an unreadable file.
        """
        try:
            self._rows = load(self._config.path, 3 if self._is_field else 1)
        except OSError as error:
            raise DriverError(f"replay: {error}", "check the recording's path") from error
        self._next = 0
        self._start_s = self._monotonic()
        self.finished = False

    def read(self) -> Reading:
        """The next row that is due, or no_data. Raises DriverError where not open."""
        if not self._rows:
            raise DriverError("replay is not open", "call open() first")
        now_s = self._monotonic()
        due_s = self._start_s + self._next / self._config.rate_hz
        if self.finished or now_s < due_s:
            return self._no_data(None, now_s)
        index = self._next % len(self._rows)
        self._next += 1
        self.finished = self._next == len(self._rows) and not self._config.repeat
        return self._decode(index, due_s)

    def close(self) -> None:
        """Forget the recording."""
        self._rows = []

    def _decode(self, index: int, due_s: float) -> Reading:
        row = self._rows[index]
        if not self._is_field:
            # Two pings over the same floor do answer the same: no repeat is suspected here.
            return decode_distance(row, due_s)
        if index and row == self._rows[index - 1]:
            return self._no_data(row, due_s)
        return decode_counts(row, self._config.axes, self._config.counts_per_gauss, due_s)

    def _no_data(self, raw: Any, monotonic_s: float) -> Reading:
        return Reading(None, self._unit, Quality.NO_DATA, raw, monotonic_s)
