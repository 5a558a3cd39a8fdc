"""Machines that run a program again and again over the same files: one of them, and its deaths."""

import traceback
from collections.abc import Callable
from pathlib import Path
from random import Random

from proof.broker import Broker
from proof.machine import MachineClock, Process
from proof.plan import Plan
from proof.schedule import Schedule
from proof.upstream import Upstream

HASTE_S = 0.01
"""A thread that is woken runs within this."""
RESTART_S = 1.0


class Surroundings:
    """What all hosts share."""

    def __init__(self, plan: Plan, folder: Path, *, tracing: bool) -> None:
        self.plan = plan
        self.folder = folder
        self.rng = Random(f"{plan.seed} world")
        self.schedule = Schedule(Random(f"{plan.seed} ties"))
        self.findings: list[str] = []
        self.trace: list[str] | None = [] if tracing else None
        self.broker: Broker
        self.upstream: Upstream

    def tell(self, who: str, what: str) -> None:
        """A line of the trace."""
        if self.trace is not None:
            self.trace.append(f"{self.schedule.now_s:12.6f} {who:8} {what}")

    def find(self, what: str) -> None:
        """A broken promise."""
        self.tell("FINDING", what)
        self.findings.append(what)


class Host:
    """A machine with one program. Subclasses `build` it, and let go of it in `abandon`."""

    def __init__(self, around: Surroundings, name: str, client: str) -> None:
        self.around = around
        self.name = name
        self.client = client
        self.clock = MachineClock(around.schedule, name)
        self.process: Process | None = None
        self.life = 0
        self.down_s = RESTART_S
        self.power_cut = False

    def build(self, process: Process) -> None:
        """Construct the program and wake its threads."""
        raise NotImplementedError

    def abandon(self) -> None:
        """The process is dead: close what its kernel would close."""
        raise NotImplementedError

    @property
    def up(self) -> bool:
        """Whether the program runs."""
        return self.process is not None and self.process.alive

    def start(self) -> None:
        """Run the program, unless it runs."""
        if self.up:
            return
        self.life += 1
        self.down_s, self.power_cut = RESTART_S, False
        self.around.tell(self.name, f"starts, life {self.life}")
        process = self.process = Process(self.name, self._died)
        process.run(self.guarded(lambda: self.build(process)))

    def kill(self, down_s: float, *, power_cut: bool = False) -> None:
        """SIGKILL, or the power goes; it starts again after `down_s`."""
        self.down_s, self.power_cut = down_s, power_cut
        if self.process is not None and self.process.alive:
            self.process.alive = False
            self._died()

    def doom(self, points: int, down_s: float) -> None:
        """It dies so many commits and sends from now, on either side of one."""
        if self.process is not None and self.process.alive:
            self.process.points_left = points
            self.down_s = down_s

    def step(self, do: Callable[[], None]) -> Callable[[], None]:
        """`do` as the process that runs now, for a thread of it."""
        process, guarded = self.process, self.guarded(do)
        assert process is not None
        return lambda: process.run(guarded)

    def guarded(self, do: Callable[[], None]) -> Callable[[], None]:
        """`do`; where it fails, the process ends as the real one would, and that is a finding."""

        def guarded() -> None:
            try:
                do()
            except Exception as error:
                where = traceback.extract_tb(error.__traceback__)[-1]
                self.around.find(
                    f"{self.name} failed: {error!r} at {Path(where.filename).name}:{where.lineno}"
                )
                self.kill(RESTART_S)

        return guarded

    def haste_s(self) -> float:
        """How late a thread runs that is woken."""
        return self.around.rng.uniform(0.0005, HASTE_S)

    def _died(self) -> None:
        self.around.tell(self.name, "power cut" if self.power_cut else "dies")
        network = self.around.broker.network
        if self.power_cut:
            network.vanish(self.client)
        else:
            network.end(self.client)
        self.abandon()
        if self.down_s != float("inf"):
            self.around.schedule.after(self.down_s, self.start)
