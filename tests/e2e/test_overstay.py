"""An overstay on a whole site: told once, by the original arrival, through restarts, to its end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from gateway.ask import NoAnswer, ask
from simulator.site import Site

CAME_S, LEFT_S = 100.0, 350.0
LOOKED_S = 300.0
PATIENCE_S = 40.0


def alerts(site: Site) -> list[dict[str, Any]]:
    """The open overstays."""
    data = ask(site.mqtt, site.lot_id, "alerts-list", {}).data or {}
    return [each for each in data["open"] if each["kind"] == "overstay"]


def awaited(site: Site, count: int) -> list[dict[str, Any]]:
    """The open overstays, once there are so many."""
    attempts = Retrying(
        retry=retry_if_exception_type((AssertionError, NoAnswer)),
        stop=stop_after_delay(PATIENCE_S),
        wait=wait_fixed(0.3),
        reraise=True,
    )
    for attempt in attempts:
        with attempt:
            found = alerts(site)
            assert len(found) == count
    return found


@pytest.mark.timeout(180)
def test_an_overstay_outlasts_restarts_of_agent_and_gateway(tmp_path: Path) -> None:
    start = datetime.now(UTC) - timedelta(seconds=LOOKED_S)
    site = Site(
        "overstayed", {"A1": [(CAME_S, LEFT_S)], "A2": []}, start, folder=tmp_path, speed=0,
        broker="iotcore", bays_an_agent=2, zones=["A"],
    )  # fmt: skip
    toml = tmp_path / "gateway.toml"
    text = toml.read_text().replace('zone_id = "A"\n', 'zone_id = "A"\nmax_stay_s = 60\n', 1)
    toml.write_text(f"{text}[alerts.overstay]\ngrace_s = 0\n")
    try:
        site.start()
        for _ in site.lot.play(LOOKED_S):
            pass
        (told,) = awaited(site, 1)
        assert told["spot_id"] == "A1"
        came = datetime.fromisoformat(told["since"])
        assert abs((came - start).total_seconds() - CAME_S) < 5
        order = {"alert_id": told["alert_id"], "by": "ann", "note": "on my way"}
        assert ask(site.mqtt, site.lot_id, "alerts-acknowledge", order).status == "ok"
        site.strike("agent restart")
        site.strike("gateway")
        (again,) = awaited(site, 1)
        assert (again["since"], again["raised_at"]) == (told["since"], told["raised_at"])
        assert (again["state"], again["notes"][0]["text"]) == ("acknowledged", "on my way")
        for _ in site.lot.play(LEFT_S + 100):
            pass
        assert awaited(site, 0) == []
    finally:
        site.stop()
