"""Variance components against a simulation with known ones, and against the textbook's limits."""

from __future__ import annotations

import numpy as np
import pytest

from lifesigns.stats.components import crossed


def test_known_components_come_back_on_average() -> None:
    rng = np.random.default_rng(0)
    found = np.zeros(4)
    for _ in range(400):
        rows, columns = 2.0 * rng.normal(size=(6, 1, 1)), rng.normal(size=(1, 8, 1))
        together, within = 0.7 * rng.normal(size=(6, 8, 1)), 1.5 * rng.normal(size=(6, 8, 3))
        parts = crossed(rows + columns + together + within)
        found += np.array([parts.rows, parts.columns, parts.together, parts.within]) / 400
    assert found == pytest.approx([4.0, 1.0, 0.49, 2.25], rel=0.12)


def test_without_repeats_the_rest_is_within() -> None:
    rng = np.random.default_rng(1)
    parts = crossed(rng.normal(size=(40, 40, 1)))
    assert parts.together == 0
    assert parts.within == pytest.approx(1.0, rel=0.1)


def test_one_row_is_refused() -> None:
    with pytest.raises(ValueError, match="expected"):
        crossed(np.zeros((1, 4, 2)))
