"""A disk that is full, or may only be read: told, drained all the same, and well by itself again.

The child has a mount namespace and a small tmpfs of its own.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

REPO = Path(__file__).parents[2]
SIZE = "16m"
LIMIT = 10**8
SPOTS = 8


def alone(folder: Path, *script: str) -> list[str]:
    """`script`, in a shell that alone sees a small tmpfs at `folder`."""
    namespace = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
    mount = f"mount -t tmpfs -o size={SIZE} none {folder}"
    return [*namespace, "sh", "-ec", "\n".join((mount, *script))]


@cache
def may_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run(alone(Path("/mnt")), capture_output=True).returncode == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    if not may_mount():
        pytest.skip("inherent: no mount namespace for this user")
    return tmp_path


def run(folder: Path, *script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        alone(folder, *script), cwd=REPO, capture_output=True, text=True, timeout=50
    )


def steps(folder: Path, arguments: Sequence[str]) -> tuple[dict[str, dict[str, Any]], str]:
    """What came of each step on a disk that is filled and emptied, and what was logged."""
    module = f"{sys.executable} -m proof.storage.cramped {' '.join(arguments)} {folder}"
    done = run(folder, module)
    assert done.returncode == 0, done.stderr
    return {each["step"]: each for each in map(json.loads, done.stdout.splitlines())}, done.stderr


@pytest.mark.parametrize("load", ["agent", "gateway"])
def test_a_full_disk_is_told_and_drained_and_forgotten(load: str, folder: Path) -> None:
    found, logged = steps(folder, [load])
    assert {step: each["error"] for step, each in found.items()} == dict.fromkeys(found, "")
    assert all(each["balanced"] for each in found.values())
    for name in ("full", "full again", "started on a full disk"):
        full = found[name]
        assert full["cramped"], name
        assert full["limit"] < LIMIT / 100, "what health is judged by"
        assert full["dropped"] > 3000, "counted, never silent"
        assert full["newest"] == SPOTS, "each spot's last word is kept"
    assert found["full again"]["last_seq"] == found["full"]["last_seq"] + 4000
    assert found["drained"]["waiting"] == 0
    for name in ("roomy", "room again", "room once more"):
        assert (found[name]["cramped"], found[name]["limit"]) == (False, LIMIT), name
    assert logged.count("the disk is full") == 2
    assert logged.count("there is room on the disk again") == 2


def test_without_a_reserve_it_is_wedged(folder: Path) -> None:
    found, _ = steps(folder, ["agent", "--no-reserve"])
    for name in ("full", "full again"):  # a position fits into what is left of a block
        assert found[name]["error"] == "database or disk is full", name


OPEN = """
import sqlite3, sys
from pathlib import Path
from agent.app import StoreUnavailable, _opened
from agent.config import SpoolSettings
from spool import Entry

class Settings:
    spool = SpoolSettings(path=Path(sys.argv[1]) / "agent.db")

try:
    store = _opened(Settings)
    seq = store.append("A1", [Entry("A1", b"{}")], "{}")[-1]
    store.close()
    print("committed", seq)
except StoreUnavailable as error:
    print("told", error)
"""


def test_a_disk_that_may_only_be_read_is_told_and_well_again_by_itself(folder: Path) -> None:
    """The agent's start says which file and why; with the disk writable, all is there."""
    program = folder.parent / "open.py"
    program.write_text(OPEN)
    start = f"PYTHONPATH={REPO} {sys.executable} {program} {folder}"
    done = run(
        folder,
        start,
        f"mount -o remount,ro none {folder}",
        start,
        start,
        f"mount -o remount,rw none {folder}",
        start,
    )
    assert done.returncode == 0, done.stderr
    first, told, told_again, last = done.stdout.splitlines()
    assert (first, last) == ("committed 1", "committed 2")
    assert told.startswith("told ")
    assert str(folder / "agent.db") in told
    assert "read-only" in told.lower() or "readonly" in told.lower()
    assert told_again == told
