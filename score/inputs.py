"""What is scored: recordings, their truth, and the detectors' settings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from agent.config import AgentSettings
from agent.detector import DetectorSettings
from drivers import Reading, _recording
from drivers._recording import Happened
from drivers.replay import Config
from drivers.replay import readings as replayed
from runtime.config import ConfigError, load
from score import InputError
from score.match import Event, Kind

Format = Literal["recording", "distance_mm", "field_counts"]

DEFAULTS: dict[str, DetectorSettings] = {
    each.kind: each for each in (model() for model in get_args(DetectorSettings))
}
"""Each kind of detector as it comes."""
UNITS = {"ranging": ["mm"], "fused": ["mm", "mG"]}
"""What a kind of detector takes; the others take mG."""


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor of one recording, with its truth and its detector's settings."""

    recording: str
    name: str
    readings: Sequence[Reading]
    truth: Sequence[Event]
    settings: DetectorSettings


def read_recording(
    path: Path,
    form: Format,
    rate_hz: float = 24.0,
    progress: Callable[[int], None] = lambda size: None,
) -> dict[str, list[Reading]]:
    """Each sensor's readings; rows of numbers are one, named as the file. Raises InputError."""
    try:
        if form == "recording":
            return _recording.by_sensor(path, progress)
        config = Config(path=path, format=form, rate_hz=rate_hz)
        return {path.stem: replayed(config)}
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise InputError(_first_line(error, path)) from None


def default_settings(kind: str, sensors: Iterable[str]) -> dict[str, DetectorSettings]:
    """The kind's default settings for each sensor. Raises InputError for an unknown kind."""
    if kind not in DEFAULTS:
        raise InputError(f"--kind {kind}: there are {', '.join(DEFAULTS)}")
    return dict.fromkeys(sensors, DEFAULTS[kind])


def configured_settings(config: Path) -> dict[str, DetectorSettings]:
    """Each spot's and lane's detector, as an agent.toml has it. Raises InputError."""
    try:
        agent = load(config, AgentSettings)
    except ConfigError as error:
        raise InputError(str(error)) from None
    return {
        **{spot.spot_id: spot.detector for spot in agent.spots},
        **{lane.lane_id: lane.detector for lane in agent.lanes},
    }


def sensors(
    recording: Path,
    readings: Mapping[str, Sequence[Reading]],
    truth: Mapping[str, Sequence[Happened]],
    settings: Mapping[str, DetectorSettings],
) -> list[Sensor]:
    """The sensors of a recording, each with its truth and settings. Raises InputError."""
    found = []
    for name, each in readings.items():
        chosen = _settings(recording, name, settings)
        _check_kind(recording, name, each, chosen)
        found.append(Sensor(recording.name, name, each, _events(truth.get(name, [])), chosen))
    return found


def _settings(
    recording: Path, name: str, settings: Mapping[str, DetectorSettings]
) -> DetectorSettings:
    if name not in settings:
        raise InputError(
            f"{recording}: sensor {name} is no spot or lane of the configuration, which has "
            f"{', '.join(settings)}; --sensor chooses among the recording's"
        )
    return settings[name]


def _check_kind(
    recording: Path, name: str, readings: Sequence[Reading], settings: DetectorSettings
) -> None:
    units = sorted({each.unit for each in readings}, reverse=True)
    kind = settings.kind
    if not set(units) <= set(UNITS.get(kind, ["mG"])):
        fitting = " or ".join(k for k in DEFAULTS if set(units) <= set(UNITS.get(k, ["mG"])))
        raise InputError(
            f"{recording}: sensor {name} was recorded in {' and '.join(units)}, so its detector "
            f"must be {fitting}, not {kind}; --sensor chooses among the recording's"
        )


def _events(happened: Sequence[Happened]) -> list[Event]:
    return [Event(each.at_s, cast(Kind, each.event)) for each in happened]


def _first_line(error: ValueError, path: Path) -> str:
    """One line that names the file: pydantic's errors are several, and name it late."""
    text = str(error)
    return text if text.startswith(str(path)) else f"{path}: not a file that can be read"
