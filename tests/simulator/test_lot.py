"""When a bay is sampled, and an agent that is unplugged and plugged in again."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.mqtt import MqttSettings
from simulator.clock import LotClock
from simulator.lot import SimulatedLot, sample_times
from simulator.processes import free_port


def test_dense_at_the_start_and_around_each_change_sparse_between() -> None:
    times = list(sample_times([(5000.0, 9000.0)], 12_000.0))
    start = [float(n) for n in range(40)]
    arrival = [4995.0 + n for n in range(45)]
    departure = [8995.0 + n for n in range(45)]
    quiet = [at for at in times if at not in {*start, *arrival, *departure}]
    assert {*start, *arrival, *departure} <= {*times}
    assert quiet[:3] == [640.0, 1240.0, 1840.0]
    assert len(quiet) == 8 + 6 + 4


def test_ends_with_the_last_that_the_end_allows() -> None:
    assert list(sample_times([], 1000.0))[-1] == 640.0
    assert list(sample_times([(990.0, 2000.0)], 1000.0))[-1] == 1000.0


def test_an_end_in_whole_seconds_is_an_end_too() -> None:
    """int.__ge__(float) is NotImplemented, which is true."""
    assert max(sample_times([(100.0, 300.0)], 1000)) <= 1000


def test_a_departure_long_after_the_end_is_not_waited_for() -> None:
    assert list(sample_times([(100.0, 90_000.0)], 1000.0))[-1] <= 1000.0


@given(
    st.lists(st.floats(60.0, 5000.0), max_size=12),
    st.floats(0.0, 20_000.0),
    st.floats(1.0, 900.0),
)
def test_times_rise_keep_to_the_end_and_leave_no_hole(
    lengths: list[float], end_s: float, quiet_s: float
) -> None:
    edges = [sum(lengths[: n + 1]) for n in range(len(lengths) // 2 * 2)]
    intervals = list(zip(edges[::2], edges[1::2], strict=True))
    times = list(sample_times(intervals, end_s, quiet_s))
    steps = [b - a for a, b in pairwise(times)]
    assert all(step > 0 for step in steps)
    assert max(steps, default=0) <= quiet_s + 1 + 1e-6
    assert times[0] == 0
    assert end_s - quiet_s - 1 - 1e-6 <= times[-1] <= end_s
    for edge in edges:
        if edge + 40 <= end_s:
            near = [at for at in times if edge - 5 <= at < edge + 40]
            assert len(near) >= 44


@pytest.fixture
def lot(tmp_path: Path) -> SimulatedLot:
    """Four bays, two agents, and nobody at the broker's port."""
    bays = {"a": [(100.0, 200.0)], "b": [], "c": [(150.0, 400.0)], "d": []}
    clock = LotClock(datetime(2024, 3, 20, tzinfo=UTC), 0)
    return SimulatedLot("lot", bays, clock, MqttSettings(port=free_port()), tmp_path, 2)


def test_agents_share_the_bays(lot: SimulatedLot) -> None:
    assert lot.layout == {"a": "pi-00", "b": "pi-00", "c": "pi-01", "d": "pi-01"}


def test_polls_come_in_the_order_of_the_lots_time(lot: SimulatedLot) -> None:
    lot.start()
    times = list(lot.play(500.0))
    lot.stop()
    assert times == sorted(times)
    assert times[-1] <= 500.0
    assert lot.clock.monotonic() == times[-1]


def test_every_change_is_kept_while_there_is_no_broker(lot: SimulatedLot) -> None:
    lot.start()
    for _ in lot.play(500.0):
        pass
    # A birth each, four first states; two arrivals, two departures.
    assert sum(each.waiting for each in lot.agents) == 2 + 4 + 4
    lot.stop()


def test_an_unplugged_agent_misses_and_plugged_in_keeps_what_it_had(lot: SimulatedLot) -> None:
    lot.start()
    first, second = lot.agents
    for now_s in lot.play(500.0):
        if now_s > 50 and first.plugged:
            before = first.agent.store.epoch, first.waiting
            first.unplug()
    assert first.waiting == 0
    first.plug()
    assert (first.agent.store.epoch, first.waiting) == (before[0], before[1] + 1)  # a birth
    assert second.waiting == 1 + 2 + 2
    lot.stop()


def test_what_is_plugged_in_is_not_plugged_in_again(lot: SimulatedLot) -> None:
    lot.start()
    agent = lot.agents[0].agent
    lot.agents[0].plug()
    assert lot.agents[0].agent is agent
    lot.stop()
