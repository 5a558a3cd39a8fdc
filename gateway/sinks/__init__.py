"""Sinks: one upstream a file. A sink neither buffers nor retries; it answers.

For a batch of records, in order, a sink says which were accepted, which are rejected for good,
which to keep for later and which were refused for one among them. The forwarder owns the cursors,
the retries and the order.

A whole call that fails raises:

    Exception
    └── SinkError                   nothing is known of the batch; `hint` is for the operator
        ├── retryable=True          refused connection, time-out, throttling, credentials, a full
        │                           disk, a missing package: offer the same batch again later,
        │                           not before `retry_after_s` where the upstream named it
        └── retryable=False         the upstream will never take this batch as it stands: offer
                                    its halves, down to single records. Never raised for one
                                    record: that one is answered `REJECTED`

A retryable failure may hide an acceptance (the reply was lost), so a record can arrive twice;
it carries its identity, and readers upsert by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

SNAPSHOT_SEQ = -1
"""The `seq` of a record that is not in the spool."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record on its way upstream.

    `seq` is the gateway spool's sequence, which grows, or `SNAPSHOT_SEQ`; `key` is the
    partition key, "{lot_id}/{spot_id}"; `payload` is the cloud record, a JSON object in UTF-8.
    """

    seq: int
    key: str
    payload: bytes

    @property
    def size(self) -> int:
        """Bytes that count against a batch's `max_bytes`: key and payload."""
        return len(self.key.encode()) + len(self.payload)


class Verdict(StrEnum):
    """What became of one record."""

    ACCEPTED = "accepted"
    KEEP = "keep"
    SPLIT = "split"
    """Refused with others for what one of them is: to be offered again among fewer. Never said of
    one record that went alone: that one is rejected."""
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict on one record, and why where it is not `ACCEPTED`."""

    verdict: Verdict
    reason: str = ""

    @property
    def is_final(self) -> bool:
        """Whether the record need not be offered again."""
        return self.verdict in (Verdict.ACCEPTED, Verdict.REJECTED)


ACCEPTED = Answer(Verdict.ACCEPTED)


class SinkError(Exception):
    """The whole call failed; see the tree above.

    `hint` tells the operator what to look at; `retry_after_s` is what the upstream asked for.
    """

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = True,
        hint: str = "",
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.hint = hint
        self.retry_after_s = retry_after_s


class Sink(Protocol):
    """What the forwarder asks of a sink.

    Must: `max_records` and `max_bytes` (sum of `Outgoing.size`), the limits of a batch, where
    one record alone may exceed `max_bytes` and is then rejected or taken; `partial`, true when
    the upstream can take a later record of a batch and not an earlier one: then a batch holds
    at most one record a key. Where `partial` is false, no record of a key is answered
    `ACCEPTED` after one of that key was answered `KEEP` or `SPLIT`.
    `open` may be called again after a failure; it and `send` raise `SinkError`. `send` answers
    one `Answer` a record, in order, within a bounded time. `close` may be called twice.
    """

    partial: bool
    max_records: int
    max_bytes: int

    def __init__(self, config: Any) -> None: ...
    def open(self) -> None: ...
    def send(self, batch: Sequence[Outgoing]) -> list[Answer]: ...
    def close(self) -> None: ...


def check_batch(sink: Sink, batch: Sequence[Outgoing]) -> None:
    """Raise `ValueError` where a caller breaks the limits that `sink` names."""
    if len(batch) > sink.max_records:
        raise ValueError(f"{len(batch)} records in a batch; this sink takes {sink.max_records}")
    size = sum(record.size for record in batch)
    if len(batch) > 1 and size > sink.max_bytes:
        raise ValueError(f"{size} bytes in a batch; this sink takes {sink.max_bytes}")
    if sink.partial and len({record.key for record in batch}) < len(batch):
        raise ValueError("two records of one key in a batch; this sink may take only the later")


def hold_back(batch: Sequence[Outgoing], answers: Sequence[Answer]) -> list[Answer]:
    """`answers` with every record kept whose key had an earlier one kept.

    Where the upstream took the later record all the same, both go again: it sees the later one
    twice and, as it should, last.
    """
    kept: set[str] = set()
    held = []
    for record, answer in zip(batch, answers, strict=True):
        if not answer.is_final:
            kept.add(record.key)
        elif record.key in kept:
            answer = Answer(Verdict.KEEP, "an earlier record of its key is kept")
        held.append(answer)
    return held


def read_secret(path: Path) -> str:
    """The secret in `path`, without the white space around it.

    Raises `SinkError` where it cannot be read, is empty, or any user of the machine may read it.
    """
    try:
        mode = path.stat().st_mode
        secret = path.read_text().strip()
    except OSError as error:
        raise SinkError(
            f"cannot read the secret file {path}: {error.strerror}",
            hint=f"create {path}, readable by the gateway's user alone",
        ) from error
    if mode & 0o007:
        raise SinkError(
            f"the secret file {path} is open to every user (mode {mode & 0o777:04o})",
            hint=f"chmod 0600 {path}, and renew the secret: it may have been read",
        )
    if not secret:
        raise SinkError(f"the secret file {path} is empty", hint=f"write the secret into {path}")
    return secret
