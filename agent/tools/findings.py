"""What a check says: about one thing, how good it is, and what to do. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """`note` is worth a look and no fault."""

    OK = "ok"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """`hint` is the mend; empty where nothing is to be done."""

    level: Level
    where: str
    says: str
    hint: str = ""
