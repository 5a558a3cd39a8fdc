"""What the broker lets this agent do, tested by its own messages. Pure.

A broker that denies is silent: MQTT 3.1.1 acknowledges a publish that it throws away, mosquitto's
acl_file grants a subscription that it never serves. So at each connect the agent subscribes to
what it writes itself, and waits for its first message of each kind to come back:

    connected -> [unproven] --sent--> [sent] --came back-----------> proven, unsubscribed
                                         +--not in PATIENCE_S--> told, once a connection

The acks and the gateway's word cannot be asked for; they are told as denied where the one is there
and the other is not. And a message to the own command topic must not come back: a broker that
lets a device write commands guards nothing.
"""

from dataclasses import dataclass, field

from contract.topics import Topics

PATIENCE_S = 10.0
PROBE = b'{"probe":true}'


@dataclass(slots=True)
class Rights:
    """The state of one connection; `begin` starts it anew."""

    topics: Topics
    agent_id: str
    _sent_s: dict[str, float] = field(default_factory=dict)
    _proven: set[str] = field(default_factory=set)
    _heard: set[str] = field(default_factory=set)
    _told: set[str] = field(default_factory=set)

    @property
    def written(self) -> tuple[str, str]:
        """What the agent writes, and hears back."""
        return self._own("events"), self._own("health")

    @property
    def forbidden(self) -> str:
        """What it must not write."""
        return self.topics.agent(self.agent_id, "command")

    @property
    def tested(self) -> tuple[str, ...]:
        """What to subscribe to for the test."""
        return (*self.written, self.forbidden)

    def begin(self) -> None:
        """A new connection: nothing is known of it."""
        for state in (self._sent_s, self._proven, self._heard, self._told):
            state.clear()

    def sent(self, topic: str, now_s: float) -> None:
        """Something was published there."""
        self._sent_s.setdefault(topic, now_s)

    def hears(self, topic: str, *, retained: bool) -> bool:
        """A message came; whether that ends the test of its topic. A retained one is an old one."""
        self._heard.add(topic)
        if topic not in self.tested or retained:
            return False
        self._proven.add(topic)
        return True

    def denied(self, now_s: float) -> list[str]:
        """What this connection turns out not to be allowed, in words."""
        late = {topic for topic, sent_s in self._sent_s.items() if now_s - sent_s > PATIENCE_S}
        words = [f"cannot write {topic}" for topic in sorted(late - self._proven)]
        word = self.topics.gateway_health
        if late and self._own("ack") in self._heard and word not in self._heard:
            words.append(f"cannot read {word}")
        return words

    def unread_ack(self) -> str:
        """Words for a running gateway's silence, where no ack was read in this connection."""
        topic = self._own("ack")
        return "" if topic in self._heard else f"; none was read: may this agent read {topic}?"

    def news(self, now_s: float) -> list[str]:
        """What is denied or open and was not told yet in this connection."""
        words = [
            f"the broker denies: this agent {each}; look at its ACL, on the gateway: "
            f"lotkeeper gateway show {self.agent_id}"
            for each in self.denied(now_s)
        ]
        if self.forbidden in self._proven:
            words.append(f"the broker guards nothing: it let this agent write {self.forbidden}")
        new = [each for each in words if each not in self._told]
        self._told.update(new)
        return new

    def _own(self, channel: str) -> str:
        return f"{self.topics.root}/agents/{self.agent_id}/{channel}"
