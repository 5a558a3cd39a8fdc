"""A bay whose neighbour's vehicles bend its field too, sampled ten times a second."""

import random

from agent.detector import Change, Detector, MagneticSettings
from agent.detector.moving import Movement
from contract.words import Status
from drivers import Quality, Reading, Vector

VACANT = (200.0, 180.0, 420.0)
NOTHING = (0.0, 0.0, 0.0)
CAR = (60.0, -40.0, 80.0)
ECHO = (0.0, 30.0, 0.0)
"""What the neighbour's vehicle does here: 10 %."""
STRONG_ECHO = (0.0, 60.0, 0.0)
"""20 %: one in twenty does that."""
NEXT_DOOR_MG = 300.0
DETECTOR = Detector(MagneticSettings())


def both(one: Vector, other: Vector) -> Vector:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]


class Bay:
    """Ten samples a second of a field that moves linearly, and a neighbour that is heard."""

    def __init__(self) -> None:
        self.state = DETECTOR.initial(0.0)
        self.noise = random.Random(3)
        self.field = NOTHING
        self.tick = 0
        self.beside_measures = False
        self.told: list[Change] = []
        self.stand(60)
        assert self.statuses == [Status.FREE]

    @property
    def statuses(self) -> list[Status]:
        return [change.status for change in self.told]

    def stand(self, seconds: int) -> None:
        self.move(self.field, seconds)

    def move(self, to: Vector, seconds: int = 4, peak_mg: float | None = None) -> None:
        """Go there; with `peak_mg` the neighbour's sensor moved as long and so strongly."""
        begin, began_s = self.field, self.tick / 10
        for n in range(1, seconds * 10 + 1):
            share = n / (seconds * 10)
            self.field = both(begin, tuple(share * (b - a) for a, b in zip(begin, to, strict=True)))
            self._sample()
            if peak_mg is not None and n % 10 == 5:
                self.hear(began_s, share * peak_mg)

    def hear(self, began_s: float, peak_mg: float) -> None:
        movement = Movement(began_s, self.tick / 10, peak_mg, (peak_mg, 0.0, 0.0))
        DETECTOR.hear(self.state, movement, "B1")

    def _sample(self) -> None:
        x, y, z = (v + self.noise.gauss(0, 1.5) for v in both(VACANT, self.field))
        reading = Reading((x, y, z), "mG", Quality.OK, (x, y, z), self.tick / 10)
        self.state, said = DETECTOR.step(self.state, reading, self.tick / 10)
        self.told += [each for each in said if isinstance(each, Change)]
        if self.beside_measures:
            DETECTOR.attend(self.state, "B1", self.tick / 10)
        self.tick += 1
