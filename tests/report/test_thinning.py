import numpy as np
import pytest

from lifesigns.model.series import series
from lifesigns.report.thinning import MOST_COLUMNS, MOST_MARKS, lines, not_finite, rows, thin

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("count", [0, 1, 5, 2000, 2001, 7777, 100_000])
def test_a_thinned_series_is_short_and_keeps_ends_and_extremes(count: int) -> None:
    y = np.random.default_rng(count).normal(size=count)
    kept = thin(y, 2000)
    assert len(kept) == min(count, len(kept)) <= 2000
    assert (np.diff(kept) > 0).all()
    if count:
        assert (kept[0], kept[-1]) == (0, count - 1)
        assert (y[kept].min(), y[kept].max()) == (y.min(), y.max())


def test_a_short_series_is_kept_whole() -> None:
    assert thin(np.ones(2000), 2000).tolist() == list(range(2000))


def test_a_single_peak_and_a_single_nan_survive() -> None:
    y = np.zeros(50_000)
    y[12_345], y[23_456] = 9.0, NAN
    kept = thin(y, 2000)
    assert {12_345, 23_456} <= set(kept.tolist())
    assert [12_345.0, 9.0] in rows(np.arange(50_000.0), y, 2000)
    assert [23_456.0, None] in rows(np.arange(50_000.0), y, 2000)


def test_values_that_are_not_finite_are_marked_and_not_too_many() -> None:
    assert not_finite(np.arange(4.0), np.array([1.0, NAN, INF, -INF])) == [
        [1.0, "nan"],
        [2.0, "inf"],
        [3.0, "-inf"],
    ]
    many = not_finite(np.arange(5000.0), np.full(5000, NAN))
    assert len(many) == MOST_MARKS
    assert (many[0][0], many[-1][0]) == (0.0, 4999.0)


def test_of_many_columns_the_cited_one_is_drawn() -> None:
    wide = series("s", "update", np.zeros((3, 30)))
    names = [name for name, _ in lines(wide, ("29",))]
    assert names == [*map(str, range(MOST_COLUMNS - 1)), "29"]
