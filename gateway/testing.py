"""What tests of the gateway share: a clock to set, a small lot, records as an agent makes them."""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.config import GatewaySettings

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class SetClock:
    """A `runtime.clock.Clock` that stands until it is moved."""

    boot_id = "boot-1"

    def __init__(self, *, synced: bool = True) -> None:
        self.now_s = 1000.0
        self.is_synced = synced

    def monotonic(self) -> float:
        """Seconds."""
        return self.now_s

    def wall(self) -> datetime:
        """UTC; START is at 1000 s."""
        return START + timedelta(seconds=self.now_s - 1000.0)

    def synced(self) -> bool:
        """As it was set."""
        return self.is_synced

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Move instead of waiting."""
        self.now_s += seconds
        return event.is_set()


def lot_settings(folder: Path, **sections: Any) -> GatewaySettings:
    """Two zones; A1, A2 belong to agent pi-1, B1 to nobody in particular; zone L is counted."""
    return GatewaySettings.model_validate(
        {
            "facility_id": "f1",
            "lot_id": "lot-1",
            "store": {"path": folder / "gateway.db"},
            "zones": [{"zone_id": "A"}, {"zone_id": "B"}, {"zone_id": "L", "counted_capacity": 5}],
            "spots": [
                {"spot_id": "A1", "zone_id": "A", "agent_id": "pi-1"},
                {"spot_id": "A2", "zone_id": "A", "agent_id": "pi-1"},
                {"spot_id": "B1", "zone_id": "B"},
            ],
            **sections,
        }
    )


def changed(seq: int, status: str = "occupied", **fields: Any) -> dict[str, Any]:
    """A SpotChanged of agent pi-1, epoch e1, as it is on the wire."""
    previous = {"occupied": "free", "free": "occupied"}.get(status, "free")
    return {
        "type": "spot_changed",
        "agent_id": "pi-1",
        "epoch": "e1",
        "seq": seq,
        "prev_seq": seq - 1,
        "spot_id": "A1",
        "status": status,
        "previous": previous,
        "confidence": 1.0,
        "timestamp": (START - timedelta(seconds=100 - seq)).isoformat(),
        "clock": "synced",
        "monotonic_ms": 900_000 + seq * 1000,
        "boot_id": "pi-boot",
        **fields,
    }
