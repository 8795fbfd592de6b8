"""Each method finds the stated optimum of a tiny world, or is blind and says why."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from baseline_worlds import Corridor

from lifesigns.baselines import pace
from lifesigns.baselines.methods import (
    bandit,
    cloning,
    evolution,
    fixed,
    gorp,
    ilqr,
    linear,
    lqr,
    mppi,
    open_loop,
    rollout_iw,
    tabular,
    tree_search,
)
from lifesigns.baselines.problem import Problem, Slice

Make = Callable[..., Problem]
SECONDS = 0.6


def ready(problem: Problem) -> tuple[Problem, Slice]:
    """After random play, as in a survey."""
    fixed.random(problem, Slice(problem.world, 0.2))
    return problem, Slice(problem.world, SECONDS)


def test_constants_name_the_best_action(problem: Make) -> None:
    made, limit = ready(problem("Bandit"))
    rungs = {r.method: r.mean for r in fixed.constants(made, limit)}
    assert rungs == {"constant 0": 0.0, "constant 1": 0.0, "constant 2": 10.0}


@pytest.mark.parametrize("name", ["Corridor", "Counted"])
def test_value_iteration_is_exact_by_visiting_every_state(problem: Make, name: str) -> None:
    made, limit = ready(problem(name))
    rung = tabular.value_iteration(made, limit)
    assert rung.mean == pytest.approx(Corridor.BEST)
    assert rung.facts["states"] == 6


def test_value_iteration_reads_a_table_of_transitions(problem: Make) -> None:
    made, _ = ready(problem("FrozenLake-v1"))
    rung = tabular.value_iteration(made, Slice(made.world, 2.0))
    assert rung.facts["states"] == 16
    assert rung.mean > 0.4
    assert "true model" in rung.unfair


@pytest.mark.parametrize("name", ["Corridor", "Slippery"])
def test_uct_walks_the_corridor(problem: Make, name: str) -> None:
    made, limit = ready(problem(name))
    made.stochastic = name == "Slippery"
    rung, played = tree_search.uct(made, limit, simulations=80, depth=12, most=2)
    assert rung.mean > (0.1 if name == "Corridor" else -0.4)
    assert played[0].whole


def test_iterated_width_walks_the_corridor_straight(problem: Make) -> None:
    made, limit = ready(problem("Corridor"))
    rung, _ = tree_search.iterated_width(made, limit, nodes=60)
    assert rung.mean == pytest.approx(Corridor.BEST)


def test_gorp_walks_the_corridor_and_counts_ties(problem: Make) -> None:
    made, limit = ready(problem("Corridor"))
    rung, _ = gorp.gorp(made, limit, rollouts=10, depth=40, most=2)
    assert rung.mean > 0.2
    assert 0 <= rung.facts["tie_rate"] < 0.5


def test_gorp_ties_where_no_reward_can_be_reached(problem: Make) -> None:
    made, limit = ready(problem("MountainCar-v0"))
    rung, _ = gorp.gorp(made, limit, rollouts=2, depth=15, most=1)
    assert rung.facts["tie_rate"] == 1.0


def test_mppi_steers_and_sweeps_the_horizon(problem: Make) -> None:
    made, limit = ready(problem("Steer"))
    pace.speed(made)
    rung, _ = mppi.mppi(made, limit, horizon=5, samples=40, most=3)
    assert rung.mean > -4.5
    score, _, _ = mppi.scorer(made)
    assert 5 in mppi.horizon_sweep(made, score, 1e5, Slice(made.world, 5.0))
    assert rung.facts["simulator"] == "env.step"


def test_lqr_steers(problem: Make) -> None:
    made, limit = ready(problem("CartPole-v1"))
    rung = lqr.lqr(made, Slice(made.world, 2.0))
    assert rung.mean == 500
    assert limit.seconds == SECONDS


def test_a_linear_policy_balances_the_cart_pole(problem: Make) -> None:
    made, _ = ready(problem("CartPole-v1"))
    made.target = 195.0
    assert linear.cross_entropy(made, Slice(made.world, 2.5)).mean > 150
    guessed = linear.random_weights(made, Slice(made.world, 1.5))
    assert guessed.facts["policies"] > 20
    assert guessed.facts["pic"] > 0.5


def test_the_bandit_learns_what_pays_now(problem: Make) -> None:
    made, limit = ready(problem("Bandit"))
    assert bandit.myopic(made, limit).mean == 10


def test_replayed_lists_suffice_where_nothing_varies(problem: Make) -> None:
    made, limit = ready(problem("Corridor"))
    (rung,) = open_loop.open_loop(made, limit)
    assert rung.mean == pytest.approx(Corridor.BEST)


def test_a_clone_does_as_its_teacher(problem: Make) -> None:
    made, limit = ready(problem("Corridor"))
    _, played = tree_search.iterated_width(made, limit, nodes=60)
    copy = cloning.clone(made, Slice(made.world, 1.0), "IW(1)", played)
    assert copy.mean == pytest.approx(Corridor.BEST)
    assert copy.unfair == "taught by a planner"


def test_gradients_of_the_clones_network_are_right() -> None:
    rng = np.random.default_rng(0)
    for classes in (True, False):
        network = cloning.Network.fresh(3, 2, classes, rng)
        x = rng.normal(size=(5, 3))
        y = np.eye(2)[rng.integers(2, size=5)] if classes else rng.normal(size=(5, 2))

        def loss(net: cloning.Network = network, x: np.ndarray = x, y: np.ndarray = y, c: bool = classes) -> float:
            out = net.forward(x)[-1]
            if c:
                return float(-(y * (out - np.log(np.exp(out).sum(1, keepdims=True)))).sum() / len(x))
            return float(((out - y) ** 2).sum() / len(x))

        for weight, gradient in zip(network.weights, network.gradients(x, y), strict=True):
            at = tuple(0 for _ in weight.shape)
            weight[at] += 1e-6
            above = loss()
            weight[at] -= 2e-6
            numeric = (above - loss()) / 2e-6
            weight[at] += 1e-6
            assert gradient[at] == pytest.approx(numeric, abs=1e-5)


def test_planners_are_blind_without_restore(problem: Make) -> None:
    made, limit = ready(problem("NoRestore"))
    made.no_restore = "the state cannot be restored: a generator"
    for method in (gorp.gorp, tree_search.uct, tree_search.iterated_width):
        rung, played = method(made, limit)
        assert rung.blind == made.no_restore
        assert played == []


def test_mujoco_rollouts_agree_with_env_step(problem: Make) -> None:
    pytest.importorskip("mujoco")
    from lifesigns.baselines.mujoco_rollout import MujocoRollout

    for name, most in (("HalfCheetah-v5", 1e-6), ("Hopper-v5", 1e-6), ("Reacher-v5", 0.02)):
        fast = MujocoRollout.of(problem(name))
        assert fast is not None
        assert fast.error <= most


def test_another_reward_is_not_planned_for_in_closed_form(problem: Make) -> None:
    pytest.importorskip("mujoco")
    from gymnasium.wrappers import TransformReward

    from lifesigns.baselines.mujoco_rollout import MujocoRollout

    made = problem("HalfCheetah-v5")
    made.world.env = TransformReward(made.world.env, lambda r: -r)
    assert MujocoRollout.of(made) is None


def test_rollout_iw_walks_the_corridor_straight(problem: Make) -> None:
    made, limit = ready(problem("Corridor"))
    rung, played = rollout_iw.rollout_iw(made, limit, nodes=60)
    assert rung.mean == pytest.approx(Corridor.BEST)
    assert played[0].whole
    assert rollout_iw.rollout_iw(problem("Steer"), limit)[0].blind


def test_ilqr_finds_the_optimum_of_a_linear_world_with_quadratic_cost(problem: Make) -> None:
    """x' = x + u/2 with |u| <= 1 from x in [1, 2] pays -x'^2: full brake, then zero."""
    made, _ = ready(problem("Steer"))
    made.sps = 1e4
    rung = ilqr.ilqr(made, Slice(made.world, 20.0))
    assert not rung.blind
    assert "true model" in rung.unfair
    for seed, got in enumerate(rung.returns):
        made.world.reset(seed=10_000 + seed)
        x, best = made.world.env.unwrapped.x, 0.0
        for _ in range(20):
            x = max(x - 0.5, 0.0)
            best -= x**2
        assert got == pytest.approx(best, abs=0.02)


def test_ilqr_is_blind_where_it_cannot_differentiate(problem: Make) -> None:
    made, limit = ready(problem("Corridor"))
    assert "discrete" in ilqr.ilqr(made, limit).blind
    made, limit = ready(problem("Pendulum-v1"))
    made.sps = 1.0
    assert "would take" in ilqr.ilqr(made, limit).blind


def test_cma_es_balances_the_cart_pole(problem: Make) -> None:
    pytest.importorskip("cma")
    made, _ = ready(problem("CartPole-v1"))
    made.target = 195.0
    rung = evolution.cma_es(made, Slice(made.world, 3.0))
    assert rung.mean > 100
    assert rung.facts["population"] >= 4
