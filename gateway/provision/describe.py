"""From what `init` was told, and what was there before, to the lot."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from gateway.provision import lot
from gateway.provision.files import NotWritten
from gateway.provision.places import Places

NEEDED = {"lot_id": "--lot", "hosts": "--host", "zones": "--zone"}


def described(places: Places, said: Mapping[str, Any], zones: Sequence[str]) -> lot.Lot:
    """The lot as it is to be. Raises NotWritten, naming the option that is wrong or missing."""
    old: dict[str, Any] = {}
    if places.lot.exists():
        old = lot.read(places).model_dump()
    new = old | {name: value for name, value in said.items() if value}
    if old and new["lot_id"] != old["lot_id"]:
        raise NotWritten(
            f"{places.root} is lot {old['lot_id']}; another lot needs a --dir of its own"
        )
    new.setdefault("facility_id", new.get("lot_id"))
    _add_zones(new, zones)
    for field, option in NEEDED.items():
        if not new.get(field):
            raise NotWritten(f"{option} is missing: a new lot needs it")
    try:
        return lot.Lot.model_validate(new)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise NotWritten(f"{where} = {first['input']!r}: {first['msg']}") from None


def _add_zones(new: dict[str, Any], zones: Sequence[str]) -> None:
    """`A`, or `A:24` with its spots; a zone or a spot that is there stays as it is."""
    known = list(new.get("zones", []))
    spots = list(new.get("spots", []))
    for text in zones:
        found = re.fullmatch(r"([^:]+)(?::(\d{1,4}))?", text)
        if found is None:
            raise NotWritten(f"--zone {text}: a zone's id, or one with a count of spots: A:24")
        zone_id, count = found[1], int(found[2] or 0)
        if zone_id not in [zone["zone_id"] for zone in known]:
            known.append({"zone_id": zone_id})
        there = {spot["spot_id"] for spot in spots}
        names = [f"{zone_id}{number}" for number in range(1, count + 1)]
        spots += [{"spot_id": name, "zone_id": zone_id} for name in names if name not in there]
    new["zones"], new["spots"] = known, spots
