"""A lot's past, from what its gateway keeps: the files of its file sinks, and its spool.

The spool forgets what every sink has taken, so that alone it is what waits. A file sink's lines are
the whole past, as far back as its `keep` goes. Newest first, until the period or `READ_BYTES` ends.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from contract.words import Status
from gateway.config import GatewaySettings
from gateway.tools.reading import Unreadable, check_schema, reading

READ_BYTES = 64_000_000
"""A request reads no more of files than this, and as much of the spool."""
KNOWN = {
    "vacant": Status.FREE,
    "occupied": Status.OCCUPIED,
    "unknown": Status.UNKNOWN,
    "closed": Status.CLOSED,
}
_NAME = re.compile(r"\d{8}-(\d{4}-\d\d-\d\d)\.jsonl")


@dataclass(frozen=True, slots=True)
class Record:
    """What a spot's agent said: a status since a moment."""

    event_id: str
    event_type: str
    spot_id: str
    zone_id: str | None
    status: Status
    at: datetime
    agent_id: str
    clock: str


@dataclass(slots=True)
class Past:
    """Records in the order of their times. `whole`: a file sink keeps what the spool forgets, and
    nothing was left out for its size.
    """

    whole: bool
    records: list[Record] = field(default_factory=list)


def past(settings: GatewaySettings, begin: datetime) -> Past:
    """What is kept of the lot from the day before `begin` on. Raises Unreadable, sqlite3.Error."""
    folders = [Path(sink.options["path"]) for sink in settings.sinks if sink.kind == "file"]
    found = Past(whole=bool(folders))
    records: dict[str, Record] = {}
    for folder in folders:
        lines, all_read = _of_files(folder, begin.date())
        found.whole &= all_read
        records |= {record.event_id: record for record in _records(lines)}
    records |= {record.event_id: record for record in _records(_of_spool(settings.store.path))}
    found.records = sorted(records.values(), key=lambda record: record.at)
    return found


def _of_spool(path: Path) -> list[bytes]:
    """The newest payloads; fetched at once, since an open read would stop the checkpoints."""
    with reading(path) as db:
        check_schema(db)
        rows = db.execute(
            "SELECT payload FROM (SELECT seq, payload, lost, "
            "SUM(LENGTH(payload)) OVER (ORDER BY seq DESC) AS size FROM spool) "
            "WHERE size <= ? AND lost = 0",
            (READ_BYTES,),
        )
        return [payload for (payload,) in rows]


def _of_files(folder: Path, begin: date) -> tuple[list[bytes], bool]:
    """The lines of the files that may hold records from `begin` on, and whether all were read."""
    lines: list[bytes] = []
    size = 0
    try:
        for path in sorted(folder.glob("*.jsonl"), reverse=True):
            size += path.stat().st_size
            if size > READ_BYTES:
                return lines, False
            lines += path.read_bytes().splitlines()
            begun = _NAME.fullmatch(path.name)
            if begun and date.fromisoformat(begun[1]) < begin:
                break  # it goes on into the period; an older one does not
    except OSError as error:
        raise Unreadable(f"{folder}: {error.strerror}: run it as the gateway's user") from None
    return lines, True


def _records(lines: Iterable[bytes]) -> Iterator[Record]:
    for line in lines:
        try:
            body = json.loads(line)
        except ValueError:
            continue  # the line that is being written
        if isinstance(body, dict) and body.get("event_type") in ("ARRIVAL", "DEPARTURE", "STATUS"):
            yield _record(body)


def _record(body: dict[str, Any]) -> Record:
    return Record(
        event_id=body["event_id"],
        event_type=body["event_type"],
        spot_id=body["spot_id"],
        zone_id=body["zone_id"],
        status=KNOWN[body["status"]],
        at=datetime.fromisoformat(body["timestamp"]),
        agent_id=body["agent_id"],
        clock=body["clock"],
    )
