"""What did not arrive and says why: dead letters and gap records."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.store import GatewayStore
from proof.ledger import GatewayLedger, Place


def excused(store: GatewayStore, sink: str | None) -> dict[Place, str]:
    """The records in the dead letters that ingest refused, and with `sink` those that it refused;
    each with the reason. What is no record has no place."""
    found: dict[Place, str] = {}
    rows = store.db.execute("SELECT origin, reason, payload FROM dead_letters")
    for origin, reason, payload in rows:
        if origin.startswith("sink:") and origin != f"sink:{sink}":
            continue
        try:
            body = json.loads(payload)
        except ValueError:
            continue
        if _is_of_a_stream(body):
            found[body["agent_id"], body["epoch"], body["seq"]] = reason
    return found


def _is_of_a_stream(body: Any) -> bool:
    named = isinstance(body, dict) and {"agent_id", "epoch", "seq"} <= body.keys()
    return named and body.get("type") != "snapshot"


@dataclass
class Gaps:
    """What gap records that reached a sink account for."""

    count: int = 0
    ranges: list[tuple[str, str, int, int]] = field(default_factory=list)
    places: set[str] = field(default_factory=set)

    def covers(self, place: Place) -> bool:
        """Whether a record may be one of those given up."""
        agent_id, epoch, seq = place
        if f"{agent_id}:{epoch}:{seq}" in self.places:
            return True
        return any(
            (agent_id, epoch) == (agent, e) and first <= seq <= last
            for agent, e, first, last in self.ranges
        )


def gaps(records: Sequence[Mapping[str, Any]], ledger: GatewayLedger) -> Gaps:
    """The gaps that a sink was told of: an agent's, and those of the gateway's own spool."""
    found = Gaps()
    newest = {each["event_id"]: each for each in records if each["event_type"] == "GAP"}
    for record in newest.values():
        first, last = record["first_seq"], record["last_seq"]
        found.count += record["count"]
        if "epoch" in record:
            found.ranges.append((record["agent_id"], record["epoch"], first, last))
        elif record["store_id"] == ledger.store_id:
            found.places |= {e for seq, e in ledger.events.items() if first <= seq <= last}
    return found
