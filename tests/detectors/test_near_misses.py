"""Healthy runs that look like faults: no rule may say more than a note about any of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from lifesigns.model import Subject, Trace
from lifesigns.model.catalogue import SERIES
from lifesigns.model.finding import at_least
from lifesigns.model.series import series
from lifesigns.rules import all_rules, run_rule, run_rules

Y = Any


def run(
    values: Mapping[str, Y],
    *,
    info: Mapping[str, Mapping[str, Any]] | None = None,
    columns: Mapping[str, tuple[str, ...]] | None = None,
    x: Mapping[str, Y] | None = None,
) -> Trace:
    """A trace from {"series" or "series@2": y}: the figure is the subject's number."""
    info, columns, x = info or {}, columns or {}, x or {}
    subjects, built = {"run": Subject("run", "run", "run")}, []
    for key, y in values.items():
        name, _, number = key.partition("@")
        entry = SERIES[name]
        subject = "run" if entry.kind == "run" else f"{entry.kind}/{number or 0}"
        subjects[subject] = Subject(subject, entry.kind, subject, info=info.get(subject, {}))
        built.append(series(name, entry.clock, y, subject=subject, x=x.get(key), columns=columns.get(subject, ())))
    return Trace({}, subjects, tuple(built))


def loud(trace: Trace) -> dict[str, str]:
    """Message by code of all findings above a note; a crash counts."""
    said = {v.code: v.reason for v in run_rules(all_rules(), trace) if v.status == "crashed"}
    for verdict in run_rules(all_rules(), trace):
        said |= {f.code: f.message for f in verdict.findings if at_least(f.severity, "warning")}
    return said


def status(code: str, trace: Trace) -> str:
    rule = next(r for r in all_rules() if r.code == code)
    return run_rule(rule, trace).status


def optimizer(updates: Y, norms: Y, gradients: Y, number: int = 0) -> dict[str, Y]:
    """The wide series of one healthy optimiser [samples, parameters]."""
    samples = len(np.asarray(updates))
    at = f"@{number}" if number else ""
    return {
        f"optimizer.update_norm{at}": updates,
        f"optimizer.parameter_norm{at}": norms,
        f"optimizer.gradient_norm{at}": gradients,
        f"optimizer.gradient_present{at}": np.ones(np.asarray(gradients).shape),
        f"optimizer.backwards_per_step{at}": np.ones(samples),
        f"optimizer.zero_grads_per_step{at}": np.ones(samples),
    }


def healthy_optimizer(samples: int = 40, parameters: int = 4, number: int = 0) -> dict[str, Y]:
    shape = (samples, parameters)
    return optimizer(np.full(shape, 2e-3), np.full(shape, 2.0), np.full(shape, 0.1), number)


LONG = {"run.env_steps": [0, 1e3, 5e4, 1e5], "run.updates": [0, 10, 5e3, 1e4]}
RNG = np.random.default_rng(0)


def cartpole_returns(episodes: int = 300) -> np.ndarray:
    """From 22 to the time limit of 500 within the first third."""
    level = np.clip(np.linspace(22, 1500, episodes), None, 500)
    return np.clip(np.round(level * RNG.uniform(0.6, 1.4, episodes)), 8, 500)


def test_ppo_that_solves_cartpole() -> None:
    returns = cartpole_returns()
    trace = run(
        {
            **healthy_optimizer(),
            **LONG,
            "env.episode_return": returns,
            "env.episode_length": returns,
            "env.episode_truncated": returns == 500,
            "env.reward_min": np.ones(50),
            "env.reward_max": np.ones(50),
            "baseline.random_return": RNG.geometric(1 / 14, 50) + 8.0,
            "policy.relative_entropy": np.linspace(1.0, 0.03, 200) ** 0.5,
            "bootstrap.final_observation_valued": np.ones(5),
            "bootstrap.next_observation_valued": np.ones(5),
        },
        info={"env/0": {"max_episode_steps": 500}},
    )
    assert loud(trace) == {}
    assert status("D104", trace) == status("D401", trace) == status("D501", trace) == "clear"


def test_a_policy_that_has_solved_cartpole_from_the_first_episode() -> None:
    full = np.full(200, 500.0)
    trace = run(
        {
            **healthy_optimizer(),
            **LONG,
            "env.episode_return": full,
            "env.episode_length": full,
            "env.episode_truncated": np.ones(200),
            "baseline.random_return": RNG.geometric(1 / 22, 50),
            "policy.relative_entropy": np.full(100, 0.03),
        },
        info={"env/0": {"max_episode_steps": 500}},
    )
    assert loud(trace) == {}


def test_pendulum_whose_episodes_are_always_200_steps() -> None:
    trace = run(
        {
            **healthy_optimizer(),
            **LONG,
            "env.episode_return": np.linspace(-1400, -150, 300),
            "env.episode_length": np.full(300, 200.0),
            "env.episode_truncated": np.ones(300),
            "env.action_saturated_share": np.full((100, 1), 0.45),
            "policy.std": np.full((100, 1), 0.4),
            "baseline.random_return": RNG.normal(-1230, 250, 50),
        },
        info={"env/0": {"max_episode_steps": 200}},
    )
    assert loud(trace) == {}
    assert status("D501", trace) == "clear"


def test_td3_with_a_delayed_actor_and_slow_targets() -> None:
    names = ("actor.0.weight", "actor.0.bias", "actor.2.weight", "actor.2.bias")
    trace = run(
        {
            **healthy_optimizer(40, number=0),
            **healthy_optimizer(20, number=1),
            **LONG,
            "target.change": np.full(40, 1e-7),
            "target.online_change": np.full(40, 0.05),
            "target.distance": np.full(40, 1e-4),
        },
        x={"target.change": np.arange(40) * 250},
        columns={"optimizer/1": names},
    )
    assert loud(trace) == {}
    assert status("D202", trace) == status("D203", trace) == "clear"


def test_a_network_frozen_out_of_the_optimizer_is_not_recorded_and_not_missed() -> None:
    trace = run({**healthy_optimizer(), "network.unowned_gradient_norm": np.zeros((10, 3))})
    assert loud(trace) == {}


def test_an_embedding_of_which_most_rows_are_unused() -> None:
    gradients = RNG.uniform(0, 1e-3, (40, 2)) * (RNG.random((40, 2)) < 0.3)
    trace = run(
        optimizer(np.full((40, 2), 1e-3), np.full((40, 2), 30.0), gradients),
        columns={"optimizer/0": ("embedding.weight", "head.weight")},
    )
    assert loud(trace) == {}


@pytest.mark.parametrize("flat", [1, 3, 10])
def test_learning_rate_warm_up_from_zero(flat: int) -> None:
    rate = np.r_[np.zeros(flat), np.linspace(0, 1e-3, 40 - flat)]
    moved = rate[:, None] * np.ones(4)
    trace = run({**optimizer(moved, np.ones((40, 4)), np.ones((40, 4))), "optimizer.learning_rate": rate})
    assert loud(trace) == {}


def test_learning_rate_annealed_to_zero() -> None:
    rate = np.linspace(1e-3, 0, 40)
    trace = run(
        {
            **optimizer(rate[:, None] * np.ones(4), np.ones((40, 4)), np.ones((40, 4))),
            "optimizer.learning_rate": rate,
        }
    )
    assert loud(trace) == {}


def test_sb3_dqn_before_learning_starts() -> None:
    still = np.zeros(10)
    trace = run(
        {
            "target.change": still,
            "target.online_change": still,
            "target.distance": still,
            "env.episode_return": RNG.geometric(1 / 22, 30),
            "baseline.random_return": RNG.geometric(1 / 22, 50),
            "run.env_steps": [0, 500],
            "run.updates": [0, 0],
        }
    )
    assert loud(trace) == {}
    assert status("D202", trace) == status("D203", trace) == "blind"


def test_dqn_shorter_than_its_target_interval() -> None:
    trace = run(
        {
            **healthy_optimizer(),
            "target.change": np.zeros(20),
            "target.online_change": np.ones(20),
            "target.distance": np.linspace(0, 0.3, 20),
        },
        x={n: np.arange(20) * 100 for n in ("target.change", "target.online_change", "target.distance")},
    )
    assert loud(trace) == {}


def test_hard_updates_sampled_in_step() -> None:
    trace = run(
        {"target.distance": np.zeros(20), "target.online_change": np.ones(20), "target.change": np.ones(20)},
        x=dict.fromkeys(("target.distance", "target.online_change", "target.change"), np.arange(20) * 500),
    )
    assert loud(trace) == {}


def test_supervised_training_leaves_the_rules_of_reinforcement_learning_blind() -> None:
    trace = run(
        {
            **healthy_optimizer(),
            "loss.value": np.linspace(2.3, 0.1, 100),
            "network.input_mean": np.full((10, 3), 0.1),
            "network.input_std": np.ones((10, 3)),
        }
    )
    assert loud(trace) == {}
    assert all(status(r.code, trace) == "blind" for r in all_rules() if r.per in ("env", "policy", "target"))


def test_sparse_reward_with_few_episodes() -> None:
    """MountainCar early on: every reward is -1, every return -200, and REINFORCE's gradient is exactly 0."""
    still = np.zeros((20, 4))
    trace = run(
        {
            **optimizer(still, np.ones((20, 4)), still),
            "env.episode_return": np.full(40, -200.0),
            "env.episode_length": np.full(40, 200.0),
            "env.episode_truncated": np.ones(40),
            "env.reward_min": -np.ones(20),
            "env.reward_max": -np.ones(20),
            "baseline.random_return": np.full(50, -200.0),
            "run.env_steps": [0, 8000],
            "run.updates": [0, 40],
        },
        info={"env/0": {"max_episode_steps": 200}},
    )
    assert loud(trace) == {}


def test_reinforce_early_with_high_entropy() -> None:
    rising = np.linspace(20, 60, 120) + RNG.normal(0, 8, 120)
    trace = run(
        {
            "policy.relative_entropy": np.linspace(1.0, 0.985, 100),
            "env.episode_return": rising,
            "run.updates": [0, 120],
            "run.env_steps": [0, 4000],
            **healthy_optimizer(),
        }
    )
    assert loud(trace) == {}
    assert status("D102", trace) == "clear"


def test_entropy_near_its_maximum_in_a_short_run() -> None:
    trace = run(
        {
            "policy.relative_entropy": np.full(60, 0.995),
            "run.updates": [0, 60],
            "env.episode_return": RNG.normal(20, 5, 50),
        }
    )
    assert loud(trace) == {}
    assert status("D102", trace) == "blind"


def test_a_language_models_low_entropy() -> None:
    trace = run({"policy.relative_entropy": np.full(60, 0.03)}, info={"policy/0": {"actions": 50_000}})
    assert status("D101", trace) == "blind"


def test_sac_log_alpha_is_one_parameter_that_starts_at_zero() -> None:
    alpha = np.linspace(3e-4, 0.5, 40)[:, None]
    trace = run(optimizer(np.full((40, 1), 3e-4), alpha, np.ones((40, 1))), columns={"optimizer/0": ("log_alpha",)})
    assert loud(trace) == {}
    assert status("D305", trace) == status("D306", trace) == "blind"


def test_a_zero_initialised_layer() -> None:
    """Its norm grows from 0 at the size of the steps; the other layers are as usual."""
    head = np.cumsum(np.full(40, 1e-2))
    norms = np.c_[np.full((40, 2), 5.0), head]
    trace = run(
        optimizer(np.full((40, 3), 1e-2), norms, np.ones((40, 3))),
        columns={"optimizer/0": ("0.weight", "2.weight", "head.weight")},
    )
    assert loud(trace) == {}


def test_dead_relu_units_leave_the_layer_a_gradient() -> None:
    gradients = np.full((40, 2), 0.1) * (np.arange(40)[:, None] % 7 == 0)
    trace = run(optimizer(np.full((40, 2), 1e-3), np.ones((40, 2)), gradients))
    assert loud(trace) == {}


def test_an_unused_head_of_a_large_model() -> None:
    gradients = np.ones((20, 40))
    gradients[:, -2:] = 0.0
    trace = run(
        {
            **optimizer(np.full((20, 40), 1e-3), np.ones((20, 40)), gradients),
            "optimizer.gradient_present": (gradients > 0).astype(float),
        }
    )
    assert loud(trace) == {}


def test_gradients_cleared_by_hand() -> None:
    trace = run({**healthy_optimizer(), "optimizer.zero_grads_per_step": np.zeros(40)})
    assert loud(trace) == {}


def test_gradient_scaler_skips_its_first_overflows() -> None:
    norms = np.r_[np.inf, np.full(60, 2.0)]
    assert loud(run({**healthy_optimizer(), "gradient.total_norm": norms})) == {}


def test_gradients_that_leak_into_a_target_copy() -> None:
    trace = run(
        {
            **healthy_optimizer(),
            "network.unowned_gradient_norm@1": np.ones((10, 2)),
            "target.distance": np.full(10, 0.1),
        },
        info={"target/0": {"copy": "network/1"}},
    )
    assert loud(trace) == {}


def test_parameters_stepped_by_hand_without_an_optimizer() -> None:
    assert loud(run({"network.unowned_gradient_norm": np.ones((10, 2))})) == {}


def test_a_bandit_and_a_fixed_horizon() -> None:
    horizon = run(
        {
            "env.episode_length": np.full(100, 128.0),
            "env.episode_truncated": np.zeros(100),
            "env.episode_return": RNG.normal(0, 1, 100),
        },
        info={"env/0": {"max_episode_steps": None}},
    )
    assert loud(horizon) == {}
    bandit = run(
        {"env.episode_length": np.ones(100), "env.episode_return": RNG.normal(0, 1, 100)},
        info={"env/0": {"max_episode_steps": 1}},
    )
    assert loud(bandit) == {}


def test_mountain_car_that_learns_finishes_sooner() -> None:
    length = np.linspace(200, 95, 200)
    trace = run(
        {
            "env.episode_length": length,
            "env.episode_return": -length,
            "env.reward_min": -np.ones(20),
            "env.reward_max": -np.ones(20),
        }
    )
    assert loud(trace) == {}


@pytest.mark.parametrize("code", ["D301", "D307", "D401"])
def test_evaluation_environments_and_empty_runs_are_blind(code: str) -> None:
    trace = run({"env.episode_return": np.zeros(50)}, info={"env/0": {"role": "eval"}})
    assert status(code, trace) == "blind"


@pytest.mark.parametrize("rate", [1e-3, 3e-3, 1e-2])
def test_adam_in_a_small_network_measured(rate: float) -> None:
    """Real update sizes of Adam with noisy targets stay below a warning up to a rate of 0.01."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net = torch.nn.Sequential(
        torch.nn.Linear(4, 64),
        torch.nn.Tanh(),
        torch.nn.Linear(64, 64),
        torch.nn.Tanh(),
        torch.nn.Linear(64, 2),
    )
    adam = torch.optim.Adam(net.parameters(), lr=rate)
    rows: list[list[list[float]]] = []
    for _ in range(60):
        obs = torch.randn(32, 4)
        loss = ((net(obs) - obs[:, :2] * 3 + torch.randn(32, 2)) ** 2).mean()
        adam.zero_grad()
        loss.backward()
        before = [p.detach().clone() for p in net.parameters()]
        adam.step()
        rows.append(
            [
                [float((p.detach() - b).norm()), float(b.norm()), float(p.grad.norm())]
                for p, b in zip(net.parameters(), before, strict=True)
            ]
        )
    update, norm, gradient = np.moveaxis(np.asarray(rows), 2, 0)
    names = tuple(n for n, _ in net.named_parameters())
    assert loud(run(optimizer(update, norm, gradient), columns={"optimizer/0": names})) == {}


def test_an_optimizer_that_was_given_the_target_network_is_no_target_copy() -> None:
    still = np.zeros((20, 2))
    trace = run(
        {
            **optimizer(still, np.ones((20, 2)), still),
            "network.unowned_gradient_norm@1": np.ones((10, 2)),
            "target.distance": np.zeros(10),
        },
        info={
            "target/0": {"copy": "network/1", "online": "network/0"},
            "optimizer/0": {"networks": ["network/0"]},
        },
    )
    assert {"D303", "D304"} <= set(loud(trace))


def test_parameters_that_something_else_trains_are_not_cut_off() -> None:
    """TRPO: the optimiser holds the whole policy, steps the critic, and a line search moves the actor."""
    moving = np.linspace(1.0, 1.2, 8)
    values = {
        "optimizer.gradient_norm": [[0.0, 1.0]] * 8,
        "optimizer.gradient_present": [[0.0, 1.0]] * 8,
        "optimizer.update_norm": [[0.0, 0.01]] * 8,
        "optimizer.parameter_norm": np.stack([moving, moving], axis=1),
    }
    names = {"optimizer/0": ("actor.weight", "critic.weight")}
    assert not loud(run(values, columns=names))
    still = np.stack([np.ones(8), moving], axis=1)
    assert "D303" in loud(run({**values, "optimizer.parameter_norm": still}, columns=names))
