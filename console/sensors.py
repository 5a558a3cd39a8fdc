"""How well each sensor is: the score of the gateway's alert rule, from what its agent said last."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from console.lots import AgentNow
from gateway.alerts.facts import AgentFacts, Facts, SpotFacts
from gateway.alerts.sensor import Part, parts, score


@dataclass(frozen=True, slots=True)
class Scored:
    """A sensor's points of 100, and in words where some are missing."""

    points: int
    lost: str


def scored(agent_id: str, agent: AgentNow, now: datetime) -> dict[str, Scored]:
    """The sensors of an agent by their spots; of one that is silent none."""
    health = agent.health
    if health is None:
        return {}
    whole = Facts(now, agents={agent_id: AgentFacts(agent.silence, health=health)})
    found = {}
    for spot_id, sensor in health.spots.items():
        sensed_at = None
        if sensor.age_s is not None and health.time is not None:
            sensed_at = health.time - timedelta(seconds=sensor.age_s)
        spot = SpotFacts("", agent_id=agent_id, sensor=sensor, sensed_at=sensed_at)
        of = parts(whole, spot)
        points = score(of)
        if points is not None:
            found[spot_id] = Scored(points, ", ".join(_lost(each) for each in of if each.why))
    return found


def _lost(part: Part) -> str:
    return f"{part.name} {part.points} of {part.of} ({part.why})"
