"""The bundled curves: shapes, scores, and a headline that was derived from the source itself."""

from __future__ import annotations

import numpy as np

from lifesigns.curves import atari, mujoco


def test_atari_has_the_shape_that_the_readme_states() -> None:
    curves = atari()
    assert curves.returns.shape == (6, 60, 5, 199) == (len(curves.agents), len(curves.tasks), 5, 199)
    assert np.isfinite(curves.returns).all()
    assert int(np.isnan(curves.reference).sum()) == int(np.isnan(curves.random).sum()) == 5


def test_median_human_normalised_scores_cross_100_percent_where_the_source_says() -> None:
    """27M frames for Rainbow, never for DQN (measured from the unscaled source)."""
    curves = atari()
    scores = np.nanmedian(curves.normalised().mean(axis=2), axis=1)
    crossed = {
        a: int(np.argmax(s >= 1.0)) + 1 if (s >= 1.0).any() else 0 for a, s in zip(curves.agents, scores, strict=True)
    }
    assert abs(crossed["Rainbow"] - 27) <= 2
    assert crossed["DQN"] == 0


def test_mujoco_returns_are_those_of_the_source() -> None:
    curves = mujoco()
    assert curves.returns.shape == (1, 5, 5, 320)
    assert abs(curves.returns.max() - 14523.965) < 10
    assert (curves.reference > curves.random).all()
