"""Targets: made, read, changed and taken away by operators, told to the audit log."""

from typing import Any

import pytest

from console.targets import Aim
from console.tokens import Scope

OFFICE = {"weekdays": [0, 1], "from_hour": 8, "to_hour": 18, "occupancy": 0.8}


def asked(console, method: str, path: str, body: Any = None, scope: Scope = Scope.OPERATOR) -> Any:
    return console.http.request(method, f"/api/v1{path}", json=body, headers=console.headers(scope))


@pytest.fixture
def path(console, site) -> str:
    """The lot's targets, of which there are none."""
    made = f"/lots/{site.lot_id}/targets"
    for each in console.read(made)["items"]:
        asked(console, "DELETE", f"{made}/{each['target_id']}")
    return made


def test_a_target_is_made_read_changed_and_taken_away(console, path: str) -> None:
    made = asked(console, "POST", path, {**OFFICE, "zone_id": "A"})
    assert made.status_code == 201, made.text
    target = made.json()
    assert {name: target[name] for name in OFFICE} == OFFICE
    one = f"{path}/{target['target_id']}"
    assert console.read(one) == target == console.read(path)["items"][0]
    changed = asked(console, "PUT", one, {**OFFICE, "occupancy": 0.5})
    assert changed.json() == {**target, "zone_id": None, "occupancy": 0.5}
    assert asked(console, "DELETE", one).json() == changed.json()
    assert console.get(one).status_code == 404
    for method in ("PUT", "DELETE"):
        assert asked(console, method, one, OFFICE).status_code == 404
    words = [
        (each["action"], each["outcome"])
        for each in console.get("/audit", Scope.ADMIN).json()["items"]
    ]
    assert ("target-create", "done") in words
    assert words.index(("target-remove", "done")) < words.index(("target-change", "done"))


def test_no_two_are_for_the_same_hour(console, path: str) -> None:
    first = asked(console, "POST", path, OFFICE).json()
    refused = asked(console, "POST", path, {**OFFICE, "weekdays": [1, 2], "from_hour": 17})
    assert refused.status_code == 409
    assert f"target {first['target_id']}" in refused.json()["detail"]
    for other in ({"weekdays": [2, 3]}, {"from_hour": 18, "to_hour": 20}, {"zone_id": "A"}):
        assert asked(console, "POST", path, {**OFFICE, **other}).status_code == 201
    one = f"{path}/{first['target_id']}"
    assert asked(console, "PUT", one, {**OFFICE, "from_hour": 9}).status_code == 200
    assert asked(console, "PUT", one, {**OFFICE, "weekdays": [2]}).status_code == 409


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"zone_id": "Z"}, 404),
        ({"weekdays": []}, 422),
        ({"weekdays": [7]}, 422),
        ({"weekdays": [1, 1]}, 422),
        ({"to_hour": 8}, 422),
        ({"to_hour": 25}, 422),
        ({"occupancy": 1.1}, 422),
        ({"colour": "red"}, 422),
    ],
)
def test_a_wrong_target_is_refused(console, path: str, wrong: dict[str, Any], status: int) -> None:
    assert asked(console, "POST", path, {**OFFICE, **wrong}).status_code == status
    assert console.read(path)["total"] == 0


def test_viewers_read_and_set_none(console, path: str) -> None:
    for method, where in (("POST", path), ("PUT", f"{path}/1"), ("DELETE", f"{path}/1")):
        assert asked(console, method, where, OFFICE, Scope.VIEWER).status_code == 403


def test_hours_that_touch_do_not_meet() -> None:
    morning, noon = Aim(None, (0,), 6, 12, 0.5), Aim(None, (0, 1), 12, 14, 0.9)
    assert not morning.meets(noon)
    assert morning.meets(Aim(None, (0,), 11, 13, 0.9))
    assert not morning.meets(Aim("A", (0,), 6, 12, 0.9))


@pytest.mark.parametrize("number", [2**63, -1, 10**30])
def test_a_number_that_no_target_can_have_is_refused(console, path: str, number: int) -> None:
    for method in ("GET", "PUT", "DELETE"):
        refused = asked(console, method, f"{path}/{number}", OFFICE if method == "PUT" else None)
        assert (refused.status_code, "target_id" in refused.text) == (422, True)
