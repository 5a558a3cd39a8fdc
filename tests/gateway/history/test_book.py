"""However the records come, the file says what they say in their order."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.words import EventType
from gateway.history.book import Book
from gateway.history.records import Change, Mark
from gateway.history.schema import DAY_MS, FREE, LOT, MIGRATIONS, OCCUPIED, QUARTER_MS, UNKNOWN
from spool import migrate

HOUR = 3_600_000
DAY = 20_000 * DAY_MS
"""The beginning of a day: 2024-10-04."""
Record = Change | Mark
TYPE = {FREE: 1, OCCUPIED: 0, UNKNOWN: 2}
SILENT, HEARD, BIRTH = EventType.AGENT_SILENT, EventType.AGENT_HEARD, EventType.BIRTH
SHUT, OPENED = EventType.SPOT_CLOSED, EventType.SPOT_OPENED


def said(seq: int, hour: float, status: int, spot: str = "A1", agent: str = "pi-1") -> Change:
    at_ms = DAY + round(hour * HOUR)
    return Change(agent, "e1", seq, at_ms, spot, "A", TYPE[status], status, 0)


def mark(kind: EventType, hour: float, name: str = "pi-1") -> Mark:
    return Mark(kind, name, DAY + round(hour * HOUR))


class File:
    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.db, MIGRATIONS)
        self.book = Book(self.db)

    def take(self, *records: Record) -> None:
        self.db.execute("BEGIN")
        self.book.take(records)
        self.db.execute("COMMIT")

    def rows(self, query: str) -> list[tuple[int, ...]]:
        return self.db.execute(query).fetchall()

    def hours(self, column: str = "occupied_ms", zone: int = LOT) -> dict[int, float]:
        """Minutes by the hour of the day, where there are any."""
        query = f"SELECT quarter, {column} FROM quarters WHERE zone={zone}"
        found: defaultdict[int, float] = defaultdict(float)
        for quarter, ms in self.rows(query):
            found[(quarter * QUARTER_MS - DAY) // HOUR] += ms / 60_000
        return {hour: minutes for hour, minutes in found.items() if minutes}

    def everything(self) -> dict[str, list[tuple[int, ...]]]:
        """All that a reader sees, whatever the numbers of names are."""
        spots = "JOIN spots ON spots.id = spot"
        zones = "LEFT JOIN zones ON zones.id = zone"
        return {
            "events": self.rows(
                f"SELECT spots.name, seq, at_ms, status, stay_s FROM events {spots} ORDER BY 1, 2"
            ),
            "quarters": self.rows(
                "SELECT zones.name, quarter, free_ms, occupied_ms, closed_ms, arrivals, departures "
                f"FROM quarters {zones} WHERE free_ms OR occupied_ms OR closed_ms OR arrivals "
                "OR departures ORDER BY 1, 2"
            ),
            "days": self.rows(
                f"SELECT spots.name, day, free_ms, occupied_ms, closed_ms FROM spot_days {spots} "
                "WHERE free_ms OR occupied_ms OR closed_ms ORDER BY 1, 2"
            ),
            "dwells": self.rows(
                f"SELECT zones.name, day, bin, stays, sum_s FROM dwells {zones} WHERE stays "
                "ORDER BY 1, 2, 3"
            ),
        }


@pytest.fixture
def file() -> Iterator[File]:
    made = File()
    yield made
    made.db.close()


def test_time_goes_to_its_quarters_and_the_stay_to_its_day(file: File) -> None:
    file.take(said(1, 8, FREE), said(2, 9.25, OCCUPIED), said(3, 11.5, FREE))
    assert file.hours("free_ms") == {8: 60, 9: 15}
    assert file.hours() == {9: 45, 10: 60, 11: 30}
    assert file.hours(zone=1) == file.hours()
    assert file.hours("arrivals") == {9: 1 / 60_000}
    assert file.rows("SELECT zone, stays, sum_s FROM dwells") == [(LOT, 1, 8100), (1, 1, 8100)]
    assert file.rows("SELECT seq, stay_s FROM events WHERE stay_s") == [(3, 8100)]


def test_what_comes_again_is_counted_once(file: File) -> None:
    records = [said(1, 8, FREE), said(2, 9, OCCUPIED), said(3, 10, FREE)]
    file.take(*records)
    before = file.everything()
    file.take(*records)
    file.take(records[1])
    assert file.everything() == before


def test_a_late_record_mends_the_sums(file: File) -> None:
    file.take(said(1, 8, FREE), said(4, 14, OCCUPIED))
    assert file.hours("free_ms") == dict.fromkeys(range(8, 14), 60)
    file.take(said(2, 9, OCCUPIED), said(3, 11, FREE))
    assert file.hours() == {9: 60, 10: 60}
    assert file.hours("free_ms") == {8: 60, 11: 60, 12: 60, 13: 60}
    assert file.rows("SELECT stays FROM dwells WHERE zone=0") == [(1,)]


def test_an_agent_that_is_heard_again_has_seen_all_the_while(file: File) -> None:
    """The network was away: its records come late, and there is no hole."""
    file.take(said(1, 8, FREE), mark(SILENT, 9), mark(HEARD, 12), said(2, 10, OCCUPIED))
    file.take(said(3, 12.5, FREE))
    assert file.hours("free_ms") == {8: 60, 9: 60}
    assert file.hours() == {10: 60, 11: 60, 12: 30}


def test_an_agent_that_was_born_anew_had_seen_nothing(file: File) -> None:
    """It had lost its power: from its last record to its birth is a hole, told behind the fact."""
    file.take(said(1, 8, FREE), mark(SILENT, 9), mark(HEARD, 12.01))
    file.take(said(2, 9.5, OCCUPIED), mark(BIRTH, 12), said(3, 13, FREE))
    assert file.hours("free_ms") == {8: 60, 9: 30}
    assert file.hours() == {12: 60}
    assert file.rows("SELECT stay_s FROM events WHERE stay_s") == []


def test_a_birth_before_the_gateway_heard_of_it_is_the_end_of_the_silence(file: File) -> None:
    file.take(said(1, 8, FREE), mark(SILENT, 9), mark(BIRTH, 12), mark(HEARD, 12.01))
    file.take(said(2, 13, OCCUPIED))
    assert file.hours("free_ms") == {8: 60, 12: 60}


def test_a_birth_without_a_silence_is_no_hole(file: File) -> None:
    file.take(mark(BIRTH, 7), said(1, 8, FREE), said(2, 10, OCCUPIED))
    assert file.hours("free_ms") == {8: 60, 9: 60}


def test_a_silence_is_of_the_agents_own_spots(file: File) -> None:
    file.take(said(1, 8, FREE), said(1, 8, FREE, "B1", "pi-2"), mark(SILENT, 9), mark(BIRTH, 10))
    file.take(said(2, 11, OCCUPIED), said(2, 11, OCCUPIED, "B1", "pi-2"))
    assert file.hours("free_ms") == {8: 120, 9: 60, 10: 120}


def test_a_spot_that_people_closed_is_neither_free_nor_occupied(file: File) -> None:
    file.take(said(1, 8, FREE), mark(SHUT, 9, "A1"), mark(SHUT, 9.5, "A1"))
    file.take(mark(OPENED, 11, "A1"), said(2, 12, OCCUPIED))
    assert file.hours("free_ms") == {8: 60, 11: 60}
    assert file.hours("closed_ms") == {9: 60, 10: 60}


def test_many_records_of_one_status_hide_no_stay(file: File) -> None:
    """A stay is found though its arrival is many records back."""
    file.take(said(1, 1, FREE), *(said(2 + n, 2 + n / 10, OCCUPIED) for n in range(60)))
    file.take(said(100, 10, FREE))
    assert file.rows("SELECT sum_s FROM dwells WHERE zone=0") == [(8 * 3600,)]


drawn = st.lists(
    st.one_of(
        st.builds(
            lambda n, status, spot: (n, status, spot),
            st.integers(0, 95),
            st.sampled_from([FREE, OCCUPIED, UNKNOWN]),
            st.sampled_from(["A1", "A2"]),
        ),
    ),
    min_size=1,
    max_size=14,
    unique_by=lambda each: (each[0], each[2]),
)
marks = st.lists(
    st.builds(
        mark,
        st.sampled_from([SILENT, HEARD, BIRTH]),
        st.integers(0, 96).map(lambda quarter: quarter / 4),
    ),
    max_size=4,
)


@settings(max_examples=50, deadline=None)
@given(drawn, st.randoms(use_true_random=False), st.integers(1, 5))
def test_the_order_in_which_records_come_is_nothing_to_the_sums(
    changes: Sequence[tuple[int, int, str]],
    random: "st.DrawFn",
    size: int,
) -> None:
    records: list[Record] = [
        said(seq, quarter / 4, status, spot)
        for seq, (quarter, status, spot) in enumerate(sorted(changes), 1)
    ]
    shut = [mark(SHUT, 3, "A1"), mark(OPENED, 7, "A1")]
    ordered, shuffled = File(), File()
    ordered.take(*records, *shut)
    random.shuffle(records)  # type: ignore[attr-defined]
    shuffled.take(*shut)
    for at in range(0, len(records), size):
        shuffled.take(*records[at : at + size], records[0])
    try:
        assert shuffled.everything() == ordered.everything()
        assert _is_whole(shuffled.db)
    finally:
        ordered.db.close()
        shuffled.db.close()


@settings(max_examples=50, deadline=None)
@given(drawn, marks)
def test_silences_take_off_what_they_put_back(
    changes: Sequence[tuple[int, int, str]],
    silences: Sequence[Mark],
) -> None:
    """Record by record or at once: the same; and no sum is ever below 0."""
    records: list[Record] = [
        said(seq, quarter / 4, status, spot)
        for seq, (quarter, status, spot) in enumerate(sorted(changes), 1)
    ]
    half = len(records) // 2
    records = [*records[:half], *silences, *records[half:]]
    together, apart = File(), File()
    together.take(*records)
    for record in records:
        apart.take(record)
    try:
        assert apart.everything() == together.everything()
        assert _is_whole(apart.db)
    finally:
        together.db.close()
        apart.db.close()


def _is_whole(db: sqlite3.Connection) -> bool:
    """No sum is negative, and no quarter holds more than its spots have."""
    most = QUARTER_MS * db.execute("SELECT COUNT(*) FROM spots").fetchone()[0]
    query = (
        "SELECT COUNT(*) FROM quarters WHERE MIN(free_ms, occupied_ms, closed_ms, arrivals) < 0 "
        f"OR free_ms + occupied_ms + closed_ms > {most}"
    )
    return db.execute(query).fetchone() == (0,)
