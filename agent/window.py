"""Which record to send next: the agent's end of the stream, without socket or clock.

    acked <= sent <= last         all of them seqs of the spool

`sent` runs ahead of `acked` by at most the window. A resend, a new gateway session or a
time-out puts it back. A record's `prev_seq` is the seq sent before it, so that the gateway
sees a hole whatever the broker lost.

            a connection or gateway begins, with a backlog
    LIVE -------------------------------------------------> DRAINING   snapshots first, and at
         <-------------------------------------------------            each change; the events
                        sent has reached last                          in order, historical
"""

from dataclasses import dataclass


@dataclass(slots=True)
class Window:
    """The stream's position. Seqs; `now_s` is monotonic."""

    records: int
    backlog: int
    ack_timeout_s: float
    acked: int = 0
    sent: int = 0
    draining: bool = False
    waiting_since_s: float | None = None

    def room(self) -> int:
        """How many more records may be under way; with holes in the seqs, fewer than could be."""
        return max(self.records - (self.sent - self.acked), 0)

    def begin(self, last: int) -> None:
        """A connection or a gateway's process begins: what was under way may be lost."""
        self.back_to(self.acked)
        self.draining = last - self.acked > self.backlog

    def back_to(self, seq: int) -> None:
        """Send again all that comes after `seq`."""
        self.sent = seq
        self.waiting_since_s = None

    def begin_again(self, seq: int, last: int) -> None:
        """Another gateway, which has only what comes up to `seq`."""
        self.acked = seq
        self.begin(last)

    def has_sent(self, seq: int, last: int, now_s: float) -> None:
        """Records up to `seq` are under way, the spool ends at `last`."""
        self.sent = seq
        if self.waiting_since_s is None:
            self.waiting_since_s = now_s
        self._end_draining(last)

    def acknowledged(self, seq: int, last: int, now_s: float) -> None:
        """The gateway has committed all up to `seq`, the spool ends at `last`."""
        if seq <= self.acked:
            return
        self.acked = seq
        self.sent = max(self.sent, seq)
        self.waiting_since_s = now_s if self.sent > self.acked else None
        self._end_draining(last)

    def overdue(self, now_s: float) -> bool:
        """Whether a running gateway has been silent about what was sent for too long."""
        since = self.waiting_since_s
        return since is not None and now_s - since > self.ack_timeout_s

    def _end_draining(self, last: int) -> None:
        if self.sent >= last:
            self.draining = False
