"""The reckoning behind the wear table."""

import pytest

from bench.card.life import CEILING, days_of_life, over_ceiling, syncs_between_marks
from bench.wear import EVENTS


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


def test_a_ceiling_is_for_each_store_and_batch() -> None:
    for kind, batches in CEILING.items():
        for batch, most in batches.items():
            assert over_ceiling(kind, batch, most) == []
            (words,) = over_ceiling(kind, batch, most + 1)
            assert words.startswith(f"{kind}, {batch} a commit: {most + 1:,} bytes")


def test_each_measured_batch_has_its_ceiling() -> None:
    assert {kind: set(batches) for kind, batches in CEILING.items()} == {
        "agent": set(EVENTS),
        "gateway": set(EVENTS),
    }


def test_the_bare_insert_has_none() -> None:
    assert over_ceiling("bare", 1, 1e9) == []
