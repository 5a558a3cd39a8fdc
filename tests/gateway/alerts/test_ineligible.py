"""A vehicle in a bay that is kept for others."""

import pytest

from contract.words import Kind, Status
from gateway.alerts import Level
from gateway.alerts.facts import Facts, SpotFacts
from gateway.alerts.ineligible import Config, look
from gateway.testing import START

EV, PERMIT, NONE = frozenset({Kind.EV}), frozenset({Kind.PERMIT}), frozenset[Kind]()


@pytest.mark.parametrize(
    ("status", "kept_for", "vehicle", "wanted"),
    [
        (Status.OCCUPIED, EV, NONE, [Level.BAD]),
        (Status.OCCUPIED, EV, PERMIT, [Level.BAD]),
        (Status.OCCUPIED, EV, EV | PERMIT, []),
        (Status.OCCUPIED, EV, None, []),  # nobody has said what stands there
        (Status.OCCUPIED, NONE, NONE, []),
        (Status.FREE, EV, NONE, []),
        (Status.UNKNOWN, EV, NONE, [Level.UNSURE]),
    ],
)
def test_who_may_stand_where(
    status: Status,
    kept_for: frozenset[Kind],
    vehicle: frozenset[Kind] | None,
    wanted: list[Level],
) -> None:
    spot = SpotFacts("A", status, "pi-1", kinds=kept_for, vehicle_kinds=vehicle)
    found = list(look(Facts(START, spots={"A2": spot}), Config()))
    assert [each.level for each in found] == wanted
    if wanted == [Level.BAD]:
        assert "A2 is kept for ev" in found[0].text
