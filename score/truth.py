"""Which truth belongs to which recording, and that it can belong to it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from drivers import Reading, _recording
from drivers._recording import Happened
from score import InputError

Readings = Mapping[str, Sequence[Reading]]
Truth = dict[str, list[Happened]]
"""By sensor."""


def assign(
    recordings: Mapping[Path, Readings], files: Sequence[Path], tolerance_s: float
) -> dict[Path, Truth]:
    """Each recording's truth, out of one file for all, one for each, or those beside them.

    Raises InputError for a file that cannot be read, an event of a sensor that was not recorded or
    was recorded twice, and one outside the recording's time.
    """
    paths = _paths(list(recordings), files)
    found: dict[Path, Truth] = {}
    for file in dict.fromkeys(paths.values()):
        truth = read(file)
        sharing = {each: recordings[each] for each, its_file in paths.items() if its_file == file}
        for sensor in truth:
            _check_recorded_once(file, sensor, sharing)
        for recording, readings in sharing.items():
            found[recording] = {name: each for name, each in truth.items() if name in readings}
            for name, happened in found[recording].items():
                _check_times(file, recording, readings[name], happened, tolerance_s)
    return found


def read(path: Path) -> Truth:
    """Each sensor's true events. Raises InputError."""
    found: Truth = {}
    try:
        for each in _recording.truth(path):
            found.setdefault(each.sensor, []).append(each)
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}; --truth names the file that says what was true, "
            "with its header alone if nothing happened"
        ) from None
    except ValueError as error:
        raise InputError(str(error)) from None
    return found


def _paths(recordings: Sequence[Path], files: Sequence[Path]) -> dict[Path, Path]:
    if not files:
        return {each: _recording.truth_path(each) for each in recordings}
    if len(files) == 1:
        return dict.fromkeys(recordings, files[0])
    if len(files) != len(recordings):
        raise InputError(
            f"--truth was given {len(files)} times for {len(recordings)} recordings: "
            "give it once for all, or once for each in their order"
        )
    return dict(zip(recordings, files, strict=True))


def _check_recorded_once(file: Path, sensor: str, sharing: Mapping[Path, Readings]) -> None:
    holding = [str(path) for path, readings in sharing.items() if sensor in readings]
    if len(holding) > 1:
        raise InputError(
            f"{file}: sensor {sensor} is in {' and '.join(holding)}: give --truth for each"
        )
    if not holding:
        recorded = sorted({name for readings in sharing.values() for name in readings})
        raise InputError(
            f"{file}: sensor {sensor} was not recorded; the recording holds {', '.join(recorded)}"
        )


def _check_times(
    file: Path,
    recording: Path,
    readings: Sequence[Reading],
    happened: Sequence[Happened],
    tolerance_s: float,
) -> None:
    """Truth on another clock would be scored as all missed, which helps nobody."""
    first_s, last_s = readings[0].monotonic_s, readings[-1].monotonic_s
    for at_s, sensor, event in happened:
        if not first_s - tolerance_s <= at_s <= last_s + tolerance_s:
            raise InputError(
                f"{file}: {sensor} {event} at {at_s:.1f} s, but {recording} holds {sensor} from "
                f"{first_s:.1f} to {last_s:.1f} s; both must be of the same clock"
            )
