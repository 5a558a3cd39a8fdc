"""Golden folders: a bay's readings and what the detector must say to them, nothing else.

A folder of `tests/testcases/detector/` holds `config.toml` (the detector's settings),
`readings.csv` (`at_s,quality,value`; a poll that failed has the quality `missed`, a field three
numbers with blanks between) and `expected.jsonl`. A bug from the field becomes a folder.
"""

import csv
import json
import tomllib
from dataclasses import asdict
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from agent.detector import Detector, DetectorSettings
from drivers import Quality, Reading

CASES = sorted((Path(__file__).resolve().parents[1] / "testcases" / "detector").iterdir())


def reading(row: dict[str, str]) -> Reading | None:
    if row["quality"] == "missed":
        return None
    numbers = tuple(float(word) for word in row["value"].split())
    at_s = float(row["at_s"])
    if len(numbers) == 3:
        return Reading(numbers, "mG", Quality(row["quality"]), numbers, at_s)
    value = numbers[0] if numbers else None
    return Reading(value, "mm", Quality(row["quality"]), value, at_s)


def said(case: Path) -> list[dict[str, object]]:
    settings: DetectorSettings = TypeAdapter(DetectorSettings).validate_python(
        tomllib.loads((case / "config.toml").read_text())
    )
    detector = Detector(settings)
    with (case / "readings.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    state = detector.initial(float(rows[0]["at_s"]))
    found: list[dict[str, object]] = []
    for row in rows:
        state, news = detector.step(state, reading(row), float(row["at_s"]))
        found += [{"says": type(each).__name__, **asdict(each)} for each in news]
    return found


def test_there_are_cases() -> None:
    assert len(CASES) >= 6


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_golden(case: Path) -> None:
    expected = [json.loads(line) for line in (case / "expected.jsonl").read_text().splitlines()]
    assert said(case) == expected
