"""JSON lines in a directory, exactly once across a crash.

Each line is the cloud record with its place in the gateway's spool, `store_seq`, as the last
field. On open the torn end that a crash left is cut away and the last place is read back from
the lines; records up to it are accepted without being written again. The place counts within
one spool, named by the record's `store_id`: where the spool was replaced, it starts anew, and
records without `store_id` are always written. Snapshots (`store_seq` -1) are always written.

Files are named `00000001-2024-03-20.jsonl`, by a growing number and the UTC day they were
begun, with mode 0600 in a directory of mode 0700.
"""

import errno
import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from gateway.sinks import ACCEPTED, Answer, Outgoing, SinkError, Verdict, check_batch

_NAME = re.compile(r"(\d{8})-\d{4}-\d\d-\d\d\.jsonl")
_HINTS = {
    errno.ENOSPC: "free space on this file system, or set a smaller `keep`",
    errno.EDQUOT: "raise the quota of the gateway's user, or set a smaller `keep`",
    errno.EFBIG: "set a smaller `max_bytes`: the file reached the limit of its system or service",
    errno.EIO: "the disk reports errors: look at the kernel log and replace it",
    errno.EROFS: "the file system is read-only: look at the kernel log, check and remount it",
    errno.EACCES: "give the directory to the gateway's user",
}


class Config(BaseModel):
    """`max_bytes` begins a new file at that size; `daily` at midnight UTC; `keep` 0 keeps all."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["file"] = "file"
    path: Path
    max_bytes: int = Field(default=64 * 1024 * 1024, ge=4096)
    daily: bool = True
    keep: int = Field(default=0, ge=0)


class _Place(NamedTuple):
    """The last record written: its spool and its sequence there."""

    store_id: str | None = None
    seq: int = -1


def _utc_today() -> date:
    return datetime.now(UTC).date()


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _place(fields: dict[str, Any], seq: int) -> _Place:
    store_id = fields.get("store_id")
    return _Place(store_id if isinstance(store_id, str) else None, seq)


def _line(payload: bytes, seq: int, *, empty: bool) -> bytes:
    """`payload` with `store_seq` spliced in, on one line: a raw newline in JSON is white space."""
    head = payload.strip()[:-1].replace(b"\n", b" ").replace(b"\r", b" ")
    return b'%s%s"store_seq":%d}\n' % (head, b"" if empty else b",", seq)


def _lines_back(data: bytes | mmap, end: int) -> Iterator[tuple[int, bytes]]:
    """The lines that end before `end`, the newest first, each with its start."""
    while end:
        start = data.rfind(b"\n", 0, end - 1) + 1
        yield start, data[start:end]
        end = start


def _whole_length(data: bytes | mmap) -> int:
    """How much of `data` is whole lines of JSON.

    A crash tears the last line; a power cut may leave blocks of NUL where data never arrived,
    within the last batch at most, for every batch before it was synced.
    """
    nul = data.find(b"\0", max(0, len(data) - 2 * Sink.max_bytes))
    end = data.rfind(b"\n", 0, nul if nul >= 0 else len(data)) + 1
    for start, line in _lines_back(data, end):
        if _object(line) is not None:
            break
        end = start
    return end


def _last_place(data: bytes | mmap) -> _Place | None:
    """The last record that came from the spool; None where there are snapshots alone."""
    for _, line in _lines_back(data, len(data)):
        fields = _object(line)
        if fields and isinstance(seq := fields.get("store_seq"), int) and seq >= 0:
            return _place(fields, seq)
    return None


@contextmanager
def _mapped(path: Path) -> Iterator[bytes | mmap]:
    """The file's bytes, of which only those looked at come into memory."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:  # which mmap refuses
            yield b""
            return
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            yield data


class Sink:
    """Writes and syncs each batch before it answers; raises `SinkError` where it cannot."""

    partial = False
    max_records = 1000
    max_bytes = 1024 * 1024

    def __init__(self, config: Config, today: Callable[[], date] = _utc_today) -> None:
        self._config = config
        self._today = today
        self._directory: int | None = None
        self._file: int | None = None
        self._path = Path()
        self._length = 0
        self._last = _Place()

    def open(self) -> None:
        """Mend what a crash left and find the last record written. Raises `SinkError`."""
        self.close()
        try:
            self._lock()
            self._recover()
        except OSError as error:
            self.close()
            raise self._failure(error) from error

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """Write what is new, sync once. Raises `SinkError`; then no line of `batch` remains."""
        check_batch(self, batch)
        if self._directory is None:
            self.open()
        answers, lines, last = self._encode(batch)
        if lines:
            try:
                self._write(b"".join(lines))
            except OSError as error:
                self._undo()
                raise self._failure(error) from error
        self._last = last
        return answers

    def close(self) -> None:
        for descriptor in (self._file, self._directory):
            if descriptor is not None:
                os.close(descriptor)
        self._file = self._directory = None

    def _lock(self) -> None:
        path = self._config.path
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
        self._directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise SinkError(
                f"another process writes to {path}", hint="give each file sink its own `path`"
            ) from error

    def _recover(self) -> None:
        paths = self._paths()
        if not paths:
            return
        with _mapped(paths[-1]) as data:
            whole = _whole_length(data)
        if paths[-1] == self._path:  # whole lines of a batch that failed may stand behind it
            whole = min(whole, self._length)
        self._use(paths[-1])
        self._cut(whole)
        self._last = self._find_last(paths)

    def _find_last(self, paths: Sequence[Path]) -> _Place:
        for path in reversed(paths):
            with _mapped(path) as data:
                if place := _last_place(data):
                    return place
        return _Place()

    def _paths(self) -> list[Path]:
        return sorted(p for p in self._config.path.iterdir() if _NAME.fullmatch(p.name))

    def _use(self, path: Path) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        self._path, self._length = path, os.fstat(self._file).st_size

    def _cut(self, length: int) -> None:
        """Also syncs: lines of a killed process may be in the file and not on the disk."""
        assert self._file is not None
        os.ftruncate(self._file, length)
        os.fsync(self._file)
        self._length = length

    def _encode(self, batch: Sequence[Outgoing]) -> tuple[list[Answer], list[bytes], _Place]:
        answers, lines, last = [], [], self._last
        for record in batch:
            fields = _object(record.payload)
            if fields is None:
                answers.append(Answer(Verdict.REJECTED, "the payload is not a JSON object"))
                continue
            answers.append(ACCEPTED)
            place = _place(fields, record.seq)
            if record.seq >= 0:
                if place.store_id and place.store_id == last.store_id and place.seq <= last.seq:
                    continue
                last = place
            lines.append(_line(record.payload, record.seq, empty=not fields))
        return answers, lines, last

    def _write(self, data: bytes) -> None:
        begun = self._begin_file_if_due(len(data))
        assert self._file is not None
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._file, rest) :]
        os.fsync(self._file)
        self._length += len(data)
        if begun:
            self._prune()

    def _begin_file_if_due(self, size: int) -> bool:
        if self._file is not None and not self._is_due(size):
            return False
        number = int(_NAME.fullmatch(self._path.name)[1]) if self._path.name else 0  # type: ignore[index]
        self._use(self._config.path / f"{number + 1:08d}-{self._today():%Y-%m-%d}.jsonl")
        assert self._directory is not None
        os.fsync(self._directory)
        return True

    def _is_due(self, size: int) -> bool:
        if self._length and self._length + size > self._config.max_bytes:
            return True
        return self._config.daily and self._path.stem[9:] != self._today().isoformat()

    def _prune(self) -> None:
        if self._config.keep:
            for path in self._paths()[: -self._config.keep]:
                path.unlink()

    def _undo(self) -> None:
        """Cut the batch that failed. Where even that fails, close: the next open mends the end."""
        try:
            if self._file is not None:
                self._cut(self._length)
        except OSError:
            self.close()

    def _failure(self, error: OSError) -> SinkError:
        return SinkError(
            f"cannot write to {self._config.path}: {error.strerror}",
            hint=_HINTS.get(error.errno or 0, "`path` must be a directory that can be written"),
        )
