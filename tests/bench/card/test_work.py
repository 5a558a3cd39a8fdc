"""What one event writes to the log: the same on every machine, where bytes on a disk are not."""

from pathlib import Path

import pytest

from bench.card.work import BAYS, KINDS
from spool import database

EVENTS = 200


@pytest.mark.parametrize(("kind", "most"), [("agent", 4_300), ("gateway", 9_000)])
def test_an_event_alone_writes_few_pages(
    kind: str, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Red with pages of 4 KB, and where an agent keeps its position at each commit."""
    monkeypatch.setattr(database, "WAL_PAGES", 10**9)  # the log grows, and its size tells
    commit = KINDS[kind](tmp_path)
    (log,) = tmp_path.glob("*.db-wal")
    for _ in range(BAYS):  # each bay's row is there from then on
        commit(1)
    before = log.stat().st_size
    for _ in range(EVENTS):
        commit(1)
    size = (log.stat().st_size - before) / EVENTS
    assert 0.8 * most < size < most
