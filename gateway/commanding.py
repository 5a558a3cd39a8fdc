"""The gateway's word to its agents: what is desired of them, and what they are asked for people."""

import logging
from collections.abc import Callable

from contract.health import AgentHealth
from contract.requests import Response
from contract.topics import Topics
from gateway.desk import Desk
from gateway.errands import COMMANDS, Errands
from runtime.mqtt import Link

log = logging.getLogger(__name__)


class Commanding:
    """Used by the service's thread, while there is a link; `answer` publishes a response."""

    def __init__(self, desk: Desk, topics: Topics, answer: Callable[[str, Response], None]) -> None:
        self._errands = Errands(desk)
        self._store = desk.lot.store
        self._topics = topics
        self._answer = answer

    def step(self, link: Link, now_s: float) -> None:
        """Put each agent's newest configuration on its topic; give up what was not answered."""
        for name, response in self._errands.overdue(now_s):
            self._answer(name, response)
        configs = self._store.configs
        while configs.owed and link.connected:
            newest = configs.newest.get(agent_id := configs.owed.pop())
            if newest is not None:  # else its transaction was rolled back
                command = newest.command.model_dump_json().encode()
                link.publish(self._topics.agent(agent_id, "command"), command, retain=True)

    def runs(self, link: Link, name: str, payload: bytes) -> bool:
        """Whether the request is an agent's to answer; raises ValidationError if it is none."""
        if name not in COMMANDS:
            return False
        response = self._errands.ask(name, payload)
        while self._errands.commands:  # QoS 0: a broker keeps it for nobody who is away
            agent_id, command = self._errands.commands.pop()
            link.publish(self._topics.agent(agent_id, "command"), command, qos=0)
        if response is not None:
            self._answer(name, response)
        return True

    def hears(self, agent_id: str, payload: bytes) -> None:
        """An agent's response."""
        if answered := self._errands.hears(agent_id, payload):
            self._answer(*answered)

    def note(self, agent_id: str, health: AgentHealth) -> None:
        """What a heartbeat says of the desired configuration."""
        configs = self._store.configs
        state, reason = health.config_state, health.config_error
        if configs.is_news(agent_id, health.config_tried, state, reason):
            with self._store.transaction():
                configs.note(agent_id, state, reason)
            log.info("agent %s: revision %s: %s", agent_id, health.config_tried, state)

    def owe_all(self) -> None:
        """The broker may have forgotten everything."""
        self._store.configs.owe_all()
