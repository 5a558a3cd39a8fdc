"""What is shown, as a function of what was heard and when: literal scenarios."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contract.topics import Topics
from display.board import Arrival, Board, LineSettings, ShownLine, Shows

TOPICS = Topics("north")
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LOT = LineSettings(label="Lot")
ZONE = LineSettings(zone_id="A", label="Level A", arrow="left", full_at=2)


def count(zone_id: str | None = None, at: datetime = NOON, **fields: Any) -> bytes:
    """A count of ten spots as the gateway tells it at `at`: seven free, good for a minute."""
    counts = {"free": 7, "unknown": 0, "closed": 0} | {
        key: fields.pop(key) for key in ("free", "unknown", "closed") if key in fields
    }
    body = {
        "lot_id": "north",
        "zone_id": zone_id,
        "total": 10,
        "occupied": 10 - sum(counts.values()),
        **counts,
        "coverage": 1,
        "as_of": at.isoformat(),
        "valid_until": (at + timedelta(seconds=60)).isoformat(),
        "valid_for_s": 60,
        "clock": "synced",
        **fields,
    }
    return json.dumps({key: value for key, value in body.items() if value is not None}).encode()


def health(status: str, session: str = "s1") -> bytes:
    return json.dumps({"session_id": session, "status": status}).encode()


class Display:
    """A board with a clock of its own, both in seconds since the broker came."""

    def __init__(self, *lines: LineSettings, synced: bool = True, ahead_s: float = 0) -> None:
        self.board = Board("north", lines or (LOT,))
        self.now_s = 0.0
        self.synced = synced
        self.ahead_s = ahead_s
        self.board.connected()

    def hears(self, topic: str, payload: bytes, *, retained: bool = False) -> str:
        wall = NOON + timedelta(seconds=self.now_s + self.ahead_s)
        return self.board.take(topic, payload, Arrival(self.now_s, wall, self.synced, retained))

    def at(self, now_s: float) -> "Display":
        self.now_s = now_s
        return self

    def line(self) -> ShownLine:
        return self.board.shown(self.now_s)[0]

    def free(self) -> int | None:
        return self.line().free

    def reason(self) -> str:
        assert self.line().shows is Shows.BLANK
        assert self.free() is None
        return self.line().reason


@pytest.mark.parametrize(
    ("counts", "shows", "free", "arrow"),
    [
        ({"free": 7}, Shows.OPEN, 7, "left"),
        ({"free": 3}, Shows.OPEN, 3, "left"),
        ({"free": 2}, Shows.FULL, None, "none"),
        ({"free": 0}, Shows.FULL, None, "none"),
        ({"free": 0, "closed": 4}, Shows.FULL, None, "none"),
        # Three that may be free: FULL would be a guess, and an arrow too.
        ({"free": 0, "unknown": 3}, Shows.OPEN, 0, "none"),
        ({"free": 2, "unknown": 1}, Shows.OPEN, 2, "left"),
        ({"free": 1, "unknown": 1}, Shows.FULL, None, "none"),
        ({"free": 0, "closed": 10}, Shows.CLOSED, None, "none"),
        ({"free": 0, "unknown": 10}, Shows.BLANK, None, "none"),
        ({"free": 0, "unknown": 6, "closed": 4}, Shows.BLANK, None, "none"),
    ],
)
def test_what_a_count_says(
    counts: dict[str, int], shows: Shows, free: int | None, arrow: str
) -> None:
    display = Display(ZONE)
    assert display.hears(TOPICS.zone("A"), count("A", **counts)) == ""
    line = display.line()
    assert (line.shows, line.free, line.arrow) == (shows, free, arrow)
    assert (line.label, line.zone_id) == ("Level A", "A")


def test_lines_stand_in_their_order_and_each_has_its_own_count() -> None:
    display = Display(ZONE, LOT, LineSettings(zone_id="B"))
    display.hears(TOPICS.occupancy, count(free=9))
    display.hears(TOPICS.zone("A"), count("A", free=5))
    display.hears(TOPICS.zone("other"), count("other", free=1))
    shown = display.board.shown(0)
    assert [(line.label, line.free) for line in shown] == [("Level A", 5), ("Lot", 9), ("B", None)]
    assert shown[2].reason == "nothing heard"


def test_no_more_is_subscribed_to_than_is_shown() -> None:
    board = Board("north", (ZONE, LOT, ZONE))
    assert board.topics == [TOPICS.gateway_health, TOPICS.zone("A"), TOPICS.occupancy]


class TestValidity:
    def test_a_live_count_lasts_its_span_from_its_arrival(self) -> None:
        display = Display()
        display.hears(TOPICS.occupancy, count())
        assert display.at(59.9).free() == 7
        assert display.at(60.0).reason() == "run out"

    def test_a_count_that_came_late_ends_when_the_gateway_said(self) -> None:
        """It was told 40 s ago, and lay in a socket since."""
        display = Display().at(40)
        display.hears(TOPICS.occupancy, count())
        assert display.at(59.9).free() == 7
        assert display.at(60).reason() == "run out"

    def test_a_gateway_whose_clock_is_ahead_wins_no_time(self) -> None:
        display = Display()
        display.hears(TOPICS.occupancy, count(at=NOON + timedelta(hours=1)))
        assert display.at(59.9).free() == 7
        assert display.at(60).reason() == "run out"

    @pytest.mark.parametrize("ahead_s", [-86400.0 * 365, 86400.0 * 365])
    def test_without_a_true_clock_the_arrival_counts(self, ahead_s: float) -> None:
        """A Pi without an RTC believes it is when it was switched off, or whatever else."""
        display = Display(synced=False, ahead_s=ahead_s)
        display.hears(TOPICS.occupancy, count())
        assert display.at(59.9).free() == 7
        assert display.at(60).reason() == "run out"

    def test_a_gateway_without_a_true_clock_is_shown_by_the_arrival(self) -> None:
        display = Display()
        display.hears(TOPICS.occupancy, count(at=NOON - timedelta(days=9), clock="unsynced"))
        assert display.at(59.9).free() == 7
        assert display.at(60).reason() == "run out"

    def test_a_message_of_before_valid_for_s_has_a_span_too(self) -> None:
        display = Display(synced=False, ahead_s=-1e6)
        display.hears(TOPICS.occupancy, count(valid_for_s=None))
        assert display.at(59.9).free() == 7
        assert display.at(60).reason() == "run out"

    def test_a_step_of_the_wall_clock_changes_nothing(self) -> None:
        display = Display()
        display.hears(TOPICS.occupancy, count())
        display.ahead_s = -86400
        assert display.at(60).reason() == "run out"


class TestRetained:
    def test_its_age_is_known_where_both_clocks_are_true(self) -> None:
        display = Display().at(40)
        display.hears(TOPICS.occupancy, count(), retained=True)
        assert display.at(59.9).free() == 7
        assert display.at(60).reason() == "run out"

    def test_one_of_yesterday_is_not_shown(self) -> None:
        display = Display()
        display.hears(TOPICS.occupancy, count(at=NOON - timedelta(days=1)), retained=True)
        assert display.reason() == "run out"

    @pytest.mark.parametrize(("synced", "clock"), [(False, "synced"), (True, "unsynced")])
    def test_its_age_is_unknown_where_one_clock_is_not(self, synced: bool, clock: str) -> None:
        display = Display(synced=synced)
        display.hears(TOPICS.occupancy, count(clock=clock), retained=True)
        assert display.reason() == "age unknown"
        display.hears(TOPICS.occupancy, count(clock=clock))
        assert display.free() == 7

    def test_the_one_we_hold_goes_on_where_it_was(self) -> None:
        """A broker that was away for a moment: no blank, and no time won."""
        display = Display(synced=False)
        display.hears(TOPICS.occupancy, count())
        display.at(30).board.disconnected()
        display.board.connected()
        display.hears(TOPICS.occupancy, count(), retained=True)
        assert display.at(59.9).free() == 7
        assert display.at(60).reason() == "run out"

    def test_another_than_the_one_we_hold_ends_that_one(self) -> None:
        display = Display(synced=False)
        display.hears(TOPICS.occupancy, count())
        display.board.connected()
        display.hears(TOPICS.occupancy, count(free=1), retained=True)
        assert display.reason() == "age unknown"

    def test_one_that_was_cleared_is_gone(self) -> None:
        display = Display()
        display.hears(TOPICS.occupancy, count())
        assert display.hears(TOPICS.occupancy, b"") == ""
        assert display.reason() == "nothing heard"


class TestSilence:
    def test_without_a_broker_there_is_nothing(self) -> None:
        display = Display()
        display.hears(TOPICS.occupancy, count())
        display.board.disconnected()
        assert display.reason() == "no broker"

    def test_a_gateway_that_went_takes_its_counts_along(self) -> None:
        display = Display()
        display.hears(TOPICS.occupancy, count())
        display.hears(TOPICS.gateway_health, health("up"))
        assert display.free() == 7
        display.hears(TOPICS.gateway_health, health("down"))
        assert display.reason() == "gateway down"
        display.hears(TOPICS.gateway_health, health("up", "s2"))
        assert display.free() == 7

    def test_the_will_of_a_session_that_another_followed_says_nothing(self) -> None:
        display = Display()
        display.hears(TOPICS.occupancy, count())
        display.hears(TOPICS.gateway_health, health("up", "s2"))
        display.hears(TOPICS.gateway_health, health("down", "s1"))
        assert display.free() == 7

    def test_a_session_that_came_and_went_while_we_were_away_is_gone(self) -> None:
        display = Display()
        display.hears(TOPICS.gateway_health, health("up", "s1"))
        display.board.disconnected()
        display.board.connected()
        display.hears(TOPICS.occupancy, count(), retained=True)
        display.hears(TOPICS.gateway_health, health("down", "s2"), retained=True)
        assert display.reason() == "gateway down"

    def test_a_live_count_needs_no_heartbeat(self) -> None:
        """The broker lost what was retained: the heartbeat comes later than the count."""
        display = Display()
        display.hears(TOPICS.occupancy, count())
        assert display.hears(TOPICS.gateway_health, b"") == ""
        assert display.free() == 7


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        (b"\xff\x00", "Invalid JSON"),
        (b"[]", "an object"),
        (count(free=9, total=3), "must be total"),
        (count(valid_for_s=0), "valid_for_s: "),
        (count().replace(b"+00:00", b""), "as_of: "),
        (count(free=-1, occupied=11), "free: "),
    ],
)
def test_a_bad_message_is_told_and_changes_nothing(payload: bytes, fault: str) -> None:
    display = Display()
    display.hears(TOPICS.occupancy, count())
    assert fault in display.hears(TOPICS.occupancy, payload)
    assert display.free() == 7


def test_a_bad_heartbeat_is_told() -> None:
    assert "status: " in Display().hears(TOPICS.gateway_health, b'{"session_id": "s1"}')
