"""The lot's past in one SQLite file beside the gateway: `gateway.history`.

Each change of a spot is kept once, by (agent, epoch, seq), however often it comes; a late one
mends the sums. Snapshots tell what their events tell, and are taken without being kept, as is
every record that says nothing of spots.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.history.book import Book
from gateway.history.forgetting import forget
from gateway.history.records import BadRecord, Change, Mark, record_of
from gateway.history.schema import MIGRATIONS
from gateway.sinks import ACCEPTED, Answer, Outgoing, SinkError, Verdict, check_batch
from spool import Transaction, open_database

LOOK_S = 60.0
"""So often what is too old or too much is looked for, until it is all gone."""


class Config(BaseModel):
    """`days` 0 keeps all; beyond `max_bytes` the oldest day goes, whatever `days` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["history"] = "history"
    path: Path = Path("/var/lib/lotkeeper/history.db")
    days: int = Field(default=400, ge=0)
    max_bytes: int = Field(default=2_000_000_000, ge=1_000_000)


class Sink:
    """Commits each batch before it answers; raises `SinkError` where it cannot."""

    partial = False
    max_records = 1000
    max_bytes = 1024 * 1024

    def __init__(self, config: Config, now_s: Callable[[], float] = time.time) -> None:
        self._config = config
        self._now_s = now_s
        self._lock = threading.RLock()
        self._book: Book | None = None
        self._looked_s = 0.0

    def open(self) -> None:
        """Open or make the file; a damaged one is set aside. Raises `SinkError`."""
        self.close()
        try:
            self._db, _ = open_database(self._config.path, MIGRATIONS)
            self._book = Book(self._db)
        except (OSError, sqlite3.Error, RuntimeError) as error:
            raise self._failure(error) from error

    def send(self, batch: Sequence[Outgoing]) -> list[Answer]:
        """Take what is new, in one transaction. Raises `SinkError`; then nothing of it is taken."""
        check_batch(self, batch)
        if self._book is None:
            self.open()
        answers: list[Answer] = []
        records: list[Change | Mark] = []
        for each in batch:
            try:
                record = None if each.seq < 0 else record_of(each.payload)
            except BadRecord as error:
                answers.append(Answer(Verdict.REJECTED, str(error)))
                continue
            answers.append(ACCEPTED)
            if record is not None:
                records.append(record)
        if records:
            self._take(records)
        return answers

    def close(self) -> None:
        if self._book is not None:
            self._book = None
            self._db.close()

    def _take(self, records: Sequence[Change | Mark]) -> None:
        assert self._book is not None
        try:
            with Transaction(self._db, self._lock):
                self._book.take(records)
                self._forget(self._book)
        except sqlite3.Error as error:
            self.close()  # with what the book has in memory; the next call opens it again
            raise self._failure(error) from error

    def _forget(self, book: Book) -> None:
        now_s = self._now_s()
        if abs(now_s - self._looked_s) < LOOK_S:
            return
        config = self._config
        done = self._db.total_changes
        book.cut_ms = forget(self._db, round(now_s * 1000), config.days, config.max_bytes)
        if self._db.total_changes == done:
            self._looked_s = now_s

    def _failure(self, error: Exception) -> SinkError:
        return SinkError(
            f"cannot write {self._config.path}: {error}",
            hint="look at the disk's space and rights, and whether another release wrote the file",
        )
