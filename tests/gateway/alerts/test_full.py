"""A lot or a zone that is nearly full."""

import pytest

from contract.occupancy import Occupancy
from gateway.alerts import Level
from gateway.alerts.facts import Facts
from gateway.alerts.full import Config, look
from gateway.testing import START


def occupancy(occupied: int, free: int, unknown: int = 0, closed: int = 0) -> Occupancy:
    total = occupied + free + unknown + closed
    return Occupancy(
        lot_id="lot-1",
        zone_id="A",
        total=total,
        occupied=occupied,
        free=free,
        unknown=unknown,
        closed=closed,
        coverage=(total - unknown) / total if total else 0.0,
        as_of=START,
        valid_until=START,
    )


@pytest.mark.parametrize(
    ("counts", "wanted"),
    [
        ((94, 6), [Level.UNSURE]),
        ((95, 5), [Level.BAD]),
        ((100, 0), [Level.BAD]),
        ((89, 11), []),
        ((90, 10), [Level.UNSURE]),
        ((40, 0, 60), [Level.UNSURE]),  # too little is known
        ((80, 0, 20), [Level.BAD]),
        ((19, 1, 0, 80), [Level.BAD]),  # closed spots are no free ones
        ((0, 0, 0, 5), [Level.UNSURE]),
    ],
)
def test_how_full_is_nearly_full(counts: tuple[int, ...], wanted: list[Level]) -> None:
    facts = Facts(START, occupancies={"A": occupancy(*counts)})
    assert [each.level for each in look(facts, Config())] == wanted


def test_lot_and_zone_are_two_subjects() -> None:
    full = occupancy(10, 0)
    lot = full.model_copy(update={"zone_id": None})
    found = list(look(Facts(START, occupancies={"": lot, "A": full}), Config()))
    assert [(each.subject, each.zone_id) for each in found] == [("", None), ("A", "A")]
    assert [each.text for each in found] == [
        "lot lot-1 is 100 % full: 0 free",
        "zone A is 100 % full: 0 free",
    ]
