"""An invented facility in a folder of its own, so that a console can be looked at.

It is made beside the folder and takes its place when it is whole: one that is there is whole, and
is left as it is.
"""

import json
import shutil
import tempfile
import tomllib
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from console import database
from console.seeded_lots import FACILITY, LOTS, SeededLot, absolute, console_toml
from console.seeded_past import LONG_STAY, POWERLESS, SeededPast
from console.targets import Aim, Targets
from contract.alerts import Severity
from gateway.alerts import Finding
from gateway.alerts.engine import Moment, acknowledge, alert_id, resolve, step
from gateway.config import GatewaySettings
from runtime.config import validated

MARKER = "seeded.json"
WEEK = (0, 1, 2, 3, 4)


class NotSeeded(Exception):
    """The folder is somebody's; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """What is in the folder."""

    facility_id: str
    lots: list[str]
    begin: str
    until: str
    records: int


class _Told(NamedTuple):
    """An alert of the seed: how long ago it was told, and what somebody wrote to it."""

    kind: str
    finding: Finding
    ago: timedelta
    seen: str = ""
    ended: str = ""


def seed(
    folder: Path, days: int, broker: tuple[str, int], now: datetime | None = None
) -> tuple[Seeded, bool]:
    """Fill `folder` with `days` of an invented facility; answers what is there, and whether that
    was made now. Raises NotSeeded, OSError, sqlite3.Error.
    """
    target = absolute(folder)
    if (found := _there(target)) is not None:
        return found, False
    until = (now or datetime.now(UTC)).replace(microsecond=0)
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        made = _fill(staged, target, until - timedelta(days=days), until, broker)
        staged.rename(target)  # takes the place of an empty folder, and of no other
    except BaseException:
        shutil.rmtree(staged)
        raise
    return made, True


def _there(target: Path) -> Seeded | None:
    """What was seeded before; None where there is nothing yet."""
    marker = target / MARKER
    if marker.exists():
        return Seeded(**json.loads(marker.read_text()))
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise NotSeeded(f"{target}: it is not empty, and not of a seed: name another folder")
    return None


def _fill(
    staged: Path, target: Path, begin: datetime, until: datetime, broker: tuple[str, int]
) -> Seeded:
    records = sum(_fill_lot(staged, target, lot, begin, until, broker) for lot in LOTS)
    (staged / "console.toml").write_text(console_toml(target))
    store = staged / "console.db"
    database.make(store, database.KEPT)
    for lot in LOTS:
        Targets(store).add(lot.lot_id, Aim(None, WEEK, 8, 18, 0.75))
        Targets(store).add(lot.lot_id, Aim(list(lot.zones)[-1], WEEK, 9, 17, 0.6))
    made = Seeded(
        FACILITY, [lot.lot_id for lot in LOTS], begin.isoformat(), until.isoformat(), records
    )
    (staged / MARKER).write_text(json.dumps(asdict(made), indent=1) + "\n")
    return made


def _fill_lot(
    staged: Path,
    target: Path,
    lot: SeededLot,
    begin: datetime,
    until: datetime,
    broker: tuple[str, int],
) -> int:
    folder = staged / lot.lot_id
    folder.mkdir()
    text = lot.toml(target / lot.lot_id, broker)
    (folder / "gateway.toml").write_text(text)
    settings = validated(tomllib.loads(text), GatewaySettings, lot.lot_id)
    past = SeededPast(folder, lot, settings)
    try:
        records = past.fill(begin, until)
        past.close_spot(str(lot.rows[0].spots()[-1]["spot_id"]), until, "line painting")
        for told in _alerts(lot, past, until):
            _tell(past, settings, told, until)
    finally:
        past.close()
    return records


def _alerts(lot: SeededLot, past: SeededPast, until: datetime) -> list[_Told]:
    last, spot = lot.rows[-1].agent_id, past.overstayed
    sensor = str(lot.rows[0].spots()[1]["spot_id"])
    came = until - LONG_STAY
    return [
        _Told(
            "offline",
            Finding(last, text=f"agent {last} was not heard", agent_id=last),
            POWERLESS[0],
            ended="the fuse was out",
        ),
        _Told(
            "sensor",
            Finding(
                sensor,
                text=f"the sensor of {sensor} scores 38 of 100: echo 8/40 (weak)",
                spot_id=sensor,
                agent_id=lot.rows[0].agent_id,
                details={"score": 38.0},
            ),
            timedelta(hours=20),
            seen="to be cleaned on Friday",
        ),
        _Told(
            "overstay",
            Finding(
                spot,
                text=f"the vehicle at {spot} came at {came:%Y-%m-%d %H:%M} UTC and may stay 4 h",
                since=came,
                spot_id=spot,
                severity=Severity.WARNING,
            ),
            timedelta(hours=2),
        ),
    ]


def _tell(past: SeededPast, settings: GatewaySettings, told: _Told, until: datetime) -> None:
    """Through the engine, as if its span had run."""
    rule, book = settings.alerts.of(told.kind), past.store.alerts
    name, at = alert_id(told.kind, told.finding.subject), until - told.ago
    with past.store.transaction():
        for after_s in (0.0, rule.raise_after_s):
            book.take(*step(book.state, told.kind, rule, [told.finding], Moment(at, after_s)))
        later = Moment(at + timedelta(minutes=25), 0.0)
        if told.seen:
            book.take(*acknowledge(book.state, name, "ann", told.seen, later))
        if told.ended:
            book.take(*resolve(book.state, name, "ann", told.ended, later))
            book.take(*step(book.state, told.kind, rule, [], later))
            ended = Moment(later.wall, rule.clear_after_s)
            book.take(*step(book.state, told.kind, rule, [], ended))
