"""How many records a call holds, behind what the calls before it did."""

import pytest

from gateway.batch_size import CALL_S, FEW, BatchSize

QUICK_S, SLOW_S = CALL_S / 10, CALL_S * 4


def test_it_begins_with_all_that_the_sink_takes() -> None:
    size = BatchSize(500)
    size.went(500, QUICK_S)
    assert size.records == 500


@pytest.mark.parametrize(("took_s", "refused"), [(QUICK_S, True), (SLOW_S, False)])
def test_what_is_refused_or_timed_out_is_halved_down_to_one_and_grows_again(
    took_s: float, refused: bool
) -> None:
    size = BatchSize(500)
    for _ in range(20):
        size.failed(size.records, took_s, refused=refused)
    assert size.records == 1
    for _ in range(20):
        size.went(size.records, QUICK_S)
    assert size.records == 500


def test_half_of_what_was_sent_not_of_what_might_have_been() -> None:
    size = BatchSize(500)
    size.failed(30, SLOW_S, refused=False)
    assert size.records == 15


def test_a_state_that_goes_alone_does_not_enlarge_the_batches_of_the_past() -> None:
    """Red with a size that doubles behind any quick call: the past's next one timed out."""
    size = BatchSize(500)
    size.failed(40, SLOW_S, refused=False)
    for _ in range(10):
        size.went(1, QUICK_S)
    assert size.records == 20


def test_a_refused_connection_says_nothing_of_the_size() -> None:
    size = BatchSize(500)
    size.failed(500, QUICK_S, refused=False)
    assert size.records == 500


def test_an_uplink_of_so_many_records_a_second_is_found_and_kept() -> None:
    """Red with a size that doubles behind each call: every second one is too long."""
    for per_s in (40, 100, 700):
        size = BatchSize(500)
        took_s = []
        for _ in range(30):
            sent = size.records
            took_s.append(sent / per_s)
            size.went(sent, took_s[-1])
        assert max(took_s[2:]) <= CALL_S
        assert size.records >= per_s * CALL_S / 4


def test_a_way_that_is_long_for_any_size_is_no_reason_for_single_records() -> None:
    size = BatchSize(500)
    for _ in range(20):
        size.went(size.records, SLOW_S)
    assert size.records == FEW


def test_a_sink_of_few_records_is_never_given_more() -> None:
    size = BatchSize(3)
    size.went(3, SLOW_S)
    assert size.records == 3
