"""Requests about what is desired of agents: set it, list it with what they report, show it."""

import json
from typing import Any

from pydantic import ValidationError

from contract.commands import NEVER, SECTIONS
from contract.upstream import rfc3339
from gateway.desk import Answer, Desk, Refused, text_of

MOST_BYTES = 200_000
"""Of one agent's configuration: far below what a broker lets through."""
TRIAL_S = 120.0


def agents_of(desk: Desk) -> set[str]:
    """Agents that the layout names, that were ever heard, or of which something is desired."""
    lot = desk.lot
    named = {spot.agent_id for spot in lot.ingest.spots.values() if spot.agent_id}
    return named | set(lot.presences) | set(lot.store.accepted()) | set(lot.store.configs.newest)


def agent_of(desk: Desk, data: dict[str, Any]) -> str:
    """The agent that is meant. Raises Refused."""
    agent_id, known = data.get("agent_id"), agents_of(desk)
    if not isinstance(agent_id, str) or agent_id not in known:
        raise Refused(f"agent_id = {agent_id!r}: there are {', '.join(sorted(known)) or 'none'}")
    return agent_id


def _set(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    """Desire a configuration; {} is the agent's own file alone."""
    agent_id = agent_of(desk, data)
    config = data.get("config")
    if not isinstance(config, dict):
        raise Refused(f"config = {config!r}: sections of agent.toml; {{}} for that file alone")
    _check(desk, agent_id, config)
    at = rfc3339(desk.lot.clock.wall())
    by = text_of(data, "by", 64) or "operator"
    try:
        made = desk.lot.store.configs.desire(agent_id, config, data.get("trial_s", TRIAL_S), by, at)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        raise Refused(f"{where} = {problem['input']!r}: {problem['msg']}") from None
    return made.to_json()


def _check(desk: Desk, agent_id: str, config: dict[str, Any]) -> None:
    """What the gateway knows better than the agent, or can tell at once. Raises Refused."""
    for name in config:
        if name not in SECTIONS:
            why = NEVER.get(name, f"there are {', '.join(SECTIONS)}")
            raise Refused(f"config.{name} is not changed from afar: {why}")
    size = len(json.dumps(config))
    if size > MOST_BYTES:
        raise Refused(f"config has {size} bytes: at most {MOST_BYTES}")
    spots = config.get("spots", [])
    for number, spot in enumerate(spots if isinstance(spots, list) else []):
        spot_id = spot.get("spot_id") if isinstance(spot, dict) else None
        planned = desk.lot.ingest.spots.get(spot_id) if isinstance(spot_id, str) else None
        if planned is None:
            raise Refused(f"config.spots.{number}.spot_id = {spot_id!r}: not in the lot's layout")
        if planned.agent_id not in (None, agent_id):
            raise Refused(
                f"config.spots.{number}.spot_id = {spot_id!r}: the layout gives it to "
                f"{planned.agent_id}"
            )


def _list(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    """Desired beside reported, of every agent."""
    return {"agents": [_beside(desk, agent_id) for agent_id in sorted(agents_of(desk))]}


def _show(desk: Desk, data: dict[str, Any]) -> dict[str, Any]:
    """One revision of an agent's, the newest if none is named, and what there were."""
    agent_id, wanted = agent_of(desk, data), data.get("revision")
    found = desk.lot.store.configs.of(agent_id)
    chosen = [each for each in found if wanted in (None, each.command.revision)]
    if not chosen:
        known = ", ".join(each.command.revision for each in found) or "none"
        raise Refused(f"revision = {wanted!r}: {agent_id} has {known}")
    return {
        **_beside(desk, agent_id),
        **chosen[0].to_json(),
        "config": chosen[0].command.config,
        "trial_s": chosen[0].command.trial_s,
        "revisions": [each.to_json() for each in found],
    }


def _beside(desk: Desk, agent_id: str) -> dict[str, Any]:
    newest = desk.lot.store.configs.newest.get(agent_id)
    health = desk.lot.healths.get(agent_id)
    desired = newest.command.revision if newest else None
    reported = health.config_revision if health else None
    return {
        "agent_id": agent_id,
        "desired": desired,
        "reported": reported,
        "drift": desired != reported,
        "silence": desk.lot.silence(agent_id),
        "state": newest.state if newest else "local",
        "reason": newest.reason if newest else "",
        "by": newest.by if newest else "",
        "at": newest.at if newest else None,
    }


QUESTIONS: dict[str, Answer] = {"config-list": _list, "config-show": _show}
ORDERS: dict[str, Answer] = {"config-set": _set}
