"""Spans of time."""

from random import Random

import numpy as np
import pytest

from simulator.world.spans import Spans, random_spans


def test_a_span_holds_its_begin_and_not_its_end() -> None:
    spans = Spans.of([(10.0, 20.0), (20.0, 25.0), (40.0, 41.0)])
    times = np.array([9.9, 10.0, 19.9, 20.0, 25.0, 40.5, 50.0])
    assert spans.at(times).tolist() == [-1, 0, 0, 1, -1, 2, -1]


def test_no_spans_hold_nothing() -> None:
    assert not Spans.of([]).hold(np.array([0.0, 1.0])).any()


def test_the_share_of_a_span_that_is_over() -> None:
    spans = Spans.of([(10.0, 20.0)])
    assert spans.share(np.array([10.0, 15.0, 30.0]), np.array([0, 0, 0])).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize("spans", [[(5.0, 4.0)], [(0.0, 5.0), (4.0, 6.0)]])
def test_overlap_and_disorder_are_refused(spans: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="overlap"):
        Spans.of(spans)


def test_random_spans_come_as_often_and_last_as_long_as_asked() -> None:
    spans = random_spans(Random(1), 6.0, (1.0, 6.0), 500 * 3600.0)
    assert 2800 < len(spans) < 3200
    lengths = spans.ends_s - spans.begins_s
    assert lengths.min() >= 1.0
    assert lengths.max() <= 6.0


def test_a_rate_of_nothing_is_none() -> None:
    assert len(random_spans(Random(1), 0.0, (1.0, 6.0), 1e6)) == 0
