"""Spans, by hand, and against a reckoning that goes second by second."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gateway.history.schema import CLOSED, FREE, OCCUPIED, UNKNOWN
from gateway.history.timeline import Said, Span, Stay, pieces, spans, stays

END = 60


def said(*changes: tuple[int, int]) -> list[Said]:
    return [Said(at, status, 1, 7) for at, status in changes]


def test_a_silence_is_unknown_and_a_closed_spot_is_closed_all_the_same() -> None:
    found = spans(said((0, FREE), (10, OCCUPIED)), {7: [(4, 12)]}, [(11, 20)], 30)
    assert [each[:3] for each in found] == [
        (0, 4, FREE),
        (4, 11, UNKNOWN),
        (11, 20, CLOSED),
        (20, 30, OCCUPIED),
    ]


def test_only_a_stay_that_was_seen_to_begin_and_to_end_has_a_length() -> None:
    seen = said((0, FREE), (10, OCCUPIED), (20, FREE), (30, UNKNOWN), (40, OCCUPIED), (50, FREE))
    assert list(stays(spans(seen, {}, [], END))) == [Stay(20, 1, 10)]
    assert list(stays(spans(seen, {7: [(12, 13)]}, [], END))) == []
    assert list(stays(spans(seen, {8: [(12, 13)]}, [], END))) == [Stay(20, 1, 10)]


holes = st.lists(st.integers(0, END), max_size=6, unique=True).map(
    lambda ends: [
        (a, b) for a, b in zip(sorted(ends)[::2], sorted(ends)[1::2], strict=False) if a < b
    ]
)
changes = st.lists(st.tuples(st.integers(0, END - 1), st.integers(0, 2)), max_size=8)


@given(changes.map(sorted), holes, holes)
def test_spans_are_what_each_second_was(
    changed: list[tuple[int, int]], silent: list[tuple[int, int]], closed: list[tuple[int, int]]
) -> None:
    found = spans(said(*changed), {7: silent}, closed, END)

    def was(at: int) -> int | None:
        before = [status for since, status in changed if since <= at]
        if not before:
            return None
        if any(a <= at < b for a, b in closed):
            return CLOSED
        return UNKNOWN if any(a <= at < b for a, b in silent) else before[-1]

    told = {at: each.status for each in found for at in range(each.begin_ms, each.end_ms)}
    newest = [at for at in range(END) if was(at) is not None]
    assert told == {at: was(at) for at in newest}
    assert all(a.end_ms == b.begin_ms for a, b in pairwise(found))
    assert sum(part for each in found for _, part in pieces(each, 7)) == len(told)


def test_pieces_end_where_the_next_begin() -> None:
    assert list(pieces(Span(5, 10, FREE, 1), 5)) == [(1, 5)]
