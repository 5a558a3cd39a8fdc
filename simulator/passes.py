"""A magnetometer's recording through the replay driver and the passage detector."""

import json
from pathlib import Path

import typer

from agent.detector import Detector, PassageSettings
from agent.detector.changes import Passage
from drivers import registry

RATE_HZ = 24.0
TAIL_S = 5.0


def find_passes(path: Path) -> list[Passage]:
    """The vehicles in a recording of raw HMC5883L counts. Raises OSError, ValueError."""
    path.open("rb").close()  # so that a file that is not there is told as one
    now_s = 0.0
    options = {"path": str(path), "format": "field_counts", "rate_hz": RATE_HZ}
    driver = registry.build("replay", options, lambda: now_s)
    driver.open()
    detector = Detector(PassageSettings())
    state = detector.initial(now_s)
    found: list[Passage] = []
    until_s: float | None = None
    while until_s is None or now_s < until_s:
        now_s += 1 / RATE_HZ
        state, said = detector.step(state, driver.read(), now_s)
        found += [each for each in said if isinstance(each, Passage)]
        if until_s is None and getattr(driver, "finished", False):
            until_s = now_s + TAIL_S
    driver.close()
    return found


def show_passes(path: Path, as_json: bool) -> int:
    """Print what was found; the exit status."""
    try:
        found = find_passes(path)
    except (OSError, ValueError) as error:
        typer.echo(str(error), err=True)
        return 2
    rows = [
        {
            "at_s": round(p.at_s, 2),
            "duration_s": round(p.duration_s, 2),
            "peak_mg": round(p.peak_mg, 1),
        }
        for p in found
    ]
    if as_json:
        typer.echo(json.dumps({"passes": rows}))
        return 0
    typer.echo(f"{len(rows)} vehicles passed in {path.name}")
    for row in rows:
        typer.echo(
            f"{row['at_s']:9.2f} s  {row['duration_s']:5.2f} s long  peak {row['peak_mg']:6.1f} mG"
        )
    return 0
