"""What waits for whom, read from the file."""

from typing import Any

from gateway.ownership import own
from gateway.tools.status import buffer_status


def test_it_tells_what_waits_since_when_and_what_was_set_aside(house: Any) -> None:
    house.live()
    aside = house.path.with_name("gateway.db.damaged-20260301T000000")
    for suffix in ("", "-wal"):
        aside.with_name(aside.name + suffix).write_bytes(b"x")
    found = buffer_status(house.settings)
    assert {name: sink.records for name, sink in found.sinks.items()} == {"cloud": 2, "disk": 1}
    assert found.sinks["disk"].oldest == "2026-03-01T11:58:25.000Z"
    assert (found.rows, found.dead_letters, found.running) == (4, 2, False)
    assert found.bytes == house.store.spool.bytes
    assert found.set_aside == [str(aside)]
    with own(house.path):
        assert buffer_status(house.settings).running
