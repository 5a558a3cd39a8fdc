"""The fleet's demo: lots, a broker, consumers, a database and a lake, with a view."""

import queue
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from cloud.lake.taker import EVENTS
from cloud.postgres import connect
from simulator import embedded
from simulator.fleet.account import account, kafka_ids, lake_ids, number
from simulator.fleet.analyst import Analyst
from simulator.fleet.backend import TOPIC, Backend, kafka_pipe
from simulator.fleet.lots import Bays, Fleet
from simulator.fleet.view import LotRow, Sample, line, render
from simulator.invented import invented_day, under_way
from simulator.keys import keys

LASTS = timedelta(days=7)
"""It begins so long ago, and ends by itself when it has come to now."""
STAY_S, GAP_S, UNDER_WAY_S = 1500.0, 1000.0, 6000.0
WAIT_S = 2.0
"""The lake's consumer writes so often."""
STEP_S, SAMPLE_S, LINE_S = 0.1, 0.5, 2.0
SETTLE_S = 60.0
PART_BY_KEY = {"p": "present", "l": "lake"}
OCCUPANCY = """
SELECT lot_id, capacity, current_occupancy, free_spots FROM current_lot_occupancy ORDER BY lot_id
"""


@dataclass(frozen=True)
class Options:
    """How the demo is run."""

    folder: Path
    lots: int
    spots: int
    duration_s: float | None
    speed: float
    seed: int
    headless: bool
    say: Callable[[str], None]
    """Where a headless demo's lines go."""


def invented(lots: int, spots: int, seed: int) -> dict[str, Bays]:
    """So many lots, under way."""
    names = [f"B{number}" for number in range(1, spots + 1)]
    end_s = UNDER_WAY_S + LASTS.total_seconds()
    found: dict[str, Bays] = {}
    for n in range(1, lots + 1):
        day = invented_day(
            names, seed * 1000 + n, end_s, stay_s=STAY_S, gap_s=GAP_S, fill_s=UNDER_WAY_S / 2
        )
        found[f"lot-{n}"] = {bay: under_way(each, UNDER_WAY_S) for bay, each in day.items()}
    return found


class FleetDemo:
    """One run of it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._told_to_quit = False
        self._notes: list[str] = []

    def run(self) -> dict[str, Any]:
        """Run until the time is over, q or `quit`; the account. Raises OSError, psycopg.Error."""
        with self._running():
            if self.options.headless:
                self._play(queue.SimpleQueue(), self._say_line)
            else:
                live = Live(get_renderable=self._frame, console=Console(), refresh_per_second=4)
                with keys() as pressed, live:
                    self._play(pressed, lambda: None)
            return self._summary()

    def quit(self, number: int, _frame: object) -> None:
        """Handle a signal: end in order. A second one ends at once."""
        self._told_to_quit = True
        signal.signal(number, signal.default_int_handler)

    @contextmanager
    def _running(self) -> Iterator[None]:
        """All parts, and their end in order."""
        options = self.options
        start = (datetime.now(UTC) - LASTS).replace(microsecond=0)
        with (
            embedded.kafka(TOPIC) as self._address,
            embedded.postgres(options.folder / "postgres") as dsn,
        ):
            self.backend = Backend(options.folder, kafka_pipe(self._address), dsn, WAIT_S)
            self.backend.prepare()
            bays = invented(options.lots, options.spots, options.seed)
            self.fleet = Fleet(bays, start, options.folder, self.backend.pipe.make_sink)
            self._analyst = Analyst(self.fleet, self.backend.store, self.backend.time_zone)
            with connect(dsn) as self._conn:
                try:
                    self.backend.consume("present", "lake")
                    self.fleet.begin()
                    self._began_s = self._line_s = time.monotonic()
                    self._sample = self._take_sample()
                    self._analyst.start()
                    yield
                finally:
                    if self._analyst.is_alive():
                        self._analyst.stop()
                    self.fleet.close()
                    self.backend.stop()

    # While it runs ---------------------------------------------------------------------------

    def _play(self, pressed: "queue.SimpleQueue[str]", tell: Callable[[], None]) -> None:
        sampled_s = 0.0
        while not self._is_over() and not self._press(pressed):
            now_s = time.monotonic()
            self.fleet.tell_until((now_s - self._began_s) * self.options.speed)
            if now_s - sampled_s >= SAMPLE_S:
                self._sample, sampled_s = self._take_sample(), now_s
                tell()
            time.sleep(STEP_S)

    def _is_over(self) -> bool:
        elapsed_s = time.monotonic() - self._began_s
        duration_s = self.options.duration_s
        over = duration_s is not None and elapsed_s >= duration_s
        return over or self._told_to_quit or self.fleet.over

    def _press(self, pressed: "queue.SimpleQueue[str]") -> bool:
        """Whether somebody quits."""
        while not pressed.empty():
            key = pressed.get()
            if key == "q":
                return True
            if part := PART_BY_KEY.get(key):
                self.strike(part)
        return False

    def strike(self, part: str) -> None:
        """SIGKILL for the consumer of `part`, and another start."""
        child = self.backend.consumers[f"{part}-1"]
        child.kill()
        child.start()
        self._notes.append(f"{self.fleet.now:%H:%M:%S} {child.name} killed, started again")

    def _take_sample(self) -> Sample:
        return Sample(
            time=f"{self.fleet.now:%a %H:%M:%S}",
            speed=self.options.speed,
            lots=self._lots(),
            told=self.fleet.told,
            delivered=self.fleet.delivered,
            present=number(self._conn, "SELECT count(*) FROM events"),
            stays=number(self._conn, "SELECT count(*) FROM sessions"),
            dead_letters=number(self._conn, "SELECT count(*) FROM dead_letters"),
            consumers=self.backend.states(),
            asked=self._analyst.asked,
            notes=[*self._notes[-6:], *self.fleet.failures()],
        )

    def _lots(self) -> list[LotRow]:
        found = self._conn.execute(OCCUPANCY).fetchall()
        said: dict[str, tuple[int, int, int]] = {row[0]: row[1:] for row in found}
        return [
            LotRow(lot_id, *said.get(lot_id, (0, 0, 0)), lot.occupied)
            for lot_id, lot in self.fleet.lots.items()
        ]

    def _frame(self) -> Any:
        return render(self._sample)

    def _say_line(self) -> None:
        if time.monotonic() >= self._line_s:
            self._line_s = time.monotonic() + LINE_S
            self.options.say(line(self._sample))

    # At the end ------------------------------------------------------------------------------

    def _summary(self) -> dict[str, Any]:
        """Let everything arrive, then take the account."""
        self._settle()
        self._analyst.stop()
        if self._analyst.failure:
            self._notes.append(f"a query failed: {self._analyst.failure}")
        store = self.backend.store
        held = account(self.fleet, kafka_ids(self._address, TOPIC), self._conn, store)
        said = self._analyst.ask_all(self.fleet.now) if held.lake else {}
        return {
            **held.as_dict(),
            "lots": self.options.lots,
            "spots": self.options.lots * self.options.spots,
            "stays": number(self._conn, "SELECT count(*) FROM sessions"),
            "objects": sum(1 for _ in store.names(EVENTS)),
            "queries": said,
            "query_failure": self._analyst.failure and str(self._analyst.failure),
        }

    def _settle(self) -> None:
        """Wait until the last record has come to both ends, a while."""
        until_s = time.monotonic() + SETTLE_S
        while time.monotonic() < until_s and not self._has_arrived():
            time.sleep(SAMPLE_S)

    def _has_arrived(self) -> bool:
        present = number(self._conn, "SELECT count(*) FROM events")
        if self.fleet.waiting or present < self.fleet.told:
            return False
        return len(lake_ids(self.backend.store, self.fleet)) >= self.fleet.told
