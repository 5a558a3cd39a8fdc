"""gateway.toml: written once; afterwards only the layout between its two marks is written anew."""

import tomllib
from typing import Any

from gateway.config import GatewaySettings
from gateway.provision import toml
from gateway.provision.files import NotWritten, Planned
from gateway.provision.lot import Lot, PlannedSpot
from gateway.provision.places import Places
from runtime.config import ConfigError, validated

BEGIN = "# >>> layout: written by `lotkeeper gateway import`; what you change here is lost\n"
END = "# <<< layout\n"

HEAD = """\
# The gateway of lot {lot}. `lotkeeper gateway validate` names each fault of this file;
# docs/examples/gateway.toml shows all options. This was made by `lotkeeper gateway init`, which
# does not touch it again: it is yours, but for the layout.

{names}
[mqtt]
host = "127.0.0.1"
port = {port}
[mqtt.tls]
{tls}
# The identity of the commands that ask the running gateway.
[operator_tls]
{operator}
# One [[sinks]] an upstream: docs/sinks.md.
[[sinks]]
name = "disk"
kind = "file"
path = "/var/lib/lotkeeper/records"

# The lot's past, which the console reads: 400 days, and 2 GB, at most.
[[sinks]]
name = "past"
kind = "history"
path = "/var/lib/lotkeeper/history.db"

# One [[alerts.notify]] for each who is told of alerts: docs/alerts.md. The file holds the address,
# which may be any of apprise's, on its first line: mode 600, the user lotkeeper's.
# [[alerts.notify]]
# name = "wardens"
# url_file = "/etc/lotkeeper/notify-wardens"

"""


def planned(places: Places, lot: Lot) -> Planned:
    """The file with the lot's layout. Raises NotWritten where that would make no good one."""
    try:
        old = places.gateway_toml.read_text()
    except FileNotFoundError:
        old = _new(places, lot)
    text = _with_layout(old, lot, places)
    try:
        validated(tomllib.loads(text), GatewaySettings, str(places.gateway_toml))
    except (tomllib.TOMLDecodeError, ConfigError) as error:
        raise NotWritten(f"{error}\nnothing was written") from None
    return Planned(places.gateway_toml, text.encode())


def _new(places: Places, lot: Lot) -> str:
    return HEAD.format(
        lot=lot.lot_id,
        names=toml.pairs(
            {"facility_id": lot.facility_id, "lot_id": lot.lot_id, "time_zone": lot.time_zone}
        ),
        port=lot.port,
        tls=toml.pairs(tls(places, "gateway")),
        operator=toml.pairs(tls(places, "operator")),
    )


def other_time_zone(places: Places, lot: Lot) -> str:
    """What to do where the plan's time zone is not the file's, which is not ours; "" else."""
    found = tomllib.loads(places.gateway_toml.read_text()).get("time_zone", "UTC")
    if found == lot.time_zone:
        return ""
    return (
        f"{places.gateway_toml} stays yours, with time_zone = {found!r}: write "
        f"time_zone = {lot.time_zone!r} there, and restart the gateway"
    )


def tls(places: Places, identity: str) -> dict[str, str]:
    """A configuration's TLS table for an own identity."""
    return {
        "ca_file": str(places.ca),
        "cert_file": str(places.certificate(identity)),
        "key_file": str(places.key(identity)),
    }


def _with_layout(old: str, lot: Lot, places: Places) -> str:
    block = BEGIN + layout(lot) + END
    before, begin, rest = old.partition(BEGIN)
    if begin:
        _, end, after = rest.partition(END)
        if not end:
            raise NotWritten(f"{places.gateway_toml}: the line {END.strip()!r} is missing")
        return before + block + after
    document = tomllib.loads(old)
    if "zones" in document or "spots" in document:
        raise NotWritten(
            f"{places.gateway_toml}: it has zones or spots of its own. Remove them, or put the "
            f"lines {BEGIN.strip()!r} and {END.strip()!r} around them"
        )
    return old.rstrip("\n") + "\n\n" + block


def layout(lot: Lot) -> str:
    """The tables of zones and spots."""
    zones = [zone.model_dump(exclude_defaults=True) for zone in lot.zones]
    return toml.tables("zones", zones) + toml.tables("spots", map(_spot, lot.spots))


def _spot(spot: PlannedSpot) -> dict[str, Any]:
    row = spot.model_dump(
        mode="json", exclude_defaults=True, exclude_none=True, exclude={"sensor", "detector"}
    )
    return row | ({"kinds": sorted(spot.kinds)} if spot.kinds else {})
