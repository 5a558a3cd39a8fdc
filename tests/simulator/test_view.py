"""One picture of the live view: what is fresh is shown, and nothing else."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from rich.console import Console

from contract.occupancy import Occupancy, SpotState
from contract.words import Status
from simulator.display import Seen
from simulator.view import AgentRow, Frame, render

SPOTS = ["A1", "A2", "A3", "B1"]
COLOURS = {"green": "free", "red": "occupied", "grey35": "unknown", "yellow": "closed"}
FRESH_S, STALE_S = 60.0, -1.0


def spot(spot_id: str, status: Status, valid_s: float = FRESH_S) -> SpotState:
    now = datetime.now(UTC)
    return SpotState(
        spot_id=spot_id,
        zone_id=spot_id[0],
        floor=0,
        status=status,
        as_of=now,
        valid_until=now + timedelta(seconds=valid_s),
    )


def counted(
    zone_id: str | None, occupied: int, free: int, unknown: int = 0, valid_s: float = FRESH_S
) -> Occupancy:
    now = datetime.now(UTC)
    return Occupancy(
        lot_id="demo",
        zone_id=zone_id,
        total=occupied + free + unknown,
        occupied=occupied,
        free=free,
        unknown=unknown,
        closed=0,
        coverage=1,
        as_of=now,
        valid_until=now + timedelta(seconds=valid_s),
    )


def seen(valid_s: float = FRESH_S, **others: Any) -> Seen:
    """Two taken, one free, one that nobody knows; zone A full but for one, zone B unknown."""
    statuses = (Status.OCCUPIED, Status.FREE, Status.OCCUPIED, Status.UNKNOWN)
    states = [spot(name, status, valid_s) for name, status in zip(SPOTS, statuses, strict=True)]
    return Seen(
        **{
            "spots": {state.spot_id: state for state in states},
            "zones": {
                "A": counted("A", 2, 7, valid_s=valid_s),
                "B": counted("B", 0, 0, 5, valid_s=valid_s),
            },
            "lot": counted(None, 81, 43, 6, valid_s),
            "gateway_up": True,
            "broker_up": True,
            "per_s": 12.5,
            "sinks": {"disk": {"delivered": 310, "waiting": 4, "failing": 0}},
            **others,
        }
    )


def drawn(seen: Seen, **others: Any) -> tuple[str, dict[str, str]]:
    """The picture's text, and the word that each spot's colour stands for."""
    frame = Frame(
        **{
            "lot_id": "demo",
            "lot_time": "Wed 10:00:00",
            "speed": 60,
            "spots": SPOTS,
            "seen": seen,
            "agents": [AgentRow("pi-00", True, 3, 99), AgentRow("pi-01", False, 0, 0)],
            "cloud_open": True,
            "notes": [],
            "keys": True,
            **others,
        }
    )
    console = Console(record=True, width=120, color_system="256", file=io.StringIO())
    picture = render(frame)
    console.print(picture)
    colours = {
        segment.text.strip(): COLOURS[segment.style.bgcolor.name]
        for segment in console.render(picture)
        if segment.text.strip() in SPOTS and segment.style and segment.style.bgcolor
    }
    return console.export_text(), colours


def test_what_is_fresh_is_shown() -> None:
    text, colours = drawn(seen())
    assert "43 free   81 occupied   6 unknown   of 130" in text
    assert "7 free" in text
    assert "5 unknown" in text
    assert "12.5 events/s" in text
    assert "broker up" in text
    assert "gateway up" in text
    assert "--" not in text
    assert colours == {"A1": "occupied", "A2": "free", "A3": "occupied", "B1": "unknown"}


def test_the_way_out_and_the_way_in_stand_where_no_low_terminal_cuts_them() -> None:
    text, _ = drawn(seen(), console="http://127.0.0.1:8080")
    above, _, _ = text.partition(" spots ")
    assert "quit" in above
    assert "http://127.0.0.1:8080" in above


STALE = {
    "run out": seen(STALE_S),
    "gateway down": seen(gateway_up=False),
    "broker down": seen(gateway_up=False, broker_up=False),
    "nothing heard": Seen(),
}


@pytest.mark.parametrize("case", STALE)
def test_what_is_stale_is_unknown_and_not_counted(case: str) -> None:
    text, colours = drawn(STALE[case])
    assert "--  no fresh word of the lot" in text
    assert colours == dict.fromkeys(SPOTS, "unknown")
    for number in ("43", "81", "130", "6 unknown", "7 free", "5 unknown"):
        assert number not in text, number


def test_a_spot_that_ran_out_goes_unknown_alone() -> None:
    states = {**seen().spots, "A2": spot("A2", Status.FREE, STALE_S)}
    _, colours = drawn(seen(spots=states))
    assert colours == {"A1": "occupied", "A2": "unknown", "A3": "occupied", "B1": "unknown"}


def test_a_closed_spot_has_its_colour() -> None:
    _, colours = drawn(seen(spots={"A1": spot("A1", Status.CLOSED)}))
    assert colours["A1"] == "closed"


def test_who_is_down_is_said() -> None:
    text, _ = drawn(seen(gateway_up=False, broker_up=False))
    assert "broker DOWN" in text
    assert "gateway DOWN" in text


def test_agents_sinks_changes_and_faults_are_listed() -> None:
    known = seen(sinks={"disk": {"delivered": 310, "waiting": 4, "failing": 1}})
    known.changes.append("A1 occupied (was free)")
    text, _ = drawn(known, notes=["0:00:20 cloud cut"], cloud_open=False)
    lines = text.splitlines()
    assert any("pi-00" in line and "on" in line and "3 waiting" in line for line in lines)
    assert any("pi-01" in line and "UNPLUGGED" in line for line in lines)
    assert any("disk" in line and "FAILING" in line and "310 sent" in line for line in lines)
    for words in ("cloud cut", "A1 occupied (was free)", "0:00:20 cloud cut", "q quit"):
        assert words in text


def test_sinks_that_nobody_tells_of_are_not_shown_as_they_were() -> None:
    text, _ = drawn(seen(sinks={}))
    assert "no word of the sinks" in text
