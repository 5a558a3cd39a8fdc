"""Intervals and percentiles against published and other people's figures."""

import statistics

import pytest

from score.intervals import percentile, wilson


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        # R 4: prop.test(x, n, correct = FALSE)$conf.int
        (0, 10, 0.0, 0.2775328),
        (1, 10, 0.01787621, 0.4041500),
        (10, 10, 0.7224672, 1.0),
        (81, 263, 0.2553, 0.3662),  # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_published_figures(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson(hits, trials) == pytest.approx((low, high), abs=6e-5)


def test_no_trials_tell_nothing() -> None:
    assert wilson(0, 0) == (0, 1)


@pytest.mark.parametrize(("hits", "trials"), [(3, 2), (-1, 2)])
def test_more_hits_than_trials_are_refused(hits: int, trials: int) -> None:
    with pytest.raises(ValueError, match=f"hits {hits} must lie between 0 and trials {trials}"):
        wilson(hits, trials)


def test_percentiles_are_those_of_the_library() -> None:
    values = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]
    twentieths = statistics.quantiles(values, n=20, method="inclusive")
    assert percentile(values, 0.5) == pytest.approx(twentieths[9])
    assert percentile(values, 0.95) == pytest.approx(twentieths[18])


def test_the_ends_and_single_values() -> None:
    assert percentile([7.0], 0.95) == 7.0
    assert percentile([1.0, 2.0], 1.0) == 2.0
    assert percentile([1.0, 2.0], 0.0) == 1.0
    assert percentile([], 0.5) is None
