"""What an agent of 8 spots costs: 1 Hz ranging and 10 Hz magnetic at each, as a share of a core.

    python -m bench.agent_cpu [--seconds S] [--profile-seconds S]

The agent runs as a process, without a broker, on simulated sensors; its CPU time is read from
/proc after it has started. Beside it, in the same run, a process that does no more than poll the
same sensors at the same times: what is over that is the agent's own. Then the same polls, on a
clock that does not wait, under the profiler.
"""

import argparse
import cProfile
import os
import pstats
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from agent.config import AgentSettings
from agent.core import Agent, buses
from agent.store import AgentStore
from agent.testing import SetClock
from runtime.config import load

SPOTS = 8
LIMIT = 0.05
"""Of one core, so that a Pi Zero 2 W, some eight times slower, keeps more than half of one."""
TOP = 12
STARTING_S = 5.0

SPOT = """
[[spots]]
spot_id = "A{number}"
{neighbours}
[spots.sensor]
kind = "simulated"
seed = {number}
mean_stay_s = 600
mean_gap_s = 300
{more}
"""
FUSED = """[spots.waker]
kind = "simulated"
sensor = "magnetic"
seed = {number}
mean_stay_s = 600
mean_gap_s = 300
[spots.detector]
kind = "fused"
asleep_sample_s = 1
"""
BARE = """
import heapq, sys, time
from pathlib import Path
from agent.config import AgentSettings
from agent.core import driver_of
from runtime.config import load
settings = load(Path(sys.argv[1]), AgentSettings)
due = []
for spot in settings.spots:
    for sensor, every_s in ((spot.sensor, spot.sample_s), (spot.waker, spot.waker_sample_s)):
        driver = driver_of(sensor, time.monotonic)
        driver.open()
        heapq.heappush(due, (time.monotonic(), len(due), every_s, driver))
while True:
    at_s, number, every_s, driver = heapq.heappop(due)
    time.sleep(max(at_s - time.monotonic(), 0))
    driver.read()
    heapq.heappush(due, (at_s + every_s, number, every_s, driver))
"""


def configured(folder: Path) -> Path:
    """The agent's file."""
    head = (
        f'agent_id = "pi-1"\nlot_id = "bench"\n[mqtt]\nport = 1\n[spool]\npath = "{folder}/a.db"\n'
    )
    spots = (
        SPOT.format(
            number=number,
            neighbours=f'neighbours = ["A{number - 1}"]' if number else "",
            more=FUSED.format(number=number),
        )
        for number in range(SPOTS)
    )
    path = folder / "agent.toml"
    path.write_text(head + "".join(spots))
    return path


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used (proc(5), utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def share(command: list[str], seconds: float) -> float:
    """The share of a core that a command uses once it has started."""
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            time.sleep(STARTING_S)
            begin_s, begin_cpu_s = time.monotonic(), cpu_s(process.pid)
            time.sleep(seconds)
            return (cpu_s(process.pid) - begin_cpu_s) / (time.monotonic() - begin_s)
        finally:
            process.kill()


def profile(settings: AgentSettings, seconds: float) -> pstats.Stats:
    """The agent's polls of `seconds`, on a clock that is moved."""
    clock = SetClock()
    store = AgentStore(settings.spool.path, settings.spool.limit_bytes)
    agent = Agent(settings, clock, store, "bench")
    threads = buses(agent)
    profiler = cProfile.Profile()
    with profiler:
        end_s = clock.now_s + seconds
        while clock.now_s < end_s:
            for thread in threads:
                thread.poll_due()
            clock.now_s = min(s.due_s for thread in threads for _, s in thread.polled)
    agent.close()
    return pstats.Stats(profiler)


def main() -> None:
    """Print the shares, their ratio to the limit, and the profile's top entries."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=float, default=30.0)
    options.add_argument("--profile-seconds", type=float, default=600.0)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = configured(Path(name))
        bare = share([sys.executable, "-c", BARE, str(path)], given.seconds)
        whole = share([sys.executable, "-m", "agent.app", str(path)], given.seconds)
        print(f"{SPOTS} spots, {SPOTS * 11} readings a second")
        print(f"polling alone: {100 * bare:.1f} % of a core")
        print(
            f"the agent:     {100 * whole:.1f} % = {whole / LIMIT:.2f} x the limit of {LIMIT:.0%}"
        )
        stats = profile(load(path, AgentSettings), given.profile_seconds)
    stats.sort_stats("tottime").print_stats(TOP)


if __name__ == "__main__":
    main()
