"""Requests that an agent answers: the gateway asks it, and passes its answer on, or a time-out.

request -> [refused: who is not heard is not asked]
        -> command, meant for the agent's session and until a time by its own clock
        -> its response, kept like every order's | nobody answered in time
"""

import uuid
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from contract.commands import (
    CommandResponse,
    Identify,
    Recalibrate,
    Report,
)
from contract.requests import Request, Response
from gateway.config_requests import agent_of
from gateway.desk import Desk, Refused

COMMANDS: dict[str, type[Identify] | type[Recalibrate] | type[Report]] = {
    "spot-identify": Identify,
    "spot-recalibrate": Recalibrate,
    "agent-report": Report,
}
PATIENCE_S = 10.0
"""Beyond the seconds that were asked for."""
SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Errand:
    """A request that waits for an agent's answer, until monotonic `ends_s`."""

    name: str
    transaction: str
    agent_id: str
    ends_s: float


class Errands:
    """Used by the service's thread; what it puts into `commands` (agent, message) is to be sent."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.commands: list[tuple[str, bytes]] = []
        self._waiting: dict[str, Errand] = {}

    def ask(self, name: str, payload: bytes) -> Response | None:
        """The response that is there at once; None where the agent's is waited for.

        Raises ValidationError where the payload is no request.
        """
        request = Request.model_validate_json(payload)
        if kept := self.desk.lot.store.answered(name, request.transaction):
            return Response.model_validate_json(kept)
        known = ((each.name, each.transaction) for each in self._waiting.values())
        if (name, request.transaction) in known:
            return None
        try:
            self._send(name, request)
        except Refused as refusal:
            return Response(transaction=request.transaction, status="error", error=str(refusal))
        return None

    def hears(self, agent_id: str, payload: bytes) -> tuple[str, Response] | None:
        """An agent's response; the request's name and response, if one waits for it."""
        try:
            answer = CommandResponse.model_validate_json(payload)
        except ValidationError:
            return None
        errand = self._waiting.get(answer.transaction)
        if errand is None or errand.agent_id != agent_id or answer.status == "accepted":
            return None
        del self._waiting[answer.transaction]
        response = Response(
            transaction=errand.transaction,
            status=answer.status,
            data={"agent_id": agent_id, **(answer.data or {})} if answer.status == "ok" else None,
            error=answer.error,
        )
        store = self.desk.lot.store
        with store.transaction():
            store.keep_answer(errand.name, errand.transaction, response.model_dump_json())
        return errand.name, response

    def overdue(self, now_s: float) -> list[tuple[str, Response]]:
        """What nobody has answered in time."""
        late = {key: each for key, each in self._waiting.items() if now_s >= each.ends_s}
        for key in late:
            del self._waiting[key]
        return [
            (
                each.name,
                Response(
                    transaction=each.transaction,
                    status="error",
                    error=f"{each.agent_id} did not answer in time: is its link good?",
                ),
            )
            for each in late.values()
        ]

    def _send(self, name: str, request: Request) -> None:
        """Raises Refused."""
        lot, data = self.desk.lot, request.data
        agent_id = self._agent(data)
        health = lot.healths.get(agent_id)
        if (silence := lot.silence(agent_id)) or health is None or health.monotonic_ms is None:
            raise Refused(f"{agent_id} is not there to be asked: {silence or 'unconfirmed'}")
        now_s = lot.clock.monotonic()
        seconds = data.get("seconds", SECONDS)
        there_ms = health.monotonic_ms + 1000 * (now_s - lot.beaten_s[agent_id])
        fields = {
            "transaction": uuid.uuid4().hex,
            "session_id": health.session_id,
            "expires_ms": int(there_ms + 1000 * PATIENCE_S),
            "spot_id": data.get("spot_id"),
            "seconds": seconds,
        }
        try:
            command = COMMANDS[name].model_validate(fields)
        except ValidationError as error:
            problem = error.errors()[0]
            raise Refused(f"{problem['loc'][0]} = {problem['input']!r}: {problem['msg']}") from None
        takes_s = getattr(command, "seconds", 0.0)
        self._waiting[command.transaction] = Errand(
            name, request.transaction, agent_id, now_s + takes_s + PATIENCE_S
        )
        self.commands.append((agent_id, command.model_dump_json().encode()))

    def _agent(self, data: dict[str, Any]) -> str:
        """The one that is named, or else whose spot it is. Raises Refused."""
        spot_id = data.get("spot_id")
        ingest = self.desk.lot.ingest
        if "agent_id" in data or not isinstance(spot_id, str) or spot_id not in ingest.spots:
            return agent_of(self.desk, data)
        believed = ingest.believed.get(spot_id)
        owner = ingest.spots[spot_id].agent_id or (believed.agent_id if believed else None)
        if owner is None:
            raise Refused(f"spot_id = {spot_id!r}: no agent has ever spoken for it")
        return owner
