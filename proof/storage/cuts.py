"""Every state that a power cut may leave: a disk that has what was synced, and of the rest any.

Behind its last sync a file has any part of what was written to it, in any order, and of each
512-byte sector the old, the new or rubbish; a truncation happened or not; a name that was made,
moved or removed since its folder's last sync is there or not. That is less than a file system
promises (ext4 keeps the order of names and data), and all that a raw card may do.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from proof.storage.trace import Event

SECTOR = 512

State = dict[str, bytes]
"""The files of the folder, by name."""


@dataclass(slots=True)
class _File:
    synced: bytes = b""
    pending: list[Event] = field(default_factory=list)


_Choice = Callable[[_File], list[Event]]
"""Which of a file's pending writes reached the disk."""


@dataclass(slots=True)
class Disk:
    """A folder on a disk. One that `lies` says that it has synced, and has not."""

    lies: bool = False
    names: dict[str, _File] = field(default_factory=dict)
    kept: dict[str, _File] = field(default_factory=dict)

    def do(self, event: Event) -> None:
        """What the operating system was told to do."""
        match event.kind:
            case "create":
                self.names[event.path] = _File()
            case "write" | "truncate":
                self.names[event.path].pending.append(event)
            case "sync":
                self._sync(event.path)
            case "unlink":
                del self.names[event.path]
            case "rename":
                self.names[event.to] = self.names.pop(event.path)

    def _sync(self, path: str) -> None:
        file = self.names.get(path)
        if file is None:
            self.kept = dict(self.names)
        elif not self.lies:
            file.synced = _after(file.synced, file.pending)
            file.pending = []

    def in_doubt(self) -> int:
        """How many writes a power cut now may undo."""
        return sum(len(file.pending) for file in self.names.values())

    def states(self, rng: Random, draws: int) -> Iterator[State]:
        """The two ends, each pending write missing alone or there alone, and `draws` random ones.

        Names are drawn anew for each.
        """
        yield self._state(rng, lambda file: [])
        yield self._state(rng, lambda file: file.pending)
        for doubtful in range(self.in_doubt()):
            yield self._state(rng, _Pick(doubtful, alone=True))
            yield self._state(rng, _Pick(doubtful, alone=False))
        for _ in range(draws):
            yield self._state(rng, lambda file: _some(rng, file), rng)

    def _state(self, rng: Random, pick: _Choice, tear: Random | None = None) -> State:
        names = dict(self.names)
        for path in sorted(self.names.keys() | self.kept.keys()):
            chosen = rng.choice([self.names.get(path), self.kept.get(path)])
            if chosen is None:
                names.pop(path, None)
            else:
                names[path] = chosen
        return {Path(p).name: _after(f.synced, pick(f), tear) for p, f in names.items()}


class _Pick:
    """The pending writes of all files, numbered: the one of that number alone, or all but it."""

    def __init__(self, number: int, *, alone: bool) -> None:
        self.left = number
        self.alone = alone

    def __call__(self, file: _File) -> list[Event]:
        number, self.left = self.left, self.left - len(file.pending)
        return [each for n, each in enumerate(file.pending) if (n == number) == self.alone]


def _some(rng: Random, file: _File) -> list[Event]:
    """A part of what is pending, in any order: what is written twice may end as the first."""
    share = rng.random()
    chosen = [each for each in file.pending if rng.random() < share]
    if rng.random() < 0.5:
        rng.shuffle(chosen)
    return chosen


def _after(content: bytes, done: Sequence[Event], tear: Random | None = None) -> bytes:
    data = bytearray(content)
    for event in done:
        if event.kind == "truncate":
            del data[event.offset :]
            data.extend(bytes(event.offset - len(data)))
        else:
            _write(data, event, tear)
    return bytes(data)


def _write(data: bytearray, event: Event, tear: Random | None) -> None:
    end = event.offset + len(event.data)
    data.extend(bytes(max(end - len(data), 0)))
    if tear is None or tear.random() < 0.5:
        data[event.offset : end] = event.data
        return
    for start in range(event.offset - event.offset % SECTOR, end, SECTOR):
        low, high = max(start, event.offset), min(start + SECTOR, end)
        new = event.data[low - event.offset : high - event.offset]
        fate = tear.random()
        if fate < 0.6:
            data[low:high] = new
        elif fate < 0.7:
            data[low:high] = tear.randbytes(high - low)


def put(state: State, folder: Path) -> None:
    """Make `folder` hold `state` and nothing else."""
    for left in os.scandir(folder):
        os.unlink(left.path)
    for name, content in state.items():
        (folder / name).write_bytes(content)
