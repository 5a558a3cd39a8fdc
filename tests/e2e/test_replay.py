"""Recorded days through sensors, broker, gateway and sinks, with faults; nothing may be missing."""

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator.reconcile import Report, reconcile
from simulator.sessions import Sessions, load_sessions

REPO = Path(__file__).parents[2]
HOURS, BAYS = 20, 40
SLICE = [
    "--bays", BAYS, "--hours", HOURS, "--speed", 7200,
    "--cut-cloud", "1h", "--kill-broker", 1, "--kill-gateway", 2, "--json",
]  # fmt: skip
SMALL = ["--bays", "6", "--hours", "6", "--speed", "7200", "--json"]
Records = list[dict[str, Any]]


def check_faultless(account: dict[str, Any]) -> None:
    assert account["clean"] is True
    assert account["settled"] is True
    assert account["occupancy"]["occupied"] == account["occupied_truly"]
    assert account["occupancy"]["total"] == account["bays"]
    assert account["sessions"] == account["rows"] - account["merged"]
    assert [sink["sink"].split()[0] for sink in account["sinks"]] == ["disk", "cloud"]
    for sink in account["sinks"]:
        assert sink["pairs"] == sink["sessions"] == account["sessions"]
        assert (sink["lost"], sink["doubled"], sink["out_of_order"]) == (0, 0, 0)
        assert (sink["spurious"], sink["wrong_at_end"], sink["gaps"]) == (0, 0, 0)
        assert sink["error_max_s"] < 15
    for book in account["gateway"]["sinks"].values():
        assert book["balanced"]
        assert book["appended"] == book["delivered"]
    assert account["gateway"]["dead_letters"] == {}


def happened(account: dict[str, Any]) -> list[str]:
    """The faults without their times."""
    return sorted(" ".join(words.split()[1:]) for words in account["faults"])


@pytest.fixture(scope="module")
def kept(
    module_lotkeeper: Any, account: Any, sessions_csv: Path, tmp_path_factory: Any
) -> tuple[dict[str, Any], Path]:
    """A slice that was played with its faults: the account, and the folder that was kept."""
    folder = tmp_path_factory.mktemp("replay")
    run = module_lotkeeper.run("simulate", "--replay", sessions_csv, "--keep", folder, *SLICE)
    return account(run), folder


def test_a_slice_with_faults_is_clean(kept: tuple[dict[str, Any], Path]) -> None:
    account, _ = kept
    check_faultless(account)
    assert account["sessions"] > 50
    assert happened(account) == [
        "broker killed", "cloud back", "cloud cut", "gateway killed", "gateway killed",
    ]  # fmt: skip


def test_and_through_mosquitto(
    lotkeeper: Any, account: Any, sessions_csv: Path, mosquitto: tuple[str, int]
) -> None:
    """The fixture says whether it is installed; the replay starts, and kills, one of its own."""
    found = account(lotkeeper.run("simulate", "--replay", sessions_csv, "--mosquitto", *SLICE))
    check_faultless(found)
    assert "broker killed" in happened(found)


def lines_of(folder: Path) -> Records:
    (path,) = (folder / "sink").glob("*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def again(sessions: Sessions, records: Records) -> Report:
    return reconcile("disk", sessions.bays, records, sessions.start, HOURS * 3600, keyed=False)


def test_the_oracle_fails_for_any_line_that_is_missing_or_too_many(
    kept: tuple[dict[str, Any], Path], sessions_csv: Path
) -> None:
    """Of what the file sink holds, each arrival and departure in turn."""
    sessions = load_sessions(sessions_csv, bays=BAYS, hours=HOURS)
    records = lines_of(kept[1])
    assert again(sessions, records).clean
    changes = [
        n for n, each in enumerate(records) if each["event_type"] in ("ARRIVAL", "DEPARTURE")
    ]
    assert len(changes) > 100
    for n in changes:
        assert not again(sessions, records[:n] + records[n + 1 :]).clean
        assert not again(sessions, records[: n + 1] + records[n:]).clean


def test_the_oracle_fails_for_a_bay_in_another_order(
    kept: tuple[dict[str, Any], Path], sessions_csv: Path
) -> None:
    sessions = load_sessions(sessions_csv, bays=BAYS, hours=HOURS)
    records = lines_of(kept[1])
    bay = max(sessions.bays, key=lambda name: len(sessions.bays[name]))
    places = [n for n, each in enumerate(records) if each["spot_id"] == bay]
    first, second = places[1:3]
    records[first], records[second] = records[second], records[first]
    assert again(sessions, records).out_of_order == 1


SABOTAGE = """
import sys
from simulator.site import Site
whole = Site.sink_records
def torn(self):
    departures = 0
    for record in whole(self):
        departures += record["event_type"] == "DEPARTURE"
        if (record["event_type"], departures) != ("DEPARTURE", {number}):
            yield record
Site.sink_records = torn
from lotkeeper.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize(("departure", "status"), [(3, 1), (0, 0)])
def test_the_command_exits_1_for_one_record_that_a_sink_has_not(
    lotkeeper: Any, account: Any, sessions_csv: Path, departure: int, status: int
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", SABOTAGE.format(number=departure), "simulate", "--replay",
         str(sessions_csv), *SMALL],
        cwd=REPO, env=lotkeeper.environment, capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    found = account(run, status)
    assert found["clean"] is (status == 0)
    disk, cloud = found["sinks"]
    assert disk["lost"] == status
    assert cloud["clean"] is True


def test_the_report_for_people(lotkeeper: Any, sessions_csv: Path) -> None:
    run = lotkeeper.run("simulate", "--replay", sessions_csv, *SMALL[:-1], "--report")
    assert run.returncode == 0, run.stderr
    for words in ("sessions to find", "lost", "doubled", "out of order per spot", "CLEAN"):
        assert words in run.stdout
    assert "NOT CLEAN" not in run.stdout


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("BayId,DepartureTime,duration\n1,soon,5\n", [], ":2: DepartureTime = 'soon'"),
        ("a,b\n", [], "no column BayId, DepartureTime, duration"),
        (
            "BayId,DepartureTime,duration\n1,2019-01-06 13:00:00,5\n",
            ["--cut-cloud", "long"],
            "--cut-cloud 'long': write a number and s, m or h",
        ),
        (None, [], "No such file or directory"),
    ],
)
def test_bad_input_exits_2_with_the_mend(
    lotkeeper: Any, tmp_path: Path, content: str | None, options: list[str], said: str
) -> None:
    path = tmp_path / "sessions.csv"
    if content is not None:
        path.write_text(content)
    run = lotkeeper.run("simulate", "--replay", path, *options)
    assert run.returncode == 2
    assert said in run.stderr
    assert run.stdout == ""
    assert "Traceback" not in run.stderr


def test_a_folder_of_an_earlier_run_is_refused(
    lotkeeper: Any, sessions_csv: Path, tmp_path: Path
) -> None:
    """Its records would be counted as this one's."""
    folder = tmp_path / "kept"
    folder.mkdir()
    (folder / "front-door.jsonl").touch()
    run = lotkeeper.run("simulate", "--replay", sessions_csv, "--keep", folder, *SMALL)
    assert run.returncode == 2
    assert f"--keep {folder}: holds an earlier run; name a new folder" in run.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_replay_that_is_broken_off_leaves_nothing(
    lotkeeper: Any, sessions_csv: Path, number: signal.Signals
) -> None:
    """Neither processes nor temporary folders: see the fixture."""
    with lotkeeper.start(
        "simulate", "--replay", sessions_csv, "--bays", 6, "--speed", 60, stderr=subprocess.PIPE
    ) as replay:
        end = os.pidfd_open(replay.pid)
        while len(lotkeeper.processes()) < 3:  # itself, broker, gateway
            assert not select.select([end], [], [], 0.05)[0], replay.stderr.read()
        replay.send_signal(number)
        assert select.select([end], [], [], 20)[0]
        os.close(end)
        assert "Traceback" not in replay.stderr.read()
    assert replay.returncode == 130


DEAD_GATEWAY = """
import sys
from simulator import processes, replay
from simulator.processes import Child
from simulator.site import Site
if sys.argv[-1] == "--json":
    processes.gateway = lambda config, folder: Child("gateway", ["false"], folder)
else:  # killed, and it stays dead
    replay.SETTLE_S = 1.0
    Site.strike = lambda self, what: self.gateway.kill()
from lotkeeper.__main__ import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "gateway ended at once: it said nothing"),
        (["--kill-gateway", "1"], "the broker answers, the gateway does not: is it running?"),
    ],
)
def test_a_gateway_that_does_not_run_is_said_and_exits_1(
    lotkeeper: Any, sessions_csv: Path, options: list[str], said: str
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", DEAD_GATEWAY, "simulate", "--replay", str(sessions_csv),
         *SMALL, *options],
        cwd=REPO, env=lotkeeper.environment, capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert run.returncode == 1
    assert said in run.stderr
    assert "--keep" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_the_whole_week_of_a_thousand_bays(
    lotkeeper: Any, account: Any, sessions_csv: Path
) -> None:
    run = lotkeeper.run(
        "simulate", "--replay", sessions_csv, "--cut-cloud", "1h", "--kill-broker", 2,
        "--kill-gateway", 10, "--report", "--json", timeout_s=880,
    )  # fmt: skip
    found = account(run)
    check_faultless(found)
    assert (found["rows"], found["bays"]) == (31122, 1036)
    assert happened(found) == [
        "broker killed", "broker killed", "cloud back", "cloud cut", *["gateway killed"] * 10,
    ]  # fmt: skip
