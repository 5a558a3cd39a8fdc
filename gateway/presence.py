"""Who is heard: heartbeats, wills and silence, in monotonic seconds. No clock here.

             heartbeat or record                 silence > offline_after, or a will
    UNHEARD ---------------------> ONLINE ------------------------------------> OFFLINE
       (since this gateway started)   ^                                            |
                                      +------------ heartbeat or record -----------+

A retained heartbeat may be as old as the broker: it is a sign of life only where it is newer
than one heard before (rumqttd leaves the flag on live messages too, against MQTT 3.1.1 section
3.3.1.3). A will or a `down` of a session that is not the current one is ignored. Two sessions
that take turns are two holders of one identity.
"""

from dataclasses import dataclass, field

UNCONFIRMED = "unconfirmed"
OFFLINE = "agent_offline"
SESSIONS_KEPT = 8


@dataclass(slots=True)
class Presence:
    """What is known of one agent. `heard_s` is monotonic."""

    heard_s: float | None = None
    session_id: str | None = None
    down: bool = False
    left: list[str] = field(default_factory=list)
    """Sessions that another has replaced, newest last."""
    clone_suspected: bool = False
    beat_ms: int = -1
    """The sender's monotonic time in the newest heartbeat, -1 before the first."""

    def hears(self, now_s: float) -> None:
        """A sign of life that names no session: a record."""
        self.heard_s = now_s
        self.down = False

    def is_news(self, beat_ms: int, *, retained: bool) -> bool:
        """Whether a heartbeat that was made at `beat_ms` shows that its sender lives."""
        before, self.beat_ms = self.beat_ms, beat_ms
        return not retained or 0 <= before < beat_ms

    def hears_up(self, session_id: str, now_s: float) -> bool:
        """A live heartbeat; answers whether it is a session that was not the current one."""
        self.hears(now_s)
        if session_id == self.session_id:
            return False
        if session_id in self.left:
            self.clone_suspected = True
        if self.session_id is not None:
            self.left = [*self.left, self.session_id][-SESSIONS_KEPT:]
        self.session_id = session_id
        return True

    def hears_down(self, session_id: str) -> bool:
        """A will or a farewell; answers whether it was the current session's.

        Where none is known yet, the agent is better doubted: it will be heard if it lives.
        """
        if self.session_id not in (None, session_id):
            return False
        self.down = True
        return True

    def silence(self, now_s: float, offline_after_s: float) -> str:
        """Why the agent cannot be believed now, "" if it can."""
        if self.heard_s is None:
            return UNCONFIRMED
        if self.down or now_s - self.heard_s > offline_after_s:
            return OFFLINE
        return ""
