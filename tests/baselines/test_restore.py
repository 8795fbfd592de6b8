"""A restore is used only where it is exact, bit by bit; what cannot be restored says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from baseline_worlds import WORLDS

from lifesigns.baselines.environment import EnvironmentProblem, open_world
from lifesigns.baselines.fidelity import check, choose
from lifesigns.baselines.problem import Problem
from lifesigns.baselines.restore import Attributes, DeepCopy, Replay
from lifesigns.baselines.user_pair import user_pair


@pytest.mark.parametrize(
    "name", ["CartPole-v1", "Pendulum-v1", "MountainCar-v0", "FrozenLake-v1", "Corridor", "Nested"]
)
def test_plain_environments_are_restored_by_their_attributes(problem: Callable[..., Problem], name: str) -> None:
    assert isinstance(problem(name).restore, Attributes)


@pytest.mark.parametrize("adapter", [Attributes, DeepCopy, Replay])
def test_every_general_adapter_is_exact_on_the_cart_pole(adapter: Any) -> None:
    world = open_world("CartPole-v1", {}, [])
    assert check(world, adapter(world)) == ""


def test_an_adapter_that_forgets_is_refused() -> None:
    class Forgets(Attributes):
        def restore(self, state: Any, rng: Any = None) -> None:
            super().restore(state, rng)
            self.world.env.unwrapped.state = np.array(self.world.env.unwrapped.state) + 1e-6

    world = open_world("CartPole-v1", {}, [])
    assert "observation differs" in check(world, Forgets(world))


def test_an_environment_with_a_clock_cannot_be_restored() -> None:
    found = choose(open_world(f"{WORLDS}:NoRestore", {}, []))
    assert found.adapter is None
    assert any("generator" in why for why in found.refused)


def test_the_users_own_pair_is_checked_too() -> None:
    world = open_world(f"{WORLDS}:Corridor", {}, [])
    good = choose(world, user_pair(f"{WORLDS}:save,load"))
    assert good.adapter is not None
    assert good.adapter.name == "your `save` and `load`"
    wrong = choose(world, user_pair(f"{WORLDS}:save,load_wrongly"))
    assert isinstance(wrong.adapter, Attributes)
    assert "load_wrongly" in wrong.refused[0]


@pytest.mark.parametrize("named", ["nonsense", f"{WORLDS}:save", f"{WORLDS}:save,absent", "no_module:a,b"])
def test_a_pair_that_cannot_be_found_is_said(named: str) -> None:
    with pytest.raises(EnvironmentProblem):
        user_pair(named)


def test_chance_is_drawn_anew_when_asked() -> None:
    world = open_world(f"{WORLDS}:Slippery", {}, [])
    adapter = Attributes(world)
    world.reset(seed=0)
    state, rng = adapter.save(), np.random.default_rng(0)

    def future(fresh: bool) -> tuple[Any, ...]:
        adapter.restore(state, rng if fresh else None)
        return tuple(world.step(1)[0] for _ in range(6))

    assert len({future(False) for _ in range(8)}) == 1
    assert len({future(True) for _ in range(8)}) > 1


def test_mujoco_is_restored_with_what_was_computed_before() -> None:
    pytest.importorskip("mujoco")
    from lifesigns.baselines.restore_simulators import MujocoState

    for name in ("HalfCheetah-v5", "Reacher-v5"):
        assert isinstance(choose(open_world(name, {}, [])).adapter, MujocoState)


@pytest.mark.parametrize("game", ["tic_tac_toe", "kuhn_poker"])
def test_a_game_of_open_spiel_is_searched(game: str) -> None:
    pytest.importorskip("pyspiel")
    from lifesigns.baselines import measures
    from lifesigns.baselines.methods import fixed, tree_search
    from lifesigns.baselines.problem import Slice
    from lifesigns.baselines.ready import ready

    made = ready(f"open_spiel:{game}", 0.0)
    assert isinstance(made.restore, Attributes)
    made.stochastic = True
    fixed.random(made, Slice(made.world, 0.5))
    rung, _ = tree_search.uct(made, Slice(made.world, 5.0), simulations=60, depth=8, most=12)
    assert len(rung.returns) >= 5
    random = sum(float(s.sum()) for s in made.random_streams) / len(made.random_streams)
    assert rung.mean >= random
    if game == "tic_tac_toe":
        assert rung.mean > 0.5
    assert measures.self_play(made.world.env)[0].value is True


def test_without_open_spiel_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyspiel", None)
    with pytest.raises(EnvironmentProblem, match="OpenSpiel is not installed"):
        open_world("open_spiel:tic_tac_toe", {}, [])
