"""Where the stream stands: what is sent next, again, or not yet."""

import pytest

from agent.window import Window


@pytest.fixture
def window() -> Window:
    return Window(records=10, backlog=5, ack_timeout_s=15.0)


def test_what_is_sent_and_not_acknowledged_takes_room(window: Window) -> None:
    assert window.room() == 10
    window.has_sent(7, last=20, now_s=0.0)
    assert window.room() == 3
    window.has_sent(30, last=30, now_s=0.0)  # seqs that were given up leave holes
    assert window.room() == 0
    window.acknowledged(30, last=30, now_s=1.0)
    assert window.room() == 10


def test_an_acknowledgement_never_goes_back(window: Window) -> None:
    window.has_sent(7, last=7, now_s=0.0)
    window.acknowledged(5, last=7, now_s=1.0)
    window.acknowledged(3, last=7, now_s=2.0)
    assert (window.acked, window.sent) == (5, 7)


def test_a_new_connection_sends_again_what_was_under_way(window: Window) -> None:
    window.has_sent(7, last=7, now_s=0.0)
    window.acknowledged(4, last=7, now_s=0.0)
    window.begin(last=7)
    assert (window.sent, window.draining) == (4, False)


@pytest.mark.parametrize(("last", "draining"), [(5, False), (6, True)])
def test_more_than_the_backlog_drains(window: Window, last: int, draining: bool) -> None:
    window.begin(last)
    assert window.draining is draining


def test_draining_ends_when_all_is_sent(window: Window) -> None:
    window.begin(last=8)
    window.has_sent(7, last=8, now_s=0.0)
    assert window.draining
    window.has_sent(8, last=8, now_s=0.0)
    assert not window.draining


def test_draining_ends_when_the_gateway_has_it_all_already(window: Window) -> None:
    """Killed before it kept its position, an agent learns so from the retained ack."""
    window.begin(last=8)
    window.acknowledged(8, last=8, now_s=0.0)
    assert (window.sent, window.draining) == (8, False)


def test_another_gateway_is_told_from_where_it_stands(window: Window) -> None:
    window.has_sent(20, last=20, now_s=0.0)
    window.acknowledged(20, last=20, now_s=0.0)
    window.begin_again(0, last=20)
    assert (window.acked, window.sent, window.draining) == (0, 0, True)


def test_a_resend_starts_where_it_is_asked_for(window: Window) -> None:
    window.has_sent(9, last=9, now_s=0.0)
    window.back_to(3)
    assert (window.sent, window.acked) == (3, 0)


def test_silence_is_overdue_from_the_first_that_waits(window: Window) -> None:
    assert not window.overdue(1000.0)
    window.has_sent(3, last=3, now_s=100.0)
    window.has_sent(5, last=5, now_s=110.0)
    assert not window.overdue(115.0)
    assert window.overdue(115.1)


def test_progress_sets_the_patience_anew_and_the_end_ends_it(window: Window) -> None:
    window.has_sent(5, last=5, now_s=100.0)
    window.acknowledged(2, last=5, now_s=110.0)
    assert not window.overdue(120.0)
    assert window.overdue(125.1)
    window.acknowledged(5, last=5, now_s=126.0)
    assert not window.overdue(1e9)


def test_after_a_resend_nothing_waits_until_something_is_sent(window: Window) -> None:
    window.has_sent(5, last=5, now_s=100.0)
    window.back_to(0)
    assert not window.overdue(1e9)
