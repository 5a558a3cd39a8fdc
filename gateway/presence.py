"""Who is heard: heartbeats, wills and silence, in monotonic seconds. No clock here.

             heartbeat or record                 silence > offline_after, or a will
    UNHEARD ---------------------> ONLINE ------------------------------------> OFFLINE
       (since this gateway started)   ^                                            |
                                      +------------ heartbeat or record -----------+

A retained heartbeat may be as old as the broker: it is a sign of life only where it is newer
than one heard before (rumqttd leaves the flag on live messages too, against MQTT 3.1.1 section
3.3.1.3). A will or a `down` of a session that is not the current one is ignored, and so is a
heartbeat that its session has already given: somebody sends it again. Two sessions that take
turns are two holders of one identity, until one of them has been silent for an hour.
"""

from dataclasses import dataclass, field

UNCONFIRMED = "unconfirmed"
OFFLINE = "agent_offline"
SESSIONS_KEPT = 8
CLONE_QUIET_S = 3600.0
"""So long after two sessions last took turns, one holder is thought to be gone."""


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
    beats_ms: dict[str, int] = field(default_factory=dict)
    """The same of each session that is remembered."""
    clone_heard_s: float = 0.0

    def hears(self, now_s: float) -> None:
        """A sign of life that names no session: a record that was not heard before.

        It may have waited in the broker, so it brings nobody back whose will was heard: an agent
        that comes back says so by its heartbeat first.
        """
        if not self.down:
            self.heard_s = now_s

    def is_news(self, session_id: str, beat_ms: int, *, retained: bool) -> bool:
        """Whether a heartbeat that a session made at `beat_ms` shows that its sender lives.

        One that does not is not to be believed in anything: somebody may send it again.
        """
        before, self.beat_ms = self.beat_ms, beat_ms
        said_before = 0 < beat_ms <= self.beats_ms.get(session_id, -1)
        return not said_before and (not retained or 0 <= before < beat_ms)

    def hears_up(self, session_id: str, now_s: float) -> bool:
        """The heartbeat that `is_news`; answers whether its session was not the current one."""
        self.beats_ms[session_id] = self.beat_ms
        self.heard_s = now_s
        self.down = False
        if session_id in self.left:
            self.clone_suspected = True
            self.clone_heard_s = now_s
        elif now_s - self.clone_heard_s > CLONE_QUIET_S:
            self.clone_suspected = False
        if session_id == self.session_id:
            return False
        self._leave(session_id)
        return True

    def _leave(self, session_id: str) -> None:
        """`session_id` is the current session from now on."""
        left = [each for each in self.left if each != session_id]
        if self.session_id is not None:
            left.append(self.session_id)
        self.left = left[-SESSIONS_KEPT:]
        self.session_id = session_id
        kept = (*self.left, session_id)
        self.beats_ms = {each: ms for each, ms in self.beats_ms.items() if each in kept}

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
