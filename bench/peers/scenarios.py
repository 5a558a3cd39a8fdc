"""What each side goes through, and the figures of one run."""

import time
from dataclasses import dataclass

from bench.end_to_end import LoadAgent
from bench.lot import written_bytes
from bench.peers.account import Account, account
from bench.peers.side import Side, peak_mb, written

QUIET_S = 65.0
"""So long without an arrival is the end, where events are missing: a side may be pausing before it
tries its uplink again, ours for a minute at most."""
LATE_S = 2.0
"""When all have arrived, so much longer is waited for duplicates."""


@dataclass(frozen=True, slots=True)
class Run:
    """The figures of one run."""

    account: Account
    seconds: float
    """From the first event sent, or from the uplink's return, to the last arrival."""
    gateway_mb: float
    gateway_bytes: float | None = None
    """Written to the disk for each event, as is `sender_bytes`."""
    sender_bytes: float | None = None
    stored: int | None = None
    """Events on the disk when the uplink came back."""

    @property
    def rate_per_s(self) -> float:
        """Delivered events a second."""
        return self.account.delivered / self.seconds if self.seconds > 0 else 0.0


def through(side: Side, events: int, rate_per_s: float = 0) -> Run:
    """End to end, the uplink up."""
    side.uplink.up()
    side.start()
    side.await_open()
    senders = side.load(events, rate_per_s)
    before = written(side.gateways())
    began_s = time.monotonic()
    tell(senders)
    sender_bytes = sum(written_bytes(sender.child.pid) for sender in senders)
    dismiss(senders)
    settle(side, events)
    return Run(
        reckoned(side, events),
        side.arrivals.last_s - began_s,
        max(peak_mb(each.pid) for each in side.gateways()),
        (written(side.gateways()) - before) / events,
        sender_bytes / events,
    )


def killed(side: Side, events: int, grace_s: float) -> Run:
    """Uplink down, a burst, SIGKILL `grace_s` after it was accepted, a start with the uplink."""
    side.uplink.up()
    side.start()
    side.await_open()
    side.uplink.down()
    senders = side.load(events, 0)
    tell(senders)
    time.sleep(grace_s)
    side.kill()
    stored = side.stored()
    began_s = time.monotonic()
    side.uplink.up()
    side.start()
    return _afterwards(side, events, senders, began_s, stored)


def offline(side: Side, events: int, grace_s: float) -> Run:
    """Started while the uplink is down, and told events; uplink back. Nothing is killed."""
    side.start()
    senders = side.load(events, 0)
    tell(senders)
    time.sleep(grace_s)
    stored = side.stored()
    began_s = time.monotonic()
    side.uplink.up()
    return _afterwards(side, events, senders, began_s, stored)


def _afterwards(
    side: Side, events: int, senders: list[LoadAgent], began_s: float, stored: int
) -> Run:
    settle(side, events)
    dismiss(senders)
    return Run(
        reckoned(side, events),
        max(side.arrivals.last_s - began_s, 0.0),
        max(peak_mb(each.pid) for each in side.gateways()),
        stored=stored,
    )


def reckoned(side: Side, events: int) -> Account:
    """The account. Raises RuntimeError where events came that were not sent: the measure is off."""
    found = account(side.sent(events), side.arrivals.events)
    if found.foreign:
        raise RuntimeError(f"{side.name}: {found.foreign} events arrived that nobody sent")
    return found


def tell(senders: list[LoadAgent]) -> None:
    """Let them send; returns when each has been told that all is accepted."""
    for sender in senders:
        sender.go_on()
    for sender in senders:
        sender.hear()


def dismiss(senders: list[LoadAgent]) -> None:
    """Let the senders end, killed or not."""
    for sender in senders:
        sender.child.communicate(timeout=30)


def settle(side: Side, events: int) -> None:
    """Return when all have arrived, or when nothing has come for `QUIET_S`."""
    wanted = set(side.sent(events))
    quiet_since_s = time.monotonic()
    count = len(side.arrivals.events)
    while time.monotonic() - quiet_since_s < QUIET_S:
        time.sleep(0.2)
        if len(side.arrivals.events) != count:
            count, quiet_since_s = len(side.arrivals.events), time.monotonic()
        elif time.monotonic() - quiet_since_s >= LATE_S and wanted <= set(side.arrivals.events):
            return
