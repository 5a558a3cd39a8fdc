"""The day before a demo: in the lot's own history, as a console reads it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.tools.reading import reading
from simulator.yesterday import fill

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SPOTS = {f"A{number}": ("A", "pi-00") for number in range(1, 7)}


def test_it_is_a_day_with_a_night_in_it_and_every_bay_is_left(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    count = fill(path, SPOTS, "demo", NOW)
    with reading(path) as db:
        rows = db.execute("SELECT at_ms, spot, status FROM events ORDER BY at_ms, seq").fetchall()
    assert len(rows) == count > 60
    first, last = rows[0][0] / 1000, rows[-1][0] / 1000
    assert first == (NOW - timedelta(days=1)).timestamp()
    assert last < NOW.timestamp()
    ends = {spot: status for _, spot, status in rows}
    assert len(ends) == len(SPOTS)
    assert len(set(ends.values())) == 1  # free
    hours = Counter(datetime.fromtimestamp(at / 1000, UTC).hour for at, _, _ in rows)
    assert sum(hours[hour] for hour in range(1, 7)) < sum(hours[hour] for hour in range(13, 19)) / 2


def test_it_is_the_same_each_time(tmp_path: Path) -> None:
    counts = {fill(tmp_path / f"{name}.db", SPOTS, "demo", NOW) for name in "ab"}
    assert len(counts) == 1
