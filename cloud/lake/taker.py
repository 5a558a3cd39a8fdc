"""Takes records into the lake: many in an object, an object an hour and partition of the stream."""

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from cloud.lake.schema import SCHEMA, partition, row
from cloud.lake.store import Store
from cloud.present import Delivered
from cloud.record import BadRecord, CloudRecord, decode
from contract.upstream import rfc3339

EVENTS = "parking-data"
LINES = "raw/realtime"
LETTERS = "dead-letters"


@dataclass(frozen=True, slots=True)
class Limits:
    """When what waits is written: behind `wait`, or with `max_bytes` of payload."""

    wait: timedelta = timedelta(seconds=300)
    max_bytes: int = 32 * 1024 * 1024


@dataclass(slots=True)
class _Waiting:
    """Of one partition of the stream."""

    first: str
    count: int = 0
    records: list[tuple[CloudRecord, datetime]] = field(default_factory=list)
    letters: list[dict[str, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The same for the same records alone: a consumer that stalled and was taken over for
        writes late, and must not write fewer over more.
        """
        return f"{self.first}-{self.count}"


class LakeTaker:
    """A `Taker`. `lines`: write JSON lines beside the Parquet objects."""

    def __init__(
        self,
        store: Store,
        limits: Limits,
        *,
        lines: bool = False,
        default_lot: str | None = None,
    ) -> None:
        self._store = store
        self._limits = limits
        self._lines = lines
        self._default_lot = default_lot
        self._waiting: dict[str, _Waiting] = {}
        self._bytes = 0
        self._since: datetime | None = None
        self.objects = 0

    def take(self, batch: Sequence[Delivered], now: datetime) -> bool:
        """See `Taker`."""
        for each in batch:
            self._add(each, now)
        if batch and self._since is None:
            self._since = now
        if self._since is None:
            return True
        if self._bytes >= self._limits.max_bytes or now - self._since >= self._limits.wait:
            self.flush(now)
            return True
        return False

    def flush(self, now: datetime) -> None:
        """See `Taker`. Raises OSError; what waits goes on waiting then."""
        for waiting in self._waiting.values():
            self._write(waiting)
        self.forget()

    def forget(self) -> None:
        """See `Taker`."""
        self._waiting.clear()
        self._bytes, self._since = 0, None

    def _add(self, each: Delivered, now: datetime) -> None:
        stream = each.source.rpartition("/")[0]
        waiting = self._waiting.setdefault(stream, _Waiting(each.source.replace("/", "-")))
        waiting.count += 1
        self._bytes += len(each.payload)
        try:
            record = decode(each.payload, self._default_lot)
        except BadRecord as error:
            waiting.letters.append(_letter(each, str(error)))
        else:
            waiting.records.append((record, now))

    def _write(self, waiting: _Waiting) -> None:
        hours: dict[str, list[dict[str, Any]]] = {}
        for record, taken_at in waiting.records:
            if found := row(record, taken_at):
                hours.setdefault(partition(record.timestamp), []).append(found)
        for hour, rows in hours.items():
            table = pa.Table.from_pylist(rows, schema=SCHEMA)
            self._store.put_table(f"{EVENTS}/{hour}/{waiting.name}.parquet", table)
            if self._lines:
                self._store.put(f"{LINES}/{hour}/{waiting.name}.json.gz", lines(rows))
            self.objects += 1
        if waiting.letters:
            data = "".join(json.dumps(letter) + "\n" for letter in waiting.letters)
            self._store.put(f"{LETTERS}/{waiting.name}.jsonl", data.encode())


def lines(rows: Iterable[dict[str, Any]]) -> bytes:
    """JSON lines, packed: readable by tables that hold `spot_id, status, timestamp` alone."""
    said = (
        {key: rfc3339(v) if isinstance(v, datetime) else v for key, v in row.items()}
        for row in rows
    )
    text = "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in said)
    return gzip.compress(text.encode(), mtime=0)


def _letter(each: Delivered, reason: str) -> dict[str, str]:
    payload = each.payload.decode(errors="backslashreplace")
    return {"source": each.source, "reason": reason, "payload": payload}
