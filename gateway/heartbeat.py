"""How the gateway is: heartbeat and will to the lot, and to its sinks; and what lot it runs."""

import json
from collections.abc import Sequence

from contract.health import GatewayHealth, SpoolDepth
from contract.upstream import Teller
from contract.words import ClockState, HealthState
from gateway.config import GatewaySettings
from gateway.forwarder import Forwarder
from gateway.lot import Lot
from lotkeeper import __version__
from spool import Depth


def will_of(session_id: str) -> bytes:
    """The will, and the last word of a gateway that stops."""
    will = GatewayHealth(session_id=session_id, status="down")
    return will.model_dump_json(include={"session_id", "status"}).encode()


def info_of(settings: GatewaySettings) -> bytes:
    """Which lot this is, and its zones."""
    return settings.model_dump_json(include={"facility_id", "lot_id", "zones"}).encode()


def health_of(
    session_id: str, lot: Lot, forwarders: Sequence[Forwarder], uptime_s: float
) -> GatewayHealth:
    """How the gateway is at this moment."""
    failing = [each.sink_name for each in forwarders if each.health.failing_since_s is not None]
    silent = sum(bool(lot.silence(agent)) for agent in lot.presences)
    return GatewayHealth(
        session_id=session_id,
        status="up",
        store_id=lot.store.store_id,
        time=lot.clock.wall(),
        clock=ClockState.SYNCED if lot.clock.synced() else ClockState.UNSYNCED,
        health=HealthState.DEGRADED if failing else HealthState.OK,
        reason=f"sinks failing: {', '.join(failing)}" if failing else "",
        agents_online=len(lot.presences) - silent,
        agents_offline=silent,
        sinks={each.sink_name: _depth(lot.store.depth(each.sink_name)) for each in forwarders},
        uptime_s=round(uptime_s, 1),
        version=__version__,
    )


def upstream(health: GatewayHealth, lot: Lot, sink: str) -> bytes:
    """The same for the upstream of `sink`. Called by any thread."""
    teller = Teller(
        lot.settings.facility_id, lot.settings.lot_id, lot.told_by, lot.told_seq, health.clock
    )
    body = {**teller.heartbeat(health, sink), "store_id": lot.store.store_id}
    return json.dumps(body, separators=(",", ":")).encode()


def _depth(depth: Depth) -> SpoolDepth:
    return SpoolDepth(
        waiting=depth.waiting,
        rows=depth.rows,
        bytes=depth.bytes,
        limit_bytes=depth.limit_bytes,
        dropped={"spool": depth.dropped} if depth.dropped else {},
    )
