"""agent.toml: what belongs together, and what its errors say."""

from typing import Any

import pytest
from pydantic import ValidationError

from agent.config import AgentSettings

RANGER = {"kind": "hcsr04", "trigger": 23, "echo": 24}
MAGNETOMETER = {"kind": "lis3mdl"}


def agent(*spots: dict[str, Any]) -> AgentSettings:
    return AgentSettings.model_validate({"agent_id": "pi-1", "lot_id": "L", "spots": spots})


def spot(spot_id: str = "A1", **more: Any) -> dict[str, Any]:
    return {"spot_id": spot_id, "sensor": RANGER, **more}


def test_two_sensors_make_a_fused_spot() -> None:
    (fused,) = agent(spot(waker=MAGNETOMETER, detector={"kind": "fused"})).spots
    assert fused.waker is not None
    assert fused.waker.kind == "lis3mdl"
    assert fused.waker_sample_s == 0.1


@pytest.mark.parametrize(
    ("spots", "message"),
    [
        ([spot(detector={"kind": "fused"})], r"needs a magnetometer too: add \[spots.waker\]"),
        ([spot(waker=MAGNETOMETER)], "set that, or remove waker"),
        ([spot(sensor=MAGNETOMETER)], "lis3mdl measures in mG, and a ranging detector takes mm"),
        ([spot(detector={"kind": "magnetic"})], "hcsr04 measures in mm"),
        ([spot(waker=RANGER, detector={"kind": "fused"})], "hcsr04 measures in mm, and a fused"),
        ([spot(neighbours=["A2"])], "A1 has no neighbour A2 at this agent"),
        ([spot(neighbours=["A1"])], "A1 has no neighbour A1"),
        ([spot(), spot()], "named twice: A1"),
        ([], "at least one"),
        ([spot(sensor={"kind": "sonar"})], "unknown sensor kind 'sonar'"),
        ([spot(sensor={"kind": "hcsr04", "trigger": 23})], "echo"),
        ([spot(detector={"kind": "magnetic", "floor_mm": 2500})], "floor_mm"),
    ],
)
def test_what_does_not_go_together_is_refused(spots: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        agent(*spots)
