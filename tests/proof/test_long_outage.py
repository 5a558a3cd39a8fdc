"""A week without the cloud: bounded, whole, and the present is there before the past.

Each test's docstring says how it was seen red.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from gateway.forwarder import READ_ROWS
from proof.fault_proxy import Fault, never_passes, passes, thin
from proof.forwarding import events, once
from tests.proof.clouds import Cloud

REPO = Path(__file__).parents[2]
MB = 1_000_000
LATE_P99_S = 1.0
MEMORY = 16 * MB
"""What the process may grow by in the whole outage: SQLite's cache, a batch, and slack."""
PAGES = 1.6
"""Bytes of file for a byte of record: two or three rows fill a page of 1 KB by three quarters."""
OVERHEAD = 8 * MB
"""Of the disk beside what is spooled: the log up to its checkpoint, the reserve, free pages."""
SMALL = {"spots": 24, "stays_a_day": 6, "live_per_s": 40.0, "commit_s": 300.0}
WIDE = {"spots": 100, "stays_a_day": 0.5, "live_per_s": 15.0, "commit_s": 300.0}
FORWARD = {"retry_first_s": 0.2, "retry_max_s": 2.0}


class Lived:
    """An outage that was lived through."""

    def __init__(self, cloud: Cloud, folder: Path, mended: Fault = passes, **plan: Any) -> None:
        home = folder / "home"
        home.mkdir()
        self.limit: int = plan.get("limit_bytes", 1_000 * MB)
        kind = {"kind": cloud.kind, **cloud.options}
        path = folder / "plan.json"
        path.write_text(json.dumps({"folder": str(home), "sink": kind, **plan}, default=str))
        cloud.proxy.otherwise = never_passes
        command = [sys.executable, "-m", "proof.long_outage", str(path)]
        with subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            self.outage = json.loads(process.stdout.readline())
            cloud.proxy.otherwise = mended
            self.end = json.loads(process.stdout.readline())
        assert process.returncode == 0
        self.truth: dict[str, list[int]] = json.loads((home / "truth.json").read_text())
        self.records = cloud.records()

    def judge(self) -> None:
        """Bounded, balanced, and the present came in time."""
        print({**self.outage, **self.end, "late_s": quantiles(self.end["late_s"])})
        assert self.outage["outage"]["delivered"] == 0
        assert self.end["balanced"]
        assert self.end["drained"]["waiting"] == self.end["drained"]["dead_lettered"] == 0
        assert max(self.outage["memory"], self.end["memory"]) < MEMORY
        assert self.end["disk"] < PAGES * min(self.limit, self._spooled()) + OVERHEAD
        late_s = self.end["late_s"]
        assert len(late_s) == self.end["in_drain"]
        assert len(late_s) > 100
        assert quantiles(late_s)["p99"] < LATE_P99_S

    def _spooled(self) -> int:
        return sum(len(json.dumps(each)) for each in self.records)

    def judge_whole(self) -> None:
        """Every change is upstream, each spot's in order."""
        assert {spot: once(seqs) for spot, seqs in events(self.records).items()} == self.truth
        assert sum(self.end["drained"]["dropped"].values()) == 0

    def judge_what_gave_way(self) -> None:
        """Told by the account and by gap records alike; each spot's last word is there.

        What the forwarder had read before it was given up still comes: told as lost, and there.
        """
        came = {spot: once(seqs) for spot, seqs in events(self.records).items()}
        missing = 0
        for spot, seqs in self.truth.items():
            left = set(came[spot])
            assert came[spot] == [seq for seq in seqs if seq in left], spot
            assert came[spot][-1] == seqs[-1], spot
            missing += len(seqs) - len(left)
        gaps = [each for each in self.records if each["event_type"] == "GAP"]
        assert {each["reason"] for each in gaps} == {"spool_full"}
        told = {each["event_id"]: each["count"] for each in gaps}
        assert sum(told.values()) == self.end["drained"]["dropped"]["spool"]
        assert 0 <= sum(told.values()) - missing <= READ_ROWS
        assert missing > READ_ROWS


def quantiles(late_s: Sequence[float]) -> dict[str, float]:
    """Of sorted values."""
    ranks = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    last = len(late_s) - 1
    return {name: round(late_s[round(rank * last)], 3) for name, rank in ranks.items()}


def test_a_small_lot_lives_through_a_week_without_its_cloud(http: Cloud, tmp_path: Path) -> None:
    """Red as long as a change waited for the pause between two batches of the past: p99 1.6 s."""
    pace = {**FORWARD, "drain_per_s": 60.0}
    lived = Lived(http, tmp_path, **WIDE, forward=pace)
    lived.judge()
    lived.judge_whole()


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_over_a_thin_uplink_too(http: Cloud, tmp_path: Path) -> None:
    """128 kbit/s, 24 spots. That calls get smaller is seen red in
    `tests/gateway/test_forwarder_draining.py`, not here."""
    plan = {**SMALL, "live_per_s": 4.0, "forward": FORWARD}
    lived = Lived(http, tmp_path, thin(16_000), **plan)
    lived.judge()
    lived.judge_whole()


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_kinesis_too(kinesis: Cloud, tmp_path: Path) -> None:
    """Red as the small one. 200 spots: moto itself takes seconds for a call with a whole week."""
    pace = {**FORWARD, "drain_per_s": 200.0}
    plan = {**SMALL, "spots": 200, "stays_a_day": 2, "live_per_s": 20.0}
    lived = Lived(kinesis, tmp_path, **plan, forward=pace)
    lived.judge()
    lived.judge_whole()


@pytest.mark.proof
@pytest.mark.timeout(3000)
def test_a_recorded_week_of_a_thousand_bays(http: Cloud, shared_data: Path, tmp_path: Path) -> None:
    """Red as the small one."""
    sessions = shared_data / "melbourne-sessions" / "sessions.csv"
    pace = {**FORWARD, "drain_per_s": 500.0}
    lived = Lived(http, tmp_path, sessions=sessions, forward=pace)
    lived.judge()
    lived.judge_whole()


@pytest.mark.proof
@pytest.mark.timeout(3000)
def test_of_a_recorded_week_what_does_not_fit(
    http: Cloud, shared_data: Path, tmp_path: Path
) -> None:
    """Red as the small one."""
    sessions = shared_data / "melbourne-sessions" / "sessions.csv"
    pace = {**FORWARD, "drain_per_s": 500.0}
    lived = Lived(http, tmp_path, sessions=sessions, limit_bytes=8 * MB, forward=pace)
    lived.judge()
    lived.judge_what_gave_way()


def test_what_does_not_fit_gives_way_and_is_told(http: Cloud, tmp_path: Path) -> None:
    """Red where the newest of a spot may go too, and where a gap counts itself."""
    pace = {**FORWARD, "drain_per_s": 300.0}
    lived = Lived(http, tmp_path, **SMALL, limit_bytes=300_000, forward=pace)
    lived.judge()
    lived.judge_what_gave_way()
