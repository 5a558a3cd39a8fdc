"""The alert rules at work: look at the lot, keep what changed, owe it to the topics."""

from gateway.alerts.engine import Change, Moment, retire, step
from gateway.alerts.registry import every_s, look
from gateway.facts import Gatherer
from gateway.lot import Lot


class Alarms:
    """Looks at the lot for each rule that is enabled. Used by the service's thread alone."""

    def __init__(self, lot: Lot) -> None:
        self._lot = lot
        self._gatherer = Gatherer(lot)
        self._due_s = dict.fromkeys(lot.settings.alerts.enabled(), 0.0)
        self._retired = False

    def tick(self, *, linked: bool) -> bool:
        """Look for what is due; answers whether anything changed. Only then is anything written."""
        now = moment(self._lot)
        due = [kind for kind, due_s in self._due_s.items() if now.monotonic_s >= due_s]
        if not due:
            return False
        book, settings = self._lot.store.alerts, self._lot.settings.alerts
        facts = self._gatherer.facts(linked=linked)
        state = book.state
        changes: list[Change] = []
        if not self._retired:
            self._retired = True
            state, changes = retire(state, self._due_s, now)
        for kind in due:
            self._due_s[kind] = now.monotonic_s + every_s(kind)
            rule = settings.of(kind)
            state, changed = step(state, kind, rule, look(kind, facts, rule), now)
            changes += changed
        if changes:
            with self._lot.store.transaction():
                book.take(state, changes)
        else:
            book.state = state
        return bool(changes)


def moment(lot: Lot) -> Moment:
    """Now, by the lot's clock."""
    clock = lot.clock
    return Moment(clock.wall(), clock.monotonic(), clock.synced())
