"""What an event costs an SD card: bytes and syncs, for agent and gateway, and the days it lasts.

    python -m bench.wear [--scale S] [--runs N] [--tbw TB] [--events-per-day N] [--folder DIR]

Each row is a process of its own on a filesystem of its own. `bytes` is what it sent to the disk
(/proc/PID/io); `device` is what reached the device, ext4's journal and all, where we may mount an
image (as root); `syncs` are fsync and fdatasync as strace counts them. The named limit of each
row is `bare` of the same run: a plain INSERT in WAL with synchronous=FULL, and a DELETE for 100.
Exit status 1 where the bytes of a row pass its ceiling; those of the device do not count for it,
since ext4 writes its journal by the clock.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.card.life import days_of_life, over_ceiling, syncs_between_marks
from bench.card.work import KINDS

EVENTS = {1: 5_000, 10: 20_000, 100: 60_000}
"""Of a row, by its batch: so many that the log is checkpointed several times within it."""
IMAGE_BYTES = 512 * 2**20
SECTOR = 512
"""What /sys/block/*/stat counts in (kernel documentation, block/stat.rst: field 7)."""


@dataclass(frozen=True, slots=True)
class Wear:
    """Of one event; None where it could not be measured."""

    bytes: float
    device_bytes: float | None
    syncs: float | None


@contextlib.contextmanager
def card(parent: Path | None) -> Iterator[tuple[Path, Path | None]]:
    """A folder on ext4 of its own, and the counters of its device; without root a plain folder."""
    with tempfile.TemporaryDirectory(dir=parent) as name:
        folder = Path(name)
        if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
            yield folder, None
            return
        image, mounted = folder / "image", folder / "card"
        mounted.mkdir()
        with image.open("wb") as file:
            file.truncate(IMAGE_BYTES)
        subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
        subprocess.run(["mount", "-o", "loop", str(image), str(mounted)], check=True)
        try:
            device = os.stat(mounted).st_dev
            yield mounted, Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat")
        finally:
            subprocess.run(["umount", str(mounted)], check=True)


def measure(kind: str, batch: int, events: int, parent: Path | None) -> Wear:
    """One run of one row."""
    with card(parent) as (folder, stat), tempfile.TemporaryDirectory() as name:
        trace = Path(name) / "trace"
        command = [sys.executable, "-m", "bench.card.work", kind, str(batch), str(events)]
        strace = shutil.which("strace")
        if strace:
            calls = ["-f", "--seccomp-bpf", "-e", "trace=fsync,fdatasync", "-o", str(trace)]
            command = [strace, *calls, *command]
        pipe = subprocess.PIPE
        child = subprocess.Popen([*command, str(folder)], stdin=pipe, stdout=pipe, text=True)
        before = _at_mark(child, stat)
        after = _at_mark(child, stat)
        words, _ = child.communicate(timeout=30)
        device = None if before is None or after is None else (after - before) / events
        syncs = syncs_between_marks(trace.read_text()) / events if strace else None
        return Wear(json.loads(words)["written"] / events, device, syncs)


def _at_mark(child: "subprocess.Popen[str]", stat: Path | None) -> int | None:
    """The bytes written to the device so far, when the child has come to its mark."""
    assert child.stdin
    assert child.stdout
    if child.stdout.readline() != "mark\n":
        raise RuntimeError("the measured process ended before its mark: its words are above")
    written = int(stat.read_text().split()[6]) * SECTOR if stat else None
    child.stdin.write("go\n")
    child.stdin.flush()
    return written


def middle(runs: list[float | None]) -> tuple[float, str]:
    """The median, and minimum, median and maximum as text."""
    known = [run for run in runs if run is not None]
    if not known:
        return float("nan"), "-"
    median = statistics.median(known)
    return median, " / ".join(
        f"{v:,.2f}" if v < 10 else f"{v:,.0f}" for v in (min(known), median, max(known))
    )


def main() -> None:
    """Measure by turns and print a table."""
    options = argparse.ArgumentParser(prog="python -m bench.wear")
    options.add_argument("--scale", type=float, default=1.0, help="so many of the events")
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--tbw", type=float, default=16.0, help="the card's endurance, terabytes")
    options.add_argument("--events-per-day", type=float, default=20_000.0, help="of the lot")
    options.add_argument("--folder", type=Path, help="on the disk to measure, not a tmpfs")
    given = options.parse_args()
    print("| batch | store | bytes/event | device bytes/event | to bare | syncs/event | days |")
    print("|---|---|---|---|---|---|---|")
    too_much: list[str] = []
    for batch, events in EVENTS.items():
        runs: dict[str, list[Wear]] = {kind: [] for kind in KINDS}
        for _ in range(given.runs):
            for kind, done in runs.items():
                done.append(measure(kind, batch, int(events * given.scale), given.folder))
        too_much += report(batch, runs, given.tbw, given.events_per_day)
    if too_much:
        sys.exit("\n".join(too_much))


def report(batch: int, runs: dict[str, list[Wear]], tbw: float, events_per_day: float) -> list[str]:
    """A line a store; answers the words on those that pass their ceiling."""
    too_much = []
    for kind, done in runs.items():
        worst = [wear.device_bytes or wear.bytes for wear in done]
        bare = [wear.device_bytes or wear.bytes for wear in runs["bare"]]
        _, ratio = middle([mine / theirs for mine, theirs in zip(worst, bare, strict=True)])
        days = days_of_life(tbw, events_per_day, statistics.median(worst))
        too_much += over_ceiling(kind, batch, statistics.median(wear.bytes for wear in done))
        print(
            f"| {batch} | {kind} | {middle([w.bytes for w in done])[1]} | "
            f"{middle([w.device_bytes for w in done])[1]} | {ratio} | "
            f"{middle([w.syncs for w in done])[1]} | {days:,.0f} |",
            flush=True,
        )
    return too_much


if __name__ == "__main__":
    main()
