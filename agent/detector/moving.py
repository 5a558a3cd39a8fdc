"""A field that moves: what is remembered of its movements, here and next door. Pure."""

import math
from collections import deque
from dataclasses import dataclass, field

from agent.detector.baseline import ZERO, Baseline
from contract.words import Status
from drivers import Vector


@dataclass(frozen=True, slots=True)
class Movement:
    """The field moved: from when to when, how far from where it stood at most, and in the end."""

    began_s: float
    ended_s: float
    peak_mg: float
    step: Vector

    @property
    def step_mg(self) -> float:
        """How far the movement took the field."""
        return math.hypot(*self.step)


@dataclass(frozen=True, slots=True)
class Echo:
    """What the vehicle next door did to the field here when it came, and there; and until when."""

    step: Vector
    source_mg: float
    ended_s: float


@dataclass(slots=True)
class Alive:
    """When an adjacent sensor measured last, and when it last began and ended to be silent."""

    heard_s: float
    silent_s: tuple[float, float] = (-math.inf, -math.inf)


@dataclass(slots=True)
class Moving(Baseline):
    """The field as it stands or moves, and what adjacent sensors told."""

    mean: Vector | None = None
    steady_since_s: float = -math.inf
    moving: bool = False
    rest: Vector | None = None
    """Where the field stood before it moved last."""
    moving_since_s: float = 0.0
    peak_mg: float = 0.0
    moved: Movement | None = None
    """The last movement, or the one that goes on."""
    taken: Vector = ZERO
    """How much of its step was taken into the baseline."""
    is_attributed: bool = False
    """Whether it was found to be a neighbour's."""
    is_gappy: bool = False
    """Whether some of it was not seen: it may have been stronger."""
    former_mg: float = 0.0
    own_s: int = 0
    is_own: bool = False
    """Whether it was too strong, while it went on, to be a neighbour's."""
    beside: deque[tuple[str, Movement]] = field(default_factory=lambda: deque(maxlen=6))
    """The last movements of adjacent sensors, and whose they were."""
    echoes: dict[str, Echo] = field(default_factory=dict)
    """Of the vehicles that stand next door."""
    former_echoes: dict[str, Echo] = field(default_factory=dict)
    """Those before the last movement."""
    quick_since_s: float = math.inf
    other: Vector | None = None
    """Where else the vacant field may be, from the baseline."""
    echo_mg: float = 0.0
    """How exactly that is known: what the vehicle next door may have done here meanwhile."""
    behind: float = 0.0
    """How much less likely that is, in nats."""
    doubted_who: str = ""
    """Who moved next door meanwhile."""
    proven_s: float | None = None
    """When the vehicle moved that is believed by now to have moved."""
    in_doubt: bool = False
    is_suspect: bool = False
    """Whether the last movement, taken for a neighbour's, may yet turn out to have been the own."""
    doubted_s: float = 0.0
    """When the movement began that is in doubt."""
    doubted_peak_mg: float = math.inf
    """How strong it was at most, where that was seen."""
    is_blind: bool = False
    """Whether time has passed unwatched since."""
    unseen: Status | None = None
    """What it turned out to have made of the spot, unpublished."""
    alive: dict[str, Alive] = field(default_factory=dict)
    """The adjacent sensors."""
    own_peak_mg: float = 0.0
    stopped_s: float = -math.inf
    """When the field stood again."""
    stood: Vector | None = None
    """Where."""
    slack_mg: float = 0.0
    """How far from the baseline the vacant field may be."""
    apart: Vector | None = None
    """From the baseline to where the field stands, while the status is unknown."""
    pending_mg: float = 0.0
    is_unsure: bool = False
    """Whether that is so because nobody watched, here or next door."""
    stands: dict[float, Vector] = field(default_factory=dict)
    """Where the field stood since, from the baseline, by when a movement of the own began."""

    @property
    def is_uncertain(self) -> bool:
        """Whether the vacant field may be elsewhere: nobody watched for a while."""
        return self.is_blind or self.slack_mg > 0.0
