"""What a lot's store holds, behind one small protocol: the gateway's SQLite today.

Every call opens the file read-only and closes it again: nothing holds up the gateway's checkpoints.
"""

from pathlib import Path
from typing import Protocol

from contract.alerts import Alert
from gateway.alertbook import AlertBook
from gateway.devices import Device as Registered
from gateway.devices import devices_in
from gateway.occupancy import Believed
from gateway.store import believed_in, closed_in
from gateway.tools.reading import check_schema, reading


class Source(Protocol):
    """A lot's durable state, for reading. Raises `gateway.tools.reading.Unreadable` and
    sqlite3.Error where it cannot be read.
    """

    def last_records(self) -> dict[str, Believed]:
        """What each spot's agent said last, by spot."""
        ...

    def closed_spots(self) -> set[str]:
        """Spots that people have closed."""
        ...

    def accepted(self) -> dict[str, int]:
        """Records that each agent ever gave, by agent."""
        ...

    def devices(self) -> dict[str, Registered]:
        """What was registered over the API: devices without MQTT, and names of agents."""
        ...

    def alerts(self, past: int) -> list[Alert]:
        """The open ones, the worst first, and then the newest `past` that are over."""
        ...


class GatewayFile:
    """The gateway's database as a `Source`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def last_records(self) -> dict[str, Believed]:
        """See `Source`."""
        with reading(self._path) as db:
            check_schema(db)
            return believed_in(db)

    def closed_spots(self) -> set[str]:
        """See `Source`."""
        with reading(self._path) as db:
            check_schema(db)
            return closed_in(db)

    def accepted(self) -> dict[str, int]:
        """See `Source`."""
        with reading(self._path) as db:
            check_schema(db)
            rows = db.execute("SELECT agent_id, SUM(accepted) FROM streams GROUP BY agent_id")
            return dict(rows.fetchall())

    def devices(self) -> dict[str, Registered]:
        """See `Source`."""
        with reading(self._path) as db:
            check_schema(db)
            return devices_in(db)

    def alerts(self, past: int) -> list[Alert]:
        """See `Source`."""
        with reading(self._path) as db:
            check_schema(db)
            book = AlertBook(db)
            return [*book.open, *book.past(past)]
