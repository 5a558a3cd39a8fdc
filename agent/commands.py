"""What the gateway tells this agent to do: a configuration, a look at a spot, a floor learnt anew.

The publisher's thread takes commands and gives the answers. The same transaction is done once; a
configuration is known by its revision, over restarts too. What was meant for another session of
this agent, or is too late by its own clock, is refused: a broker may have kept it.
"""

import logging
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from agent import trial
from agent.config import AgentSettings, SensorSettings
from agent.core import Agent
from agent.health import agent_health
from agent.looking import Looking, identified, relearnt
from agent.remote import Remote
from contract.commands import (
    CommandResponse,
    Configure,
    Identify,
    Recalibrate,
    Report,
    agent_command,
)
from runtime.config import ConfigError

log = logging.getLogger(__name__)

ANSWERS_KEPT = 64
RECENT_S = 90.0
"""A sensor without a good reading for longer is silent: its last retry was 60 s ago at most."""


class _Named(BaseModel):
    """What is left of a command that cannot be read, so that it is answered."""

    model_config = ConfigDict(extra="ignore")

    command: str = "?"
    transaction: str


class Commands:
    """One process's desk for commands. `restart` ends it in order, to begin anew."""

    def __init__(
        self,
        agent: Agent,
        remote: Remote,
        answer: Callable[[CommandResponse], None],
        restart: Callable[[], None],
    ) -> None:
        self.agent = agent
        self.remote = remote
        self._answer = answer
        self._restart = restart
        self._answered: dict[str, CommandResponse] = {}
        self._looking: dict[str, Looking] = {}

    def take(self, payload: bytes) -> None:
        """Do what a message on the command topic says, and answer it."""
        try:
            command = agent_command.validate_json(payload)
        except ValidationError as error:
            self._refuse_unreadable(payload, error)
            return
        if isinstance(command, Configure):
            self._configure(command)
        elif command.transaction in self._answered:
            self._answer(self._answered[command.transaction])
        elif words := self._not_for_now(command):
            self._done(command, error=words)
        elif isinstance(command, Report):
            health = agent_health(self.agent, self.agent.store.acked_seq)
            self._done(command, health.model_dump(mode="json"))
        else:
            self._begin(command)

    def step(self, now_s: float) -> None:
        """Answer what has been looked at for long enough."""
        for looking in list(self._looking.values()):
            if now_s >= looking.ends_s:
                self._finish(looking)

    def ended(self, revision: str) -> None:
        """A trial is over: tell so, and how the agent is now."""
        self.agent.config = self.remote.report
        desired = self.remote.kept.good
        if desired and desired.revision == revision:
            self._tell(desired)

    # The configuration ------------------------------------------------------------------------

    def _configure(self, desired: Configure) -> None:
        if not trial.answer(self.remote.kept, desired):
            try:
                self._try(desired)
            except OSError as error:  # it is retained: the next connect brings it again
                log.error("revision %s cannot be kept: %s", desired.revision, error)
                return
        self.agent.config = self.remote.report
        self._tell(desired)

    def _try(self, desired: Configure) -> None:
        """Raises OSError."""
        remote = self.remote
        try:
            settings = remote.check(desired)
        except ConfigError as error:
            log.error("refused: %s", error)
            remote.refuse(desired, str(error))
            return
        if settings == self.agent.settings and remote.kept.trial is None:
            remote.adopt(desired)
            return
        before, after = _sensors(self.agent.settings), _sensors(settings)
        silent = self.agent.silent(self.agent.clock.monotonic() - RECENT_S)
        same = tuple(name for name in silent if before[name] == after.get(name))
        remote.stage(desired, same)
        log.warning("revision %s is to be tried: starting anew", desired.revision)
        self._restart()

    def _tell(self, desired: Configure) -> None:
        if response := trial.answer(self.remote.kept, desired):
            self._answer(response)

    # Spots ------------------------------------------------------------------------------------

    def _not_for_now(self, command: Identify | Recalibrate | Report) -> str:
        if command.session_id != self.agent.session_id:
            return "this agent was started anew since: ask again"
        late_ms = self.agent.clock.monotonic() * 1000 - command.expires_ms
        return f"it came {late_ms / 1000:.0f} s too late: ask again" if late_ms > 0 else ""

    def _begin(self, command: Identify | Recalibrate) -> None:
        if command.transaction in self._looking:
            return
        watch = next((each for each in self.agent.watches if each.name == command.spot_id), None)
        if watch is None:
            known = ", ".join(each.name for each in self.agent.watches)
            self._done(command, error=f"spot_id = {command.spot_id!r}: this agent has {known}")
        elif any(each.watch is watch for each in self._looking.values()):
            self._done(command, error=f"{command.spot_id} is being looked at already: wait")
        else:
            now_s = self.agent.clock.monotonic()
            self._looking[command.transaction] = Looking(command, watch, now_s + command.seconds)

    def _finish(self, looking: Looking) -> None:
        command = looking.command
        del self._looking[command.transaction]
        readings = looking.end()
        if isinstance(command, Identify):
            self._done(command, identified(looking.watch, readings))
            return
        learnt, data, error = relearnt(looking.watch, readings)
        if not error:
            self.agent.relearn(looking.watch, learnt)
        self._done(command, data, error)

    def _done(
        self,
        command: Identify | Recalibrate | Report,
        data: dict[str, Any] | None = None,
        error: str | None = None,
    ) -> None:
        response = CommandResponse(
            transaction=command.transaction,
            command=command.command,
            status="error" if error else "ok",
            data=None if error else data,
            error=error or None,
        )
        self._answered[command.transaction] = response
        while len(self._answered) > ANSWERS_KEPT:
            del self._answered[next(iter(self._answered))]
        self._answer(response)

    def _refuse_unreadable(self, payload: bytes, error: ValidationError) -> None:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"])
        words = f"{where}: {problem['msg']}".removeprefix(": ")
        log.error("unreadable command: %s", words)
        try:
            named = _Named.model_validate_json(payload)
        except ValidationError:
            return
        self._answer(
            CommandResponse(
                transaction=named.transaction[:64] or "?",
                command=named.command,
                status="error",
                error=words,
            )
        )


def _sensors(settings: AgentSettings) -> dict[str, list[SensorSettings | None]]:
    """Of each spot and lane."""
    spots = {each.spot_id: [each.sensor, each.waker] for each in settings.spots}
    return spots | {each.lane_id: [each.sensor, None] for each in settings.lanes}
