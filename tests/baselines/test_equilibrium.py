"""CFR+ on games of OpenSpiel whose equilibrium is known."""

from __future__ import annotations

import pytest

from lifesigns.baselines import measures
from lifesigns.baselines.methods.equilibrium import cfr
from lifesigns.baselines.problem import Slice


def test_cfr_nears_the_equilibrium_of_kuhn_poker() -> None:
    """The first player's value of Kuhn poker is -1/18; uniform play can be exploited by 11/24 (0.458)."""
    pytest.importorskip("pyspiel")
    from lifesigns.baselines.ready import ready

    made = ready("open_spiel:kuhn_poker", 0.0)
    rung, row = cfr(made, Slice(made.world, 20.0))
    assert row.value is not None, row.text
    assert 0 <= row.value < 0.02
    assert rung.facts["uniform"] == pytest.approx(11 / 24, abs=1e-3)
    assert rung.facts["histories"] == 58
    assert rung.returns
    assert {p.name: p.value for p in measures.self_play(made.world.env)}["equilibrium"] is True


def test_a_game_that_cannot_be_listed_is_blind(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyspiel")
    from lifesigns.baselines.methods import equilibrium
    from lifesigns.baselines.ready import ready

    monkeypatch.setattr(equilibrium, "MOST_HISTORIES", 10)
    made = ready("open_spiel:leduc_poker", 0.0)
    rung, row = cfr(made, Slice(made.world, 5.0))
    assert row.value is None
    assert "could not be listed" in rung.blind


def test_a_game_where_all_is_seen_is_none_for_cfr() -> None:
    pytest.importorskip("pyspiel")
    from lifesigns.baselines.ready import ready

    rows = measures.self_play(ready("open_spiel:tic_tac_toe", 0.0).world.env)
    assert {p.name: p.value for p in rows}["equilibrium"] is False
