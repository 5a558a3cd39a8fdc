"""Killed at any system call, and failed by any: what was told is there, and no ack follows EIO."""

import os
import re
import signal
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest

from proof.storage import trace
from proof.storage.loads import recovered

pytestmark = pytest.mark.skipif(
    trace.strace() is None, reason="needs strace: apt-get install strace"
)

LOADS = ["agent", "gateway"]
CALLS = ["pwrite64", "write", "fsync", "fdatasync", "ftruncate", "unlink", "fallocate"]
SMALL = ["--rounds", "4"]


def run(
    program: list[str], folder: Path, inject: str | None = None
) -> subprocess.CompletedProcess[str]:
    home = folder / "home"
    home.mkdir(parents=True)
    module, load, *rest = program
    return trace.run(folder / "log", [f"proof.storage.{module}", load, str(home), *rest], inject)


@cache
def reference(load: str, folder: Path) -> tuple[list[str], Counter[str]]:
    """What a load tells when it is left alone, and how often it makes each system call."""
    done = run(["loads", load, *SMALL], folder)
    assert done.returncode == 0, done.stderr
    calls = re.findall(r"^\d+ +(\w+)\(", (folder / "log").read_text(), re.MULTILINE)
    return done.stdout.split(), Counter(calls)


def points(load: str, folder: Path) -> list[tuple[str, int]]:
    """Every call that writes, syncs, truncates or unlinks, and which of its kind it is."""
    counts = reference(load, folder)[1]
    return [(call, number) for call in CALLS for number in range(1, counts[call] + 1)]


def end_of_a_kill(load: str, folder: Path, told: list[str], call: str, number: int) -> str:
    """Kill the load at a call; what is wrong with what the store then holds, or nothing."""
    here = folder / f"{call}-{number}"
    done = run(["loads", load, *SMALL], here, f"{call}:signal=SIGKILL:when={number}")
    if done.returncode not in (-signal.SIGKILL, 128 + signal.SIGKILL):
        return f"{call} {number}: not killed: exit {done.returncode}"
    lines = done.stdout.count("\n")
    assert done.stdout.split()[:lines] == told[:lines], "the load is not the same each time"
    found = recovered(load, here / "home")
    if found is None:
        return f"{call} {number}: set aside as damaged"
    kept = lines == 0 or found[0] in told[lines - 1 : lines + 1]
    return "" if kept else f"{call} {number}: lost one of {lines} commits"


def kill_at(load: str, folder: Path, chosen: list[tuple[str, int]]) -> list[str]:
    told, _ = reference(load, folder / "reference")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        ends = pool.map(lambda point: end_of_a_kill(load, folder, told, *point), chosen)
        return [end for end in ends if end]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.mark.parametrize("load", LOADS)
def test_killed_at_some_calls_nothing_is_lost(load: str, folder: Path) -> None:
    """Red where the load tells a commit before it is made."""
    every = points(load, folder / "reference")
    counts = Counter(call for call, _ in every)
    chosen = [(call, (count + 1) // 2) for call, count in counts.items()]
    assert {"pwrite64", "fdatasync", "ftruncate", "unlink"} <= counts.keys()
    assert kill_at(load, folder, chosen) == []


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("load", LOADS)
def test_killed_at_every_call_nothing_is_lost(load: str, folder: Path) -> None:
    every = points(load, folder / "reference")
    print(f"{load}: {len(every)} points: {dict(reference(load, folder / 'reference')[1])}")
    assert len(every) > 200
    assert kill_at(load, folder, every) == []


def tries(load: str, folder: Path, inject: str) -> list[str]:
    """What a writer that goes on after errors told of each try."""
    done = run(["stubborn", load], folder, inject)
    assert done.returncode == 0 or "Error" in done.stderr.splitlines()[-1], done.stderr
    return done.stdout.splitlines()


def seqs(told: list[str]) -> list[int]:
    return [int(each.split()[1]) for each in told if each.startswith("committed")]


def of_the_load(calls: Counter[str], call: str) -> range:
    return range(1, calls[call] + 1)


def fail_at(load: str, folder: Path, error: str, call: str, number: int) -> str:
    """Fail one call of a writer that goes on; what it told that it should not have, or nothing."""
    here = folder / f"{call}-{number}-{error}"
    told = tries(load, here, f"{call}:error={error}:when={number}")
    failed = [each.startswith("failed") for each in told]
    if error == "EIO" and True in failed and not all(failed[failed.index(True) :]):
        return f"{call} {number}: committed after EIO: {told}"
    found = recovered(load, here / "home")
    last = max(seqs(told), default=0)
    if found is None or found[1] < last:
        return f"{call} {number}: {last} was told, the store has {found}"
    return ""


def writer_calls(load: str, folder: Path) -> Counter[str]:
    done = run(["stubborn", load], folder)
    assert seqs(done.stdout.splitlines()) == list(range(1, 41))
    calls = re.findall(r"^\d+ +(\w+)\(", (folder / "log").read_text(), re.MULTILINE)
    return Counter(calls)


@pytest.mark.parametrize("load", LOADS)
def test_no_commit_is_told_behind_a_sync_that_failed(load: str, folder: Path) -> None:
    """Red without `Connection.failed`: the next commit falsely succeeds."""
    calls = writer_calls(load, folder / "alone")
    middle = calls["fdatasync"] // 2
    told = [
        tries(load, folder / str(number), f"fdatasync:error=EIO:when={number}")
        for number in range(middle, middle + 3)
    ]
    failed = [each for each in told if any(line.startswith("failed") for line in each)]
    assert failed, told
    for each in failed:
        first = next(n for n, line in enumerate(each) if line.startswith("failed"))
        assert 0 < first < 39
        assert all(line.startswith("failed") for line in each[first:])


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EROFS"])
@pytest.mark.parametrize("load", LOADS)
def test_any_write_or_sync_may_fail(load: str, error: str, folder: Path) -> None:
    calls = writer_calls(load, folder / "alone")
    chosen = [(call, n) for call in ("pwrite64", "fdatasync") for n in of_the_load(calls, call)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = list(pool.map(lambda point: fail_at(load, folder, error, *point), chosen))
    print(f"{load}: {error} at {len(chosen)} calls")
    assert [each for each in wrong if each] == []


def test_a_full_disk_for_a_moment_costs_no_restart(folder: Path) -> None:
    """The writer goes on by itself: ENOSPC is no reason to distrust what the disk holds."""
    calls = writer_calls("agent", folder / "alone")
    told = tries("agent", folder / "full", f"pwrite64:error=ENOSPC:when={calls['pwrite64'] // 2}")
    assert [each.split()[0] for each in told].count("failed") <= 1
    assert seqs(told)[-1] >= 39
