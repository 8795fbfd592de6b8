"""Smoothing against a direct computation."""

from __future__ import annotations

import numpy as np
import pytest

from lifesigns.detectors.levels import smoothed


@pytest.mark.parametrize("count", [10, 57, 199, 4000])
def test_smoothed_is_the_mean_over_windows(count: int) -> None:
    values = np.random.default_rng(0).normal(1e6, 1, count)
    width = max(count // 20, 10)
    direct = [values[i : i + width].mean() for i in range(0, count - width + 1, width // 2)]
    assert smoothed(values) == pytest.approx(direct, rel=1e-12)


def test_too_few_values_give_nothing() -> None:
    assert len(smoothed(np.ones(9))) == 0
