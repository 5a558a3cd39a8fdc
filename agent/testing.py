"""What tests of the agent share: a clock to set, a sensor that says what it is told."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from agent.config import AgentSettings
from agent.core import Agent
from agent.store import AgentStore
from drivers import DriverError, Quality, Reading

SYNCED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class SetClock:
    """A clock that stands until it is moved. Unsynced, it believes that it is 1970."""

    def __init__(self, *, synced: bool = True, boot_id: str = "boot-1") -> None:
        self.now_s = 1000.0
        self.is_synced = synced
        self.boot_id = boot_id

    def monotonic(self) -> float:
        """Seconds."""
        return self.now_s

    def wall(self) -> datetime:
        """SYNCED_AT at 1000 s, or as many seconds after 1970."""
        begin = SYNCED_AT if self.is_synced else datetime(1970, 1, 1, 0, 16, 40, tzinfo=UTC)
        return begin + timedelta(seconds=self.now_s - 1000.0)

    def synced(self) -> bool:
        """As it was set."""
        return self.is_synced

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Move instead of waiting."""
        self.now_s += max(seconds, 0.0)
        return event.is_set()


class ToldSensor:
    """A ranging sensor on `bus`; `says` is a distance in mm, None for no echo, or an error."""

    timeout_s = 0.1

    def __init__(self, monotonic: Callable[[], float], bus: str = "told") -> None:
        self.bus = bus
        self.says: float | DriverError | None = 2500.0
        self.opens = 0
        self._monotonic = monotonic

    def open(self) -> None:
        """Counted."""
        self.opens += 1
        if isinstance(self.says, DriverError):
            raise self.says

    def read(self) -> Reading:
        """What was told."""
        if isinstance(self.says, DriverError):
            raise self.says
        quality = Quality.OK if self.says is not None else Quality.NO_ECHO
        return Reading(self.says, "mm", quality, self.says, self._monotonic())

    def close(self) -> None:
        """Nothing to let go."""


def agent_settings(folder: Path, spots: int = 1, **sections: Any) -> AgentSettings:
    """An agent pi-1 of lot-1 with spots A1, A2, ... that confirm after 2 s."""
    return AgentSettings.model_validate(
        {
            "agent_id": "pi-1",
            "lot_id": "lot-1",
            "spool": {"path": folder / "agent.db"},
            "spots": [
                {
                    "spot_id": f"A{n + 1}",
                    "sensor": {"kind": "simulated"},
                    "detector": {
                        "kind": "ranging",
                        "floor_mm": 2500,
                        "dwell_on_s": 2,
                        "dwell_off_s": 2,
                    },
                }
                for n in range(spots)
            ],
            **sections,
        }
    )


class ToldAgent:
    """An agent whose sensors say what they are told, polled by hand on a set clock."""

    def __init__(self, settings: AgentSettings, clock: SetClock) -> None:
        self.settings = settings
        self.clock = clock
        self.sensors: list[ToldSensor] = []
        self.store = AgentStore(settings.spool.path, settings.spool.limit_bytes)
        self.agent = Agent(settings, clock, self.store, "test", build=self._build)

    def _build(self, settings: Any, monotonic: Callable[[], float]) -> ToldSensor:
        self.sensors.append(ToldSensor(monotonic))
        return self.sensors[-1]

    def run(self, seconds: float) -> None:
        """Poll every sensor each second."""
        for _ in range(int(seconds)):
            self.clock.now_s += 1
            for watch in self.agent.watches:
                self.agent.poll(watch)

    def occupy(self, spot: int = 0) -> None:
        """A car comes and is confirmed."""
        self.sensors[spot].says = 900.0
        self.run(6)

    def free(self, spot: int = 0) -> None:
        """It leaves and that is confirmed."""
        self.sensors[spot].says = 2500.0
        self.run(6)
