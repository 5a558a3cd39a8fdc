"""What the report must undo: the time of records that a clock which had jumped stamped."""

from datetime import UTC, datetime, timedelta

from contract.upstream import rfc3339
from simulator.clock import LotClock
from simulator.site import JUMP_S, righted

START = datetime(2024, 3, 20, tzinfo=UTC)


def test_a_jumped_clocks_time_is_righted_and_no_other() -> None:
    clock = LotClock(START, 0)
    for off_s in (0.0, -JUMP_S):
        clock.off_s = off_s
        assert righted({"timestamp": rfc3339(clock.wall())}, START) == {"timestamp": rfc3339(START)}
    late = {"timestamp": rfc3339(START + timedelta(days=30))}
    assert righted(late, START) is late
