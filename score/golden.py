"""Golden folders: a recording, its truth, and what the detector must say to it.

    recording.csv   one sensor's readings        truth.csv      what happened
    settings.toml   [detector] settings          expected.json  what the detector says, its score

`restarts_s` in settings.toml: the detector's state is saved and resumed at these times;
`tolerance_s`: how far a found event may lie from the true one, where nobody could see it come.
A bug from the field becomes a folder. `python -m score.golden [FOLDER]` prints how what the
detector says differs from what is expected; with `--write` the difference is accepted. Exit 0
nothing differs, 1 something does, 2 a case cannot be read.
"""

import argparse
import difflib
import json
import sys
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.detector import Change, Detector, DetectorSettings, HealthChange, Said
from score import InputError, inputs, truth
from score.detect import events, steps
from score.match import Tally, match
from score.report import COUNTED, counts

CASES = Path("tests/testcases/detector")
EXPECTED = "expected.json"


class Settings(BaseModel):
    """settings.toml of a case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    detector: DetectorSettings = Field(discriminator="kind")
    restarts_s: list[float] = []
    tolerance_s: float = Field(10.0, ge=0)


def cases(folder: Path) -> list[Path]:
    """The case folders in a folder."""
    return sorted(path.parent for path in folder.glob("*/settings.toml"))


def found(case: Path) -> dict[str, Any]:
    """What the detector says to a case, and how right that is. Raises InputError."""
    recording = case / "recording.csv"
    readings = inputs.read_recording(recording, "recording")
    settings = _settings(case / "settings.toml")
    tolerance_s = settings.tolerance_s
    happened = truth.assign({recording: readings}, [case / "truth.csv"], tolerance_s)[recording]
    said: list[Said] = []
    tally = Tally()
    detectors = dict.fromkeys(readings, settings.detector)
    for sensor in inputs.sensors(recording, readings, happened, detectors):
        for step in steps(Detector(settings.detector), sensor.readings, settings.restarts_s):
            said += step.said
        tally += match(sensor.truth, events(said), tolerance_s)
    score = counts(tally)
    return {"said": [_told(each) for each in said], "score": {key: score[key] for key in COUNTED}}


def text(result: dict[str, Any]) -> str:
    """A result as expected.json holds it, one saying a line."""
    lines = ",\n".join(f"  {json.dumps(each)}" for each in result["said"])
    return f'{{"said": [\n{lines}\n ],\n "score": {json.dumps(result["score"])}}}\n'


def _settings(path: Path) -> Settings:
    try:
        return Settings.model_validate(tomllib.loads(path.read_text()))
    except (OSError, ValidationError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: {error}") from None


def _told(said: Said) -> dict[str, Any]:
    """A saying to a tenth of a second, without the confidence, which tuning may move."""
    at_s = round(said.at_s, 1)
    if isinstance(said, Change):
        return {"at_s": at_s, "status": said.status, "previous": said.previous}
    if isinstance(said, HealthChange):
        return {"at_s": at_s, "health": said.health, "reason": said.reason}
    return {"at_s": at_s, "passed_in_s": round(said.duration_s, 1)}


def _difference(case: Path, now: str) -> Iterable[str]:
    path = case / EXPECTED
    before = path.read_text() if path.exists() else ""
    names = f"{path} (expected)", f"{path} (said now)"
    return difflib.unified_diff(before.splitlines(), now.splitlines(), *names, lineterm="")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; answers its exit status."""
    parser = argparse.ArgumentParser(prog="python -m score.golden", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", nargs="?", type=Path, default=CASES)
    parser.add_argument("--write", action="store_true", help="expect from now on what is said now")
    asked = parser.parse_args(arguments)
    differing = 0
    try:
        for case in cases(asked.folder):
            now = text(found(case))
            difference = list(_difference(case, now))
            differing += bool(difference)
            if difference:
                print("\n".join(difference))
            if asked.write:
                (case / EXPECTED).write_text(now)
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{len(cases(asked.folder))} cases, {differing} differ", file=sys.stderr)
    return 1 if differing and not asked.write else 0


if __name__ == "__main__":
    sys.exit(main())
