"""Every hand-over between the bays and the queries: what each place holds of what was told."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from cloud.lake.reader import dataset
from cloud.lake.store import Store
from cloud.lake.taker import EVENTS
from simulator.fleet.lots import Fleet

SNAPSHOT = "SNAPSHOT"
"""Repeats what another record says: streams carry it, neither database nor lake keeps it."""
_PATIENCE_S = 20.0


@dataclass(frozen=True)
class Account:
    """Records, each counted once, at each place on their way; all equal where nothing is lost."""

    told: int
    delivered: int
    stream: int
    present: int
    lake: int
    lake_twice: int
    """Rows of the lake that came again and are not compacted yet."""
    dead_letters: int
    occupied: int
    occupied_truly: int

    @property
    def faults(self) -> list[str]:
        """What does not add up, in words."""
        found = [
            f"{name}: {value} of {self.told} records"
            for name in ("delivered", "stream", "present", "lake")
            if (value := getattr(self, name)) != self.told
        ]
        if self.dead_letters:
            found.append(f"{self.dead_letters} dead letters")
        if self.occupied != self.occupied_truly:
            found.append(f"{self.occupied} bays occupied, truly {self.occupied_truly}")
        return found

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {"complete": not self.faults, "faults": self.faults, **asdict(self)}


def account(fleet: Fleet, stream: set[str], conn: psycopg.Connection, store: Store) -> Account:
    """The account now; `stream` holds the event ids that the stream has."""
    ids = fleet_ids(fleet)
    rows = lake_ids(store, fleet)
    return Account(
        told=fleet.told,
        delivered=fleet.delivered,
        stream=len(stream & ids),
        present=len(present_ids(conn) & ids),
        lake=len(ids & rows.keys()),
        lake_twice=rows.total() - len(rows),
        dead_letters=number(conn, "SELECT count(*) FROM dead_letters"),
        occupied=number(
            conn, "SELECT coalesce(sum(current_occupancy), 0)::int FROM current_lot_occupancy"
        ),
        occupied_truly=sum(lot.occupied for lot in fleet.lots.values()),
    )


def fleet_ids(fleet: Fleet) -> set[str]:
    """The event ids of all that was told."""
    return set().union(*(lot.event_ids for lot in fleet.lots.values()))


def present_ids(conn: psycopg.Connection) -> set[str]:
    """The event ids that Postgres holds."""
    return {row[0] for row in conn.execute("SELECT event_id FROM events")}


def lake_ids(store: Store, fleet: Fleet) -> Counter[str]:
    """How often each event id stands in the lake, over the fleet's hours."""
    span = fleet.start - timedelta(hours=1), max(fleet.now, datetime.now(UTC))
    table = dataset(store, EVENTS, *span).to_table(columns=["event_id"])
    return Counter(table["event_id"].to_pylist())


def number(conn: psycopg.Connection, question: str) -> int:
    """The one number that answers `question`."""
    row = conn.execute(question.encode()).fetchone()
    assert row is not None
    return int(row[0])


def kafka_records(address: str, topic: str) -> Iterator[dict[str, Any]]:
    """All that `topic` holds, from its beginning, each partition to its end as it is now.

    Its end is told by what comes: the embedded broker's end offsets are not to be relied on.
    """
    from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": "account",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    try:
        partitions = consumer.list_topics(topic, _PATIENCE_S).topics[topic].partitions
        consumer.assign([TopicPartition(topic, each, OFFSET_BEGINNING) for each in partitions])
        left = set(partitions)
        while left:
            for message in consumer.consume(1000, 1.0):
                if message.error() is None:
                    yield json.loads(message.value() or b"")
                else:
                    left.discard(message.partition())
    finally:
        consumer.close()


def kafka_ids(address: str, topic: str) -> set[str]:
    """The event ids that `topic` holds, without snapshots."""
    records = kafka_records(address, topic)
    return {each["event_id"] for each in records if each["event_type"] != SNAPSHOT}
