"""The kept state beside a store that an agent has open, and one that nobody has."""

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from agent.config import SpoolSettings
from agent.detector import RangingSettings
from agent.store import AgentStore
from agent.tools.holder import command_of, holder_of
from agent.tools.kept import StoreRefused, keep, kept_state

RANGING = RangingSettings()
HOLDS = """
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from agent.store import AgentStore
store = AgentStore(Path(sys.argv[1]), 64_000_000)
print("open", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def spool(tmp_path: Path) -> SpoolSettings:
    return SpoolSettings(path=tmp_path / "agent.db")


@pytest.fixture
def other(spool: SpoolSettings) -> Iterator["subprocess.Popen[str]"]:
    """Another process that has the store open, as an agent has."""
    command = [sys.executable, "-c", HOLDS, str(spool.path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "open\n"
        yield process
        assert process.stdin
        process.stdin.close()


def test_nobody_holds_a_store_that_is_not_there(spool: SpoolSettings) -> None:
    assert holder_of(spool.path) is None


def test_nobody_holds_a_store_that_was_closed(spool: SpoolSettings) -> None:
    AgentStore(spool.path, spool.limit_bytes).close()
    assert holder_of(spool.path) is None


def test_a_running_agent_is_named(spool: SpoolSettings, other: "subprocess.Popen[str]") -> None:
    holder = holder_of(spool.path)
    assert holder is not None
    assert holder.pid == other.pid
    assert str(spool.path) in holder.command
    assert f"pid {other.pid}" in str(holder)


def test_asking_does_not_loosen_the_holders_lock(
    spool: SpoolSettings, other: "subprocess.Popen[str]"
) -> None:
    assert holder_of(spool.path) == holder_of(spool.path)


def test_a_process_that_has_ended_has_no_command(tmp_path: Path) -> None:
    assert command_of(1, proc=tmp_path) == "?"


def test_what_is_kept_is_read_beside_a_running_agent(
    spool: SpoolSettings, other: "subprocess.Popen[str]"
) -> None:
    assert kept_state(spool.path, "A1") is None


def test_what_was_learnt_is_kept_and_the_rest_stands(spool: SpoolSettings) -> None:
    store = AgentStore(spool.path, spool.limit_bytes)
    store.keep_detector("A1", json.dumps({"status": "occupied", "settled": "occupied"}))
    store.close()
    keep(spool, "A1", RANGING, {"floor_mm": 2480.0})
    kept = kept_state(spool.path, "A1")
    assert kept is not None
    assert (kept["floor_mm"], kept["status"]) == (2480.0, "occupied")


def test_the_first_thing_ever_kept_makes_the_store(spool: SpoolSettings) -> None:
    keep(spool, "A1", RANGING, {"floor_mm": 2480.0})
    kept = kept_state(spool.path, "A1")
    assert kept is not None
    assert kept["floor_mm"] == 2480.0
    assert kept_state(spool.path, "A2") is None


def test_a_damaged_state_is_begun_anew(spool: SpoolSettings) -> None:
    store = AgentStore(spool.path, spool.limit_bytes)
    store.keep_detector("A1", '{"floor_mm": "high"')
    store.close()
    assert kept_state(spool.path, "A1") is None
    keep(spool, "A1", RANGING, {"floor_mm": 2480.0})
    assert kept_state(spool.path, "A1")


def test_a_store_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "agent.db"
    path.write_text("no database, but long enough to be read as one " * 20)
    with pytest.raises(StoreRefused, match="not a database"):
        kept_state(path, "A1")


@pytest.mark.skipif(os.geteuid() != 0, reason="inherent: another user's view needs root")
def test_who_may_not_read_the_store_is_told_whose_it_is() -> None:
    with TemporaryDirectory() as folder:  # tmp_path lies in a folder that nobody may enter
        Path(folder).chmod(0o755)
        path = Path(folder) / "agent.db"
        AgentStore(path, 64_000_000).close()
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
        try:
            with pytest.raises(PermissionError):
                holder_of(path)
            with pytest.raises(StoreRefused, match="sudo -u root lotkeeper agent"):
                kept_state(path, "A1")
        finally:
            os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="inherent: only root makes files in others' folders")
def test_root_makes_no_store_in_the_services_folder(spool: SpoolSettings) -> None:
    os.chown(spool.path.parent, 65534, 65534)
    with pytest.raises(StoreRefused, match="sudo -u nobody lotkeeper agent"):
        keep(spool, "A1", RANGING, {"floor_mm": 2480.0})
    assert not spool.path.exists()
