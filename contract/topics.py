"""Every topic, in both directions: built for publishing, taken apart on receipt.

    parking/v1/{lot}/agents/{agent}/{events|health|command|response|ack}
    parking/v1/{lot}/spots/{spot}/state
    parking/v1/{lot}/zones/{zone}/occupancy
    parking/v1/{lot}/occupancy
    parking/v1/{lot}/alerts/{id}
    parking/v1/{lot}/gateway/{health|info|request/{name}|response/{name}}

The gateway takes an agent's identity from the topic, which the broker's ACL guards, never
from the payload.
"""

import re
from dataclasses import dataclass
from typing import Literal

from contract.words import ID_PATTERN

PREFIX = "parking/v1"
Channel = Literal["events", "health", "command", "response", "ack"]

_ID = ID_PATTERN.strip("^$")
_AGENT = re.compile(
    rf"{PREFIX}/(?P<lot>{_ID})/agents/(?P<agent>{_ID})/(?P<channel>events|health|response|ack|command)"
)
_REQUEST = re.compile(rf"{PREFIX}/(?P<lot>{_ID})/gateway/request/(?P<name>{_ID})")


@dataclass(frozen=True, slots=True)
class AgentTopic:
    """An agent's topic, taken apart."""

    lot: str
    agent: str
    channel: str


@dataclass(frozen=True, slots=True)
class RequestTopic:
    """A request's topic, taken apart."""

    lot: str
    name: str


def parse(topic: str) -> AgentTopic | RequestTopic | None:
    """What a topic that reaches the gateway says, None if it is none of ours.

    >>> parse("parking/v1/lot-1/agents/pi-7/events")
    AgentTopic(lot='lot-1', agent='pi-7', channel='events')
    >>> parse("parking/v1/lot-1/gateway/request/status")
    RequestTopic(lot='lot-1', name='status')
    >>> parse("parking/v1/lot-1/agents/pi-7/events/more") is None
    True
    >>> parse("parking/v1/lot 1/agents/pi-7/events") is None
    True
    """
    if found := _AGENT.fullmatch(topic):
        return AgentTopic(found["lot"], found["agent"], found["channel"])
    if found := _REQUEST.fullmatch(topic):
        return RequestTopic(found["lot"], found["name"])
    return None


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one lot.

    >>> lot = Topics("lot-1")
    >>> lot.agent("pi-7", "events")
    'parking/v1/lot-1/agents/pi-7/events'
    >>> lot.spot("A1")
    'parking/v1/lot-1/spots/A1/state'
    >>> lot.zone("roof"), lot.occupancy
    ('parking/v1/lot-1/zones/roof/occupancy', 'parking/v1/lot-1/occupancy')
    >>> lot.alert("clone.pi-7"), lot.alert_id("parking/v1/lot-1/alerts/clone.pi-7")
    ('parking/v1/lot-1/alerts/clone.pi-7', 'clone.pi-7')
    >>> lot.request("status"), lot.response("status")
    ('parking/v1/lot-1/gateway/request/status', 'parking/v1/lot-1/gateway/response/status')
    >>> lot.response_name("parking/v1/lot-1/gateway/response/status"), lot.response_name("x")
    ('status', None)
    >>> lot.spot("A/1")
    Traceback (most recent call last):
    ...
    ValueError: 'A/1' is not an id: 1 to 64 of A-Z a-z 0-9 _ . -
    """

    lot: str

    def __post_init__(self) -> None:
        checked(self.lot)

    @property
    def root(self) -> str:
        """Where all of the lot's topics begin."""
        return f"{PREFIX}/{self.lot}"

    def agent(self, agent_id: str, channel: Channel) -> str:
        """An agent's own topic."""
        return f"{self.root}/agents/{checked(agent_id)}/{channel}"

    def all_agents(self, channel: Channel) -> str:
        """The filter for one channel of every agent."""
        return f"{self.root}/agents/+/{channel}"

    def spot(self, spot_id: str) -> str:
        """A spot's retained state."""
        return f"{self.root}/spots/{checked(spot_id)}/state"

    def zone(self, zone_id: str) -> str:
        """A zone's retained occupancy."""
        return f"{self.root}/zones/{checked(zone_id)}/occupancy"

    @property
    def occupancy(self) -> str:
        """The lot's retained occupancy."""
        return f"{self.root}/occupancy"

    def alert(self, alert_id: str) -> str:
        """An open alert, retained until it ends."""
        return f"{self.root}/alerts/{checked(alert_id)}"

    @property
    def all_alerts(self) -> str:
        """The filter for every alert, by which a gateway finds those it did not end."""
        return f"{self.root}/alerts/+"

    def alert_id(self, topic: str) -> str | None:
        """The id of the alert that `topic` is of; None of any other topic."""
        name = topic.removeprefix(f"{self.root}/alerts/")
        return name if name != topic and re.fullmatch(_ID, name) else None

    @property
    def gateway_health(self) -> str:
        """The gateway's retained heartbeat, and its will."""
        return f"{self.root}/gateway/health"

    @property
    def gateway_info(self) -> str:
        """The lot's retained layout and the gateway's version."""
        return f"{self.root}/gateway/info"

    def request(self, name: str) -> str:
        """Where a request is asked."""
        return f"{self.root}/gateway/request/{checked(name)}"

    @property
    def all_requests(self) -> str:
        """The filter for every request."""
        return f"{self.root}/gateway/request/+"

    def response(self, name: str) -> str:
        """Where a request is answered."""
        return f"{self.root}/gateway/response/{checked(name)}"

    @property
    def all_responses(self) -> str:
        """The filter for every answer."""
        return f"{self.root}/gateway/response/+"

    def response_name(self, topic: str) -> str | None:
        """Which request `topic` answers; None of any other topic."""
        name = topic.removeprefix(f"{self.root}/gateway/response/")
        return name if name != topic and re.fullmatch(_ID, name) else None


def checked(identifier: str) -> str:
    """The identifier, or ValueError if it is none."""
    if not re.fullmatch(_ID, identifier):
        raise ValueError(f"{identifier!r} is not an id: 1 to 64 of A-Z a-z 0-9 _ . -")
    return identifier
