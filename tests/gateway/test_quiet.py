"""What says nothing new writes nothing: a card lives of it."""

import json
from pathlib import Path

from gateway.batch import Arrived
from gateway.ingest import Ingest
from gateway.store import GatewayStore
from gateway.testing import SetClock, changed, lot_settings


def test_heartbeats_and_records_that_come_twice_write_nothing(tmp_path: Path) -> None:
    """A batch of heartbeats alone is a commit without events. Red where a repeat moves its stream,
    for which each would cost a page and a sync."""
    settings = lot_settings(tmp_path)
    store = GatewayStore(settings.store.path, settings.store.limit_bytes)
    ingest = Ingest(settings, store, SetClock())
    record = Arrived("pi-1", "", json.dumps([changed(1), changed(2, "free")]).encode())
    log = settings.store.path.with_name(settings.store.path.name + "-wal")
    ingest.take([record])
    written = log.stat()
    for _ in range(5):
        ingest.take([])
        assert ingest.take([record]).appended == 0
    now = log.stat()
    assert (now.st_size, now.st_mtime_ns) == (written.st_size, written.st_mtime_ns)
    ingest.take([Arrived("pi-1", "", json.dumps(changed(3)).encode())])
    assert log.stat().st_mtime_ns > written.st_mtime_ns
    store.close()
