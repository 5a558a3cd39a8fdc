"""The desired configuration on disk: what is refused, what is rolled back, what a kill leaves."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from agent import trial
from agent.remote import Remote, in_force, kept_path, read
from agent.trial import MOST_STARTS
from contract.commands import NEVER, Configure
from runtime.config import ConfigError

TOML = """
agent_id = "pi-1"
lot_id = "lot-1"
[spool]
path = "{folder}/agent.db"
[publish]
heartbeat_s = 7
[[spots]]
spot_id = "A1"
sensor = {{ kind = "simulated" }}
"""
A2 = {"spots": [{"spot_id": "A2", "sensor": {"kind": "simulated"}}]}


def desired(config: dict[str, Any], revision: str = "1-a") -> Configure:
    return Configure(transaction=revision, revision=revision, config=config)


def spot(**sensor: Any) -> dict[str, Any]:
    return {"spots": [{"spot_id": "A1", "sensor": sensor}]}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "agent.toml"
    path.write_text(TOML.format(folder=tmp_path))
    return path


def test_a_section_takes_the_place_of_the_files_and_the_others_stay(config: Path) -> None:
    settings = Remote(config).check(desired(A2))
    assert [spot.spot_id for spot in settings.spots] == ["A2"]
    assert settings.publish.heartbeat_s == 7


REFUSED = [
    *(({name: {}}, f"{name} is not changed from afar: {why}") for name, why in NEVER.items()),
    ({"sopts": []}, "sopts is not changed from afar: no section of agent.toml; there are spots"),
    ({"spots": []}, "an agent needs at least one"),
    ({"publish": {"heartbeat_s": 0}}, "publish.heartbeat_s = 0: Input should be greater than 0"),
    (spot(kind="crystal-ball"), "unknown sensor kind 'crystal-ball'"),
    (spot(kind="simulated", floor=1), "floor"),
    (spot(kind="replay", path="/etc/hosts", format="distance_mm"), "plays a file of the machine"),
    (spot(kind="a02yyuw", port="/etc/passwd"), "port = '/etc/passwd': only a device below /dev"),
    (spot(kind="a02yyuw", port="/dev/../etc/passwd"), "only a device below /dev"),
    (spot(kind="a02yyuw", port="socket://elsewhere:1"), "only a device below /dev"),
    (
        {
            "spots": [
                {"spot_id": "A1", "sensor": {"kind": "a02yyuw", "port": "/dev/ttyX"}},
                {"spot_id": "A2", "sensor": {"kind": "tfmini", "port": "/dev/ttyX"}},
            ]
        },
        "/dev/ttyX is used twice: by A1 (a02yyuw) and A2 (tfmini)",
    ),
]


@pytest.mark.parametrize(("sections", "told"), REFUSED)
def test_what_is_refused_is_named(config: Path, sections: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Remote(config).check(desired(sections))
    assert told in str(caught.value)
    assert str(caught.value).startswith("revision 1-a: ")


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers()
    | st.text(max_size=4)
    | st.sampled_from(["A1", "simulated", "hcsr04", "vl53l1x", "a02yyuw", "magnetic", 10**400]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["spot_id", "sensor", "kind", "detector", "bus", "port", "trigger", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Remote:
    folder = tmp_path_factory.mktemp("fuzzed")
    (folder / "agent.toml").write_text(TOML.format(folder=folder))
    return Remote(folder / "agent.toml")


@examples(max_examples=500, deadline=None)
@given(config=st.dictionaries(st.sampled_from(["spots", "lanes", "publish", "mqtt"]), VALUES))
def test_whatever_comes_is_taken_or_refused(remote: Remote, config: dict[str, Any]) -> None:
    with contextlib.suppress(ConfigError):
        assert remote.check(desired(config)).agent_id == "pi-1"


def test_a_driver_that_fails_in_its_own_way_is_a_refusal(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise ZeroDivisionError("by its baud rate")

    monkeypatch.setattr("agent.remote._clashes", fails)
    with pytest.raises(ConfigError, match="1-a cannot be used: ZeroDivisionError"):
        remote.check(desired(A2))


def test_a_trial_is_counted_before_it_is_used_and_ends(config: Path, tmp_path: Path) -> None:
    path = kept_path(tmp_path / "agent.db")
    Remote(config).stage(desired(A2), ())
    for start in range(1, MOST_STARTS + 1):
        remote = Remote(config)
        assert [spot.spot_id for spot in remote.settings.spots] == ["A2"]
        assert read(path).starts == start
    remote = Remote(config)
    assert [spot.spot_id for spot in remote.settings.spots] == ["A1"]
    assert remote.report.config_state == "rolled_back"
    assert Remote(config).report == remote.report


def test_a_good_one_stays_over_starts_and_tools_see_it(config: Path) -> None:
    remote = Remote(config)
    remote.stage(desired(A2), ())
    assert remote.confirm("1-a")
    assert Remote(config).report.config_revision == "1-a"
    assert [spot.spot_id for spot in in_force(config).spots] == ["A2"]


def test_a_verdict_on_what_is_no_longer_tried_changes_nothing(config: Path) -> None:
    remote = Remote(config)
    remote.stage(desired(A2), ())
    remote.stage(desired(A2, "2-b"), ())
    assert not remote.confirm("1-a")
    assert not remote.roll_back("1-a", "late")
    assert remote.kept.trial == desired(A2, "2-b")


def test_what_no_longer_fits_the_file_gives_way_to_it(config: Path) -> None:
    remote = Remote(config)
    remote.stage(desired({"publish": {"batch": 5}}), ())
    remote.confirm("1-a")
    kept = remote.kept.model_copy(update={"good": desired({"publish": {"batch": 0}})})
    kept_path(config.parent / "agent.db").write_text(kept.model_dump_json())
    again = Remote(config)
    assert again.settings.publish.batch == 64
    assert again.report.config_state == "rolled_back"
    assert "publish.batch = 0" in again.report.config_error


@pytest.mark.parametrize("rubbish", [b"", b"{", b"[]", b'{"good": 1}', b"\xff\xfe"])
def test_a_damaged_file_leaves_agent_toml(config: Path, tmp_path: Path, rubbish: bytes) -> None:
    kept_path(tmp_path / "agent.db").write_bytes(rubbish)
    assert [spot.spot_id for spot in Remote(config).settings.spots] == ["A1"]


KILLED = """
import os, signal, sys
from pathlib import Path
from agent import durable, remote
from contract.commands import Configure
def killed(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
step, config = sys.argv[1:]
desk = remote.Remote(Path(config))
where, name = {
    "before the file": (remote, "beside"),
    "before the sync": (durable.os, "fsync"),
    "before the rename": (durable.os, "replace"),
    "before the folder's sync": (durable.os, "open"),
    "after": (desk, "confirm"),
}[step]
setattr(where, name, killed)
desk.stage(Configure(transaction="1-a", revision="1-a", config={"publish": {"batch": 5}}), ())
desk.confirm("1-a")
"""


@pytest.mark.parametrize(
    ("step", "staged"),
    [
        ("before the file", False),
        ("before the sync", False),
        ("before the rename", False),
        ("before the folder's sync", True),
        ("after", True),
    ],
)
def test_killed_at_any_step_the_file_is_the_old_one_or_the_new(
    config: Path, step: str, staged: bool
) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, step, str(config)], timeout=30)
    assert done.returncode == -9
    remote = Remote(config)
    assert (remote.kept.trial is not None) == staged
    assert remote.settings.publish.batch == (5 if staged else 64)
    remote.stage(desired(A2, "2-b"), ())  # what lies about is in nobody's way
    assert remote.confirm("2-b")
    assert [path.name for path in config.parent.glob("*.new")] == []


def test_the_file_holds_what_a_person_may_read(config: Path, tmp_path: Path) -> None:
    Remote(config).stage(desired(A2), ("A1",))
    kept = json.loads(kept_path(tmp_path / "agent.db").read_text())
    assert kept["trial"]["config"] == A2
    assert kept["excused"] == ["A1"]


def test_a_disk_that_refuses_changes_nothing(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    remote = Remote(config)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            remote.stage(desired(A2), ())
    assert remote.kept == trial.Kept()
    assert Remote(config).kept == trial.Kept()
