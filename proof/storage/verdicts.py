"""What the real store makes of each state that a power cut may leave."""

import hashlib
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Literal

from proof.storage import trace
from proof.storage.cuts import Disk, State, put
from proof.storage.loads import recovered
from proof.storage.trace import Event

RAM = Path("/dev/shm")

Verdict = Literal["kept", "new", "back", "mixed", "set aside", "refused"]
"""All that was told is there | nothing is: a new epoch or store, which is told to all | an older
commit | what never was | told as damaged | not opened."""


class Recording:
    """One run of a load: what it did to its files, and the digest that it told of each commit."""

    def __init__(self, load: str, arguments: Sequence[str] = ()) -> None:
        self.load = load
        with tempfile.TemporaryDirectory(dir=ram()) as folder:
            home = Path(folder, "home")
            home.mkdir()
            log = Path(folder, "log")
            ran = trace.run(log, ["proof.storage.loads", load, str(home), *arguments])
            assert ran.returncode == 0, ran.stderr
            self.told = ran.stdout.split()
            self.events: list[Event] = trace.events(log, home)

    def states(
        self, rng: Random, draws: int, *, share: float = 1.0, lies: bool = False
    ) -> Iterator[tuple[int, State]]:
        """Every different state behind a `share` of the calls, and how many commits were told."""
        disk = Disk(lies)
        told = 0
        seen: set[tuple[int, bytes]] = set()
        for event in self.events:
            if event.kind == "told":
                told += event.data.count(b"\n")
            else:
                disk.do(event)
            if rng.random() >= share:
                continue
            for state in disk.states(rng, draws):
                name = (told, hashlib.sha256(repr(sorted(state.items())).encode()).digest())
                if name not in seen:
                    seen.add(name)
                    yield told, state

    def verdict(self, told: int, state: State, folder: Path) -> Verdict:
        """Open `state` with the real store."""
        put(state, folder)
        try:
            found = recovered(self.load, folder)
        except (sqlite3.Error, RuntimeError, KeyError):
            return "refused"
        if found is None:
            return "set aside"
        digest, last_seq = found
        if told == 0 or digest in self.told[told - 1 : told + 1]:
            return "kept"
        if last_seq == 0:
            return "new"
        return "back" if digest in self.told[:told] else "mixed"

    def verdicts(
        self, seed: int, draws: int, *, share: float = 1.0, lies: bool = False
    ) -> Counter[Verdict]:
        """How often each verdict came."""
        rng = Random(seed)
        found: Counter[Verdict] = Counter()
        with tempfile.TemporaryDirectory(dir=ram()) as folder:
            for told, state in self.states(rng, draws, share=share, lies=lies):
                found[self.verdict(told, state, Path(folder))] += 1
        return found


def ram() -> Path | None:
    """Where thousands of databases are made and read in a minute, if there is such a place."""
    return RAM if RAM.is_dir() else None
