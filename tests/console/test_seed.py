"""The invented facility: whole or not there, the same however often, and a good console's food."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from console import config, seed, seeded_past
from console.cli import app
from console.lots import open_lots
from console.targets import Targets
from console.tokens import Scope
from gateway.config import GatewaySettings
from gateway.tools.reading import reading
from gateway.tools.reconcile import reckon
from gateway.tools.verify import verify
from runtime.config import load

DAYS = 8
NORTH = "demo-north"


def run(*words: object) -> Any:
    return CliRunner().invoke(app, [str(each) for each in words])


def prints(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, broker: tuple[str, int]) -> Path:
    made = tmp_path_factory.mktemp("seed") / "demo"
    done = run("seed", made, "--days", DAYS, "--port", broker[1])
    assert done.exit_code == 0, done.output
    return made


@pytest.fixture(scope="module")
def console(folder: Path, console_over, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Over the seeded lots, with its own tokens; no gateway runs."""
    sites = [
        SimpleNamespace(config=each.gateway)
        for each in config.read(folder / "console.toml", {}).lots
    ]
    consoles = console_over(tmp_path_factory.mktemp("console"), *sites)
    yield next(consoles)
    next(consoles, None)


def test_a_second_seed_changes_nothing(folder: Path) -> None:
    before = prints(folder)
    again = run("seed", folder, "--days", 30)
    assert (again.exit_code, ": is there: " in again.stdout) == (0, True)
    assert prints(folder) == before
    assert [each.name for each in folder.parent.iterdir()] == [folder.name]


def test_what_is_somebodys_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").touch()
    refused = run("seed", tmp_path)
    assert (refused.exit_code, "it is not empty" in refused.stderr) == (1, True)
    assert [each.name for each in tmp_path.iterdir()] == ["photo.jpg"]
    refused = run("seed", tmp_path / "photo.jpg")
    assert (refused.exit_code, "name another folder" in refused.stderr) == (1, True)


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    assert run("seed", tmp_path / "demo", "--days", 1).exit_code == 0
    assert (tmp_path / "demo" / NORTH / "history.db").exists()


def test_the_same_moment_gives_the_same_past(tmp_path: Path) -> None:
    now = datetime(2026, 3, 1, 12, tzinfo=UTC)
    seeded = [seed.seed(tmp_path / name, 2, ("127.0.0.1", 1883), now)[0] for name in "ab"]
    assert seeded[0] == seeded[1]
    believed = []
    for name in "ab":
        (lot, *_) = open_lots(config.read(tmp_path / name / "console.toml", {})).values()
        records = lot.source.last_records()
        believed.append({spot: (each.status, each.since) for spot, each in records.items()})
    assert believed[0] == believed[1]
    assert len(believed[0]) == 24


def test_one_that_is_killed_leaves_nothing_in_its_place(tmp_path: Path) -> None:
    target = tmp_path / "demo"
    words = [sys.executable, "-m", "lotkeeper", "console", "seed", target, "--days", "366"]
    process = subprocess.Popen(words)
    try:
        while not list(tmp_path.glob(f".demo.*/{NORTH}/gateway.db")):
            assert process.poll() is None
            os.sched_yield()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(20)
    assert not target.exists()
    assert run("seed", target, "--days", 1).exit_code == 0


@pytest.mark.parametrize("lot", ["demo-north", "demo-south"])
def test_its_stores_are_a_gateways_own(folder: Path, lot: str) -> None:
    store = load(folder / lot / "gateway.toml", GatewaySettings).store.path
    assert verify(store).good
    with reading(store) as db:
        found = reckon(db)
    assert found.faults == []
    (history,) = found.sinks.values()
    assert history.delivered == history.appended > 500


def test_a_console_shows_it_without_a_gateway(console) -> None:
    lots = console.read("/lots", facility="demo")["items"]
    assert [each["lot_id"] for each in lots] == ["demo-north", "demo-south"]
    assert [each["gateway_heard"] for each in lots] == [False, False]
    assert {each["floor"] for each in console.read(f"/lots/{NORTH}/floors")["items"]} == {0, 1}
    assert console.read(f"/lots/{NORTH}/spots/U01")["last_known"]["status"] == "occupied"
    assert console.read("/spots", status="closed")["total"] == 2
    camera = console.read(f"/lots/{NORTH}/devices/cam-1")
    assert (camera["kind"], len(camera["spots"])) == ("http", 6)

    log = console.read(f"/lots/{NORTH}/log", begin=ago(DAYS - 1))
    assert log["total"] > 200
    hours = console.read(f"/lots/{NORTH}/usage", begin=ago(7))["hours"]
    assert max(each["occupancy"] for each in hours if each["occupancy"] is not None) > 0.5


def test_it_has_targets(folder: Path) -> None:
    found = Targets(folder / "console.db").all(NORTH)
    assert [(each.aim.zone_id, each.aim.occupancy) for each in found] == [
        (None, 0.75),
        ("upper", 0.6),
    ]


def test_what_nobody_saw_is_not_covered(console) -> None:
    begin, end = (datetime.now(UTC) - each for each in seeded_past.POWERLESS)
    told = console.read("/lots/demo-south/figures", begin=begin.isoformat(), end=end.isoformat())
    assert 0.4 < told["coverage"] < 0.6  # half of the lot was without power
    begin -= timedelta(days=1)
    end -= timedelta(days=1)
    told = console.read("/lots/demo-south/figures", begin=begin.isoformat(), end=end.isoformat())
    assert told["coverage"] == 1


def test_alerts_of_every_state(console) -> None:
    alerts = console.read("/alerts", lot=NORTH, past=True)["items"]
    assert {each["kind"]: each["state"] for each in alerts} == {
        "offline": "resolved",
        "sensor": "acknowledged",
        "overstay": "raised",
    }
    assert console.read("/summary")["open_alerts"]["warning"] == 4


def ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def test_a_gateway_can_run_on_it(folder: Path, console, make_site) -> None:
    gateway = [sys.executable, "-m", "lotkeeper", "gateway", "run"]
    process = subprocess.Popen([*gateway, "-c", folder / NORTH / "gateway.toml"])
    try:
        while not console.read(f"/lots/{NORTH}")["gateway_heard"]:
            assert process.poll() is None
        event = {
            "device_id": "cam-1",
            "event_id": "1",
            "spot_id": "U07",
            "status": "unknown",
            "timestamp": datetime.now(UTC).isoformat(),
        }
        url = f"/api/v1/lots/{NORTH}/telemetry"
        taken = console.http.post(url, json=event, headers=console.headers(Scope.ADMIN))
        assert taken.json()["outcome"] == "accepted", taken.text
        assert console.read(f"/lots/{NORTH}/devices/cam-1")["state"] == "online"
    finally:
        process.terminate()
        assert process.wait(20) == 0
