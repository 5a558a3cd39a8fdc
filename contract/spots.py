"""A spot as it stands in the lot's layout: where it is and which vehicles may use it."""

from pydantic import BaseModel, ConfigDict, Field

from contract.words import Id, Kind, Size


class Position(BaseModel):
    """Where a spot is: WGS 84 degrees, or metres on the lot's own plan, or both."""

    model_config = ConfigDict(frozen=True)

    latitude: float | None = Field(None, ge=-90, le=90)
    longitude: float | None = Field(None, ge=-180, le=180)
    x_m: float | None = None
    y_m: float | None = None


class Spot(BaseModel):
    """One bay of a lot."""

    model_config = ConfigDict(frozen=True)

    spot_id: Id
    zone_id: Id
    floor: int = 0
    size: Size = Size.STANDARD
    kinds: frozenset[Kind] = frozenset()
    position: Position | None = None
