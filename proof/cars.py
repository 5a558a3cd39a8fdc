"""From the street to the agent's database: each car that could be seen was seen, at its time."""

from bisect import bisect_right
from typing import TYPE_CHECKING

from proof.bays import Bays
from proof.ledger import Told

if TYPE_CHECKING:
    from proof.world import World

SEEN_S = 3.0
"""A change is polled at once, and its first crossing told."""
SETTLED_S = 14.0
"""So long a spot must be left in peace before and behind a change, for it to be told surely."""
WELL_AGAIN_S = 80.0
"""A sensor that fails is opened again after at most a minute, and then has to recover."""


def judge(world: "World") -> None:
    """Compare each agent's records with the plan of its cars."""
    for agent in world.agents:
        for spot in agent.plan.spots:
            _judge_spot(world, agent, spot)


def _judge_spot(world: "World", agent: Bays, spot: str) -> None:
    told = [
        each
        for each in agent.ledger.told.values()
        if each.kind == "spot_changed" and each.spot == spot
    ]
    times = [agent.clock.true_s(each.boot_id, each.monotonic_ms) for each in told]
    if times != sorted(times):
        world.find(f"{spot}: its agent's records go back in time")
    for each, at_s in zip(told, times, strict=True):
        _judge_record(world, agent, each, at_s)
    changes = agent.plan.changes[spot]
    for number, at_s in enumerate(changes):
        before_s = changes[number - 1] if number else 0.0
        behind_s = changes[number + 1] if number + 1 < len(changes) else float("inf")
        peace = at_s - before_s >= SETTLED_S and behind_s - at_s >= SETTLED_S
        if peace and _watched(agent, spot, at_s):
            place = bisect_right(times, at_s - 0.01)
            if place == len(times) or times[place] > at_s + SEEN_S:
                world.find(f"{spot}: the change at {at_s:.1f} s was not told")


def _judge_record(world: "World", agent: Bays, told: Told, at_s: float) -> None:
    if told.status == "unknown":
        return
    truth = "occupied" if agent.plan.occupied(told.spot, at_s + 0.01) else "free"
    if told.status != truth:
        world.find(f"{told.spot}: told as {told.status} at {at_s:.1f} s, it was {truth}")


def _watched(agent: Bays, spot: str, at_s: float) -> bool:
    begin_s, end_s = at_s - SETTLED_S, at_s + SETTLED_S
    well = all(
        end_s < begin or begin_s > end + WELL_AGAIN_S for begin, end in agent.plan.faults[spot]
    )
    return well and agent.up_during(begin_s, end_s)
