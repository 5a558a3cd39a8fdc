"""CloudWatch's embedded metric format: a line of a log that becomes metrics.

Every distinct value of a dimension is billed as a metric of its own: a lot is one, a bay never.
Source: Amazon CloudWatch, "Specification: Embedded metric format".
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from cloud.record import CloudRecord
from contract.words import EventType

NAMESPACE = "Lotkeeper"
UNITS = {
    "Records": "Count",
    "DeadLetters": "Count",
    "Fresh": "Count",
    "Heartbeats": "Count",
    "AgeSeconds": "Seconds",
}


def line(dimensions: Mapping[str, str], metrics: Mapping[str, float], now: datetime) -> str:
    """One document: `metrics` under `dimensions`, at most 30 of these."""
    head = {
        "Timestamp": int(now.timestamp() * 1000),
        "CloudWatchMetrics": [
            {
                "Namespace": NAMESPACE,
                "Dimensions": [list(dimensions)],
                "Metrics": [{"Name": name, "Unit": UNITS[name]} for name in metrics],
            }
        ],
    }
    return json.dumps({"_aws": head, **dimensions, **metrics}, separators=(",", ":"))


def of_lots(part: str, records: Sequence[CloudRecord], now: datetime) -> Iterator[str]:
    """A line a lot: how many records came, how many heartbeats of its gateway among them, and how
    old the newest live one was.
    """
    beats = Counter(each.lot_id for each in records if each.event_type is EventType.GATEWAY_HEALTH)
    counts = Counter(record.lot_id for record in records)
    newest: dict[str, datetime] = {}
    for record in records:
        if not record.historical:
            known = newest.get(record.lot_id, record.timestamp)
            newest[record.lot_id] = max(known, record.timestamp)
    for lot_id, count in sorted(counts.items()):
        metrics: dict[str, float] = {"Records": count, "Heartbeats": beats[lot_id]}
        if lot_id in newest:
            metrics["AgeSeconds"] = max(0.0, (now - newest[lot_id]).total_seconds())
        yield line({"Part": part, "Lot": lot_id}, metrics, now)
