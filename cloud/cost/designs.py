"""Designs and their month. Pure: a load and a number of events a record in, dollars out."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from cloud.cost import prices as p

PARTITIONS = 6
KEPT_DAYS = 3
"""Of the topic on MSK; one consumer reads each stream once."""
BROKERS = 2


@dataclass(frozen=True, slots=True)
class Load:
    """Events by bay and day, bytes of one; `peak` is the busiest second by the mean one."""

    bays: int
    events_per_day: float = 10.0
    event_bytes: int = 200
    peak: float = 5.0

    @property
    def month(self) -> float:
        """Events a month."""
        return self.bays * self.events_per_day * p.DAYS

    @property
    def gigabytes(self) -> float:
        """Of events, a month."""
        return self.month * self.event_bytes / p.GB

    @property
    def peak_s(self) -> float:
        """Events in the busiest second."""
        return self.bays * self.events_per_day / 86_400 * self.peak


@dataclass(frozen=True, slots=True)
class Design:
    """A month's dollars, by what they are paid for."""

    name: str
    items: dict[str, float]

    @property
    def month(self) -> float:
        """The whole."""
        return sum(self.items.values())


def joined(bays: int, events_per_day: float, linger_s: float) -> float:
    """How many events come to a lot of `bays` within `linger_s` at the mean rate: those that join
    the one which began the wait.

    >>> round(joined(200, 10, 300), 1)
    6.9
    """
    return bays * events_per_day / 86_400 * linger_s


def designs(load: Load, events_a_record: float) -> Iterator[Design]:
    """Each, with so many events in a record, request or object.

    Where that is a mean, records are rounded up as if each had as many: the bill of a real mix is
    a little higher.
    """
    records = load.month / events_a_record
    size = load.event_bytes * events_a_record
    yield Design("Kinesis, provisioned", _provisioned(load, records, size))
    yield Design("Kinesis, on-demand", _on_demand(load, records, size))
    yield Design("MSK Serverless", _serverless(load, records))
    yield Design(f"MSK, {BROKERS} x kafka.t3.small", _small(load, records))
    billed = records * _rounded(size, p.FIREHOSE_ROUNDS_TO) / p.GB
    taken = {"ingestion": billed * p.FIREHOSE_GB, "Parquet": billed * p.FIREHOSE_PARQUET_GB}
    yield Design("Firehose to Parquet", taken)
    requests = records * ceil(size / p.HTTP_ROUNDS_TO)
    yield Design("HTTP API", {"requests": requests * p.HTTP_REQUEST})
    yield Design("S3, a PUT a record", {"PUTs": records * p.S3_PUT})


def shards(load: Load, events_a_record: float) -> int:
    """What the busiest second needs, by records or by bytes."""
    by_records = load.peak_s / events_a_record / p.KINESIS_SHARD_RECORDS_S
    by_bytes = load.peak_s * load.event_bytes / p.KINESIS_SHARD_BYTES_S
    return max(1, ceil(by_records), ceil(by_bytes))


def _provisioned(load: Load, records: float, size: float) -> dict[str, float]:
    hours = shards(load, load.month / records) * p.HOURS
    units = records * ceil(size / p.KINESIS_PUT_UNIT_BYTES)
    return {"shards": hours * p.KINESIS_SHARD_HOUR, "PUT units": units * p.KINESIS_PUT_UNIT}


def _on_demand(load: Load, records: float, size: float) -> dict[str, float]:
    written = records * _rounded(size, p.ON_DEMAND_ROUNDS_TO) / p.GB
    return {
        "stream": p.HOURS * p.ON_DEMAND_STREAM_HOUR,
        "in": written * p.ON_DEMAND_IN_GB,
        "out": load.gigabytes * p.ON_DEMAND_OUT_GB,
    }


def _serverless(load: Load, records: float) -> dict[str, float]:
    carried = _carried(load, records)
    return {
        "cluster": p.HOURS * p.MSK_SERVERLESS_HOUR,
        "partitions": PARTITIONS * p.HOURS * p.MSK_SERVERLESS_PARTITION_HOUR,
        "in": carried * p.MSK_SERVERLESS_IN_GB,
        "out": carried * p.MSK_SERVERLESS_OUT_GB,
        "storage": carried * KEPT_DAYS / p.DAYS * p.MSK_STORAGE_GB,
    }


def _small(load: Load, records: float) -> dict[str, float]:
    """Each broker keeps a copy."""
    kept = _carried(load, records) * KEPT_DAYS / p.DAYS * BROKERS
    brokers = BROKERS * p.HOURS * p.MSK_T3_SMALL_HOUR
    return {"brokers": brokers, "storage": kept * p.MSK_STORAGE_GB}


def _carried(load: Load, records: float) -> float:
    """GB a month on Kafka, where a record here is a batch of the producer's."""
    return load.gigabytes + records * p.KAFKA_BATCH_HEADER / p.GB


def _rounded(size: float, unit: int) -> int:
    return ceil(size / unit) * unit
