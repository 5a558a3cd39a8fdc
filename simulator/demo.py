"""The demo: a whole lot on this machine, with a view, keys and faults."""

import io
import queue
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from gateway.ask import NoAnswer
from simulator.display import Display
from simulator.faults import Breaker, Fault, What
from simulator.invented import invented_day, under_way
from simulator.keys import keys
from simulator.processes import BrokerKind
from simulator.site import Site
from simulator.view import AgentRow, Frame, render
from simulator.web import Web
from simulator.yesterday import fill

LOT = "demo"
SPOTS = [f"{zone}{number}" for zone in "ABC" for number in range(1, 9)]
ZONES = ["A", "B", "C"]
BAYS_AN_AGENT = 8
STAY_S, GAP_S, FILL_S = 1500.0, 500.0, 2000.0
QUICK_STAY_S, QUICK_GAP_S, QUICK_FILL_S = 180.0, 100.0, 180.0
"""In the time of people, who look at the console: something changes every few seconds."""
UNDER_WAY_S = 600.0
"""And the lot is not empty when they come."""
DAY_S = 7 * 86400.0
LINE_EVERY_S = 2.0
SETTLE_S = 30.0
CUT_BY_KEY: dict[str, What] = {"c": "cloud", "a": "agent"}
KILLED_BY_KEY: dict[str, What] = {"b": "broker", "g": "gateway"}


@dataclass(frozen=True)
class Options:
    """How the demo is run."""

    folder: Path
    duration_s: float | None
    speed: float
    broker: BrokerKind
    seed: int
    faults: Sequence[Fault]
    headless: bool
    console: bool
    """With a console, and a day that was before."""
    picture: Path | None
    """Where to keep the last view as SVG."""
    say: Callable[[str], None]
    """Where a headless demo's lines go."""


class Demo:
    """One run of it."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._began = datetime.now(UTC)
        quick = options.speed == 1
        stay_s, gap_s = (QUICK_STAY_S, QUICK_GAP_S) if quick else (STAY_S, GAP_S)
        fill_s = QUICK_FILL_S if quick else FILL_S
        bays = invented_day(SPOTS, options.seed, DAY_S, stay_s=stay_s, gap_s=gap_s, fill_s=fill_s)
        if quick:
            bays = {bay: under_way(intervals, UNDER_WAY_S) for bay, intervals in bays.items()}
        self.site = Site(
            LOT,
            bays,
            # A lot whose time is quicker than ours begins long ago: it must not tell of tomorrow.
            self._began if quick else self._began - timedelta(seconds=DAY_S),
            folder=options.folder,
            speed=options.speed,
            broker=options.broker,
            bays_an_agent=BAYS_AN_AGENT,
            zones=ZONES,
            quiet_s=max(options.speed / 4, 1.0),
            keeps_past=True,
        )
        self.web = Web(options.folder, self.site.gateway_toml) if options.console else None
        self.display = Display(self.site.mqtt, LOT, self.site.metrics_port)
        self.breaker = Breaker(list(options.faults))
        self._cut: set[What] = set()
        self._began_s = time.monotonic()
        self._line_s = 0.0
        self._told_to_quit = False

    def run(self) -> dict[str, Any]:
        """Run until the time is over, q or `quit`; answers what came of it. Raises NotReady."""
        try:
            if self.web:
                self._remember_yesterday()
            self.site.start()
            self.display.start()
            if self.web:
                self.web.start()
                self.options.say(self.web.words)
            self._began_s = time.monotonic()
            if self.options.headless:
                self._play(queue.SimpleQueue(), self._say_line)
            else:
                live = Live(get_renderable=self._frame, console=Console(), refresh_per_second=4)
                with keys() as pressed, live:
                    self._play(pressed, lambda: None)
            if self.options.picture:
                self._keep_picture(self.options.picture)
            return self._summary()
        finally:
            if self.web:
                self.web.stop()
            self.display.stop()
            self.site.stop()

    def _remember_yesterday(self) -> None:
        agents = self.site.lot.layout
        spots = {spot: (self.site.zone_of(spot), agents[spot]) for spot in SPOTS}
        fill(self.options.folder / "history.db", spots, LOT, self._began)

    def quit(self, number: int, _frame: object) -> None:
        """Handle a signal: end in order. A second one ends at once.

        It is only noted: an exception in the middle of an agent's commit would tear it.
        """
        self._told_to_quit = True
        signal.signal(number, signal.default_int_handler)

    def _play(self, pressed: "queue.SimpleQueue[str]", tell: Callable[[], None]) -> None:
        for _ in self.site.lot.play(DAY_S):
            elapsed_s = time.monotonic() - self._began_s
            self.breaker.step(self.site, elapsed_s)
            tell()
            if self._quits(pressed, elapsed_s):
                break
        self.breaker.end(self.site, time.monotonic() - self._began_s)
        for what in self._cut:
            self.site.restore(what)

    def _quits(self, pressed: "queue.SimpleQueue[str]", elapsed_s: float) -> bool:
        duration_s = self.options.duration_s
        over = duration_s is not None and elapsed_s >= duration_s
        if over or self._told_to_quit:
            return True
        while not pressed.empty():
            key = pressed.get()
            if key == "q":
                return True
            self._press(key)
        return False

    def _press(self, key: str) -> None:
        if key in KILLED_BY_KEY:
            self.breaker.note(KILLED_BY_KEY[key], "killed, started again")
            self.site.strike(KILLED_BY_KEY[key])
        elif (what := CUT_BY_KEY.get(key)) and what in self._cut:
            self._cut.discard(what)
            self.breaker.note(what, "back")
            self.site.restore(what)
        elif what:
            self._cut.add(what)
            self.breaker.note(what, "cut")
            self.site.strike(what)

    def _frame(self) -> Any:
        site = self.site
        rows = [
            AgentRow(
                each.settings.agent_id,
                each.plugged,
                each.waiting,
                each.agent.store.spool.last_seq if each.plugged else 0,
            )
            for each in site.lot.agents
        ]
        return render(
            Frame(
                lot_id=LOT,
                lot_time=site.clock.wall().strftime("%a %H:%M:%S"),
                speed=self.options.speed,
                spots=SPOTS,
                seen=self.display.seen,
                agents=rows,
                cloud_open=site.door.open,
                notes=self.breaker.done[-8:],
                keys=True,
                console=self.web.words if self.web else "",
            )
        )

    def _keep_picture(self, path: Path) -> None:
        console = Console(record=True, width=112, file=io.StringIO())
        console.print(self._frame())
        console.save_svg(str(path), title="lotkeeper demo")

    def _say_line(self) -> None:
        now_s = time.monotonic()
        lot = self.display.seen.lot
        if now_s < self._line_s or lot is None:
            return
        self._line_s = now_s + LINE_EVERY_S
        self.options.say(
            f"{self.site.clock.wall():%H:%M:%S}  {lot.occupied} occupied  {lot.free} free  "
            f"{lot.unknown} unknown  {self.display.seen.accepted:.0f} events"
        )

    def _summary(self) -> dict[str, Any]:
        """Let everything arrive, then take the account."""
        settled = self.site.settled(SETTLE_S)
        try:
            account, occupancy = self.site.status(), self.site.occupancy()
        except NoAnswer as error:
            return {"settled": False, "error": str(error)}
        now_s = self.site.clock.monotonic()
        truly = sum(any(a <= now_s < d for a, d in each) for each in self.site.lot.bays.values())
        return {
            "settled": settled,
            "occupancy": occupancy,
            "occupied_truly": truly,
            "accepted": sum(account["accepted"].values()),
            "sinks": account["sinks"],
            "agents": account["agents"],
            "dead_letters": account["dead_letters"],
            "faults": self.breaker.done,
        }
