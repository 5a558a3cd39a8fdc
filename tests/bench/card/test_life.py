"""The reckoning behind the wear table."""

import pytest

from bench.card.life import days_of_life, syncs_between_marks


def test_days_are_endurance_over_what_a_day_writes() -> None:
    assert days_of_life(16, 20_000, 8_000) == pytest.approx(100_000)
    assert days_of_life(16, 20_000, 16_000) == pytest.approx(50_000)


@pytest.mark.parametrize(("events", "size"), [(0, 1), (1, 0), (-1, 1)])
def test_nothing_written_has_no_days(events: float, size: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        days_of_life(1, events, size)


def test_syncs_are_counted_between_the_marks_alone() -> None:
    trace = (
        "12 fsync(3) = 0\n--- SIGURG {si_signo=SIGURG} ---\n12 fdatasync(4) = 0\n"
        "13 fdatasync(5 <unfinished ...>\n12 fsync(4) = 0\n13 <... fdatasync resumed>) = 0\n"
        "--- SIGURG {si_signo=SIGURG} ---\n12 fdatasync(4) = 0\n"
    )
    assert syncs_between_marks(trace) == 3


def test_a_trace_without_its_marks_is_no_measurement() -> None:
    with pytest.raises(ValueError, match="1 marks"):
        syncs_between_marks("--- SIGURG {} ---\nfsync(3) = 0\n")
