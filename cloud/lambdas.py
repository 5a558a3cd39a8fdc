"""AWS Lambda's entrances. The configuration is the TOML in LOTKEEPER_CLOUD_CONFIG (a file's path).

A batch is one transaction, its bad records set aside in it, so a function succeeds or fails as a
whole: where the database is away it raises, and Lambda offers the batch again. With
ReportBatchItemFailures a Kinesis batch is taken in parts, and goes on behind the last that held.
"""

import base64
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import psycopg

from cloud import emf, logs, retention
from cloud.analytics.cli import runner
from cloud.analytics.job import KEPT, run_all
from cloud.config import DEFAULT, CloudSettings, LakeSettings, PostgresSettings
from cloud.door.outlet import Door, open_door
from cloud.door.server import answer
from cloud.lake.compaction import compact as compacted
from cloud.lake.store import Store
from cloud.lake.taker import EVENTS, LakeTaker
from cloud.postgres import connect
from cloud.present import Delivered, Present, sort
from runtime.config import ConfigError, load

logs.start_in_lambda()
log = logging.getLogger(__name__)

PART = 250
"""Records in a transaction: a batch that fails has so many more to do again at most."""
LAKE_PART = 5000
"""Records in an object of the lake, of one hour: more are few objects, and more to do again."""


@cache
def settings() -> CloudSettings:
    """Read once a container. Raises ConfigError."""
    return load(Path(os.environ.get("LOTKEEPER_CLOUD_CONFIG", DEFAULT)), CloudSettings)


class _Database:
    """One connection a container, made anew where it was lost."""

    present: Present | None = None

    def write(self, batch: Sequence[Delivered], now: datetime) -> None:
        postgres, default_lot = _postgres(), settings().default_lot
        if self.present is None:
            conn = connect(postgres.dsn, postgres.iam_region)
            self.present = Present(conn, postgres.keep, default_lot)
        try:
            written = self.present.write(batch, now)
        except psycopg.OperationalError:
            self.present.close()
            self.present = None
            raise
        print(
            emf.line(
                {"Part": "present"},
                {
                    "Records": written.taken,
                    "Fresh": written.fresh,
                    "DeadLetters": written.letters,
                },
                now,
            )
        )
        good = sort(batch, now, postgres.keep, default_lot).good
        for line in emf.of_lots("present", [incoming.record for _, incoming in good], now):
            print(line)


_database = _Database()


def kinesis_present(event: dict[str, Any], _context: Any = None) -> dict[str, Any]:
    """A Kinesis trigger with ReportBatchItemFailures: records into Postgres."""
    return _in_parts(event, PART, _database.write, psycopg.OperationalError)


def kinesis_lake(event: dict[str, Any], _context: Any = None) -> dict[str, Any]:
    """A Kinesis trigger with ReportBatchItemFailures: records into the lake, an object an hour."""
    return _in_parts(event, LAKE_PART, _to_lake, OSError)


def msk_present(event: dict[str, Any], _context: Any = None) -> None:
    """An MSK trigger: records into Postgres. Raises psycopg.OperationalError: all come again."""
    batch = list(_of_msk(event))
    for start in range(0, len(batch), PART):
        _database.write(batch[start : start + PART], datetime.now(UTC))


def msk_lake(event: dict[str, Any], _context: Any = None) -> None:
    """An MSK trigger: a batch into the lake, an object an hour. Raises OSError: all come again."""
    _to_lake(list(_of_msk(event)), datetime.now(UTC))


def door(event: dict[str, Any], _context: Any = None) -> dict[str, Any]:
    """An HTTP API (payload format 2.0): the front door. See `cloud.door`."""
    body = event.get("body") or ""
    raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    status, said = answer(_door(), event.get("headers", {}).get("authorization"), raw)
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(said),
    }


def analyse(_event: dict[str, Any], _context: Any = None) -> dict[str, int]:
    """A schedule: the named queries, kept in the lake. Raises RuntimeError where one failed."""
    lake = _lake()
    run = runner(settings())
    kept = dict(run_all(run, Store(lake.url), datetime.now(UTC), lake.time_zone))
    wanted = sum(map(len, KEPT.values()))
    if len(kept) < wanted:
        raise RuntimeError(f"{wanted - len(kept)} of {wanted} queries failed; the log says why")
    return kept


def compact(_event: dict[str, Any], _context: Any = None) -> dict[str, int]:
    """A schedule, one at a time: of each settled hour's objects one. Raises OSError.

    One that is ended meanwhile, or fails, is gone on with by the next.
    """
    done = list(compacted(Store(_lake().url), EVENTS, datetime.now(UTC)))
    return {
        "hours": len(done),
        "objects": sum(each.objects for each in done),
        "doubles": sum(each.doubles for each in done),
    }


def retain(_event: dict[str, Any], _context: Any = None) -> list[str]:
    """A schedule, one at a time: what the database has beyond `keep_days` goes; what went.

    Raises psycopg.Error; the next goes on.
    """
    postgres = _postgres()
    with connect(postgres.dsn, postgres.iam_region) as conn:
        return list(map(str, retention.retain(conn, postgres.keep, datetime.now(UTC))))


def _lake() -> LakeSettings:
    found = settings().lake
    if found is None:
        raise ConfigError("[lake] is missing: say where the past is kept")
    return found


def _postgres() -> PostgresSettings:
    found = settings().postgres
    if found is None:
        raise ConfigError("[postgres] is missing: say where the present is kept")
    return found


@cache
def _door() -> Door:
    found = settings().door
    if found is None:
        raise ConfigError("[door] is missing: say who may speak and where the records go")
    return open_door(found)


def _to_lake(batch: Sequence[Delivered], now: datetime) -> None:
    lake, default_lot = _lake(), settings().default_lot
    taker = LakeTaker(Store(lake.url), lake.limits, lines=lake.lines, default_lot=default_lot)
    taker.take(batch, now)
    taker.flush(now)


def _in_parts(
    event: dict[str, Any],
    size: int,
    write: Callable[[Sequence[Delivered], datetime], None],
    passing: type[Exception],
) -> dict[str, Any]:
    """Write part by part; where one fails and that passes, Lambda goes on with it."""
    records = event["Records"]
    for start in range(0, len(records), size):
        part = records[start : start + size]
        try:
            write([_of_kinesis(each) for each in part], datetime.now(UTC))
        except passing as error:
            log.error("not written; from here it is offered again: %s", error)
            first = part[0]["kinesis"]["sequenceNumber"]
            return {"batchItemFailures": [{"itemIdentifier": first}]}
    return {"batchItemFailures": []}


def _of_kinesis(record: dict[str, Any]) -> Delivered:
    # eventID is "shardId-000000000006:SEQUENCE"
    stream = record["eventSourceARN"].rpartition("/")[2]
    shard, _, sequence = record["eventID"].partition(":")
    payload = base64.b64decode(record["kinesis"]["data"])
    return Delivered(f"{stream}/{shard}/{sequence}", payload)


def _of_msk(event: dict[str, Any]) -> Iterator[Delivered]:
    for records in event["records"].values():
        for each in records:
            source = f"{each['topic']}/{each['partition']}/{each['offset']}"
            yield Delivered(source, base64.b64decode(each.get("value") or ""))
