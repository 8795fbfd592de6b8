"""Streams of the wider catalogue: classes, checkpoints, modes, batches, buffers, settings, noise and rank."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lifesigns.record.targets import torch_precision
from lifesigns.record.targets.layer_outputs import effective_rank
from lifesigns.record.targets.novelty import Novelty
from lifesigns.record.targets.optimizer_noise import noise_ratio
from lifesigns.record.targets.sb3_buffers import correlation, whole_episodes
from lifesigns.record.targets.settings import discount_in, of_algorithm
from lifesigns.record.targets.torch_files import optimizer_states
from lifesigns.rules import rule_by_code, run_rule

Record = Callable[..., Any]
CLASSIFIER = """
import argparse
import torch
from torch import nn
parser = argparse.ArgumentParser()
parser.add_argument("--gamma", type=float, default=0.9)
parser.parse_args()
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 5))
optimizer = torch.optim.Adam(net.parameters(), 1e-3)
x = torch.randn(120, 8)
y = x[:, :5].argmax(1)
scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
for epoch in range(8):
    for batch in range(3):
        rows = slice(40 * batch, 40 * batch + 40)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x[rows]), y[rows]) / 4
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        with torch.no_grad():
            net(x[:10])
torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, "checkpoint.pt")
torch.load("checkpoint.pt")
"""
PARALLEL = """
import gymnasium as gym
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.env_util import make_vec_env
envs = make_vec_env("CartPole-v1", 4, seed=0)
DQN("MlpPolicy", envs, learning_starts=50, train_freq=1, gradient_steps=1, seed=0, device="cpu").learn(800)
PPO("MlpPolicy", envs, n_steps=64, batch_size=64, n_epochs=1, seed=0, device="cpu").learn(800)
"""


def verdict(code: str, ran: Any) -> Any:
    """What a rule says of a run."""
    rule = rule_by_code(code)
    assert rule is not None
    return run_rule(rule, ran.trace)


@pytest.mark.slow
def test_a_classifier_with_three_slips(record: Record) -> None:
    ran = record(CLASSIFIER)
    first = ran.one("loss.initial_cross_entropy").y[0]
    assert first == pytest.approx(np.log(5), rel=0.2)  # whatever the loss was divided and scaled by
    assert ran.trace.named("loss.classes")[0].y[0] == 5
    assert verdict("D603", ran).status == "clear"
    assert verdict("D605", ran).status == "fired"
    assert verdict("D606", ran).status == "fired"
    told = verdict("D324", ran)
    assert told.status == "fired"
    assert "torch.load" in told.findings[0].location.text
    assert ran.one("precision.loss_scale").y[-1] == 1024.0
    assert {e.data.get("discount") for e in ran.trace.events if e.kind == "settings"} == {0.9}


@pytest.mark.slow
def test_buffers_and_settings_of_parallel_environments(record: Record) -> None:
    pytest.importorskip("stable_baselines3")
    ran = record(PARALLEL)
    assert verdict("D807", ran).status == "fired"
    assert 0 < ran.one("replay.size").y[-1] <= 800  # as it was at the last flush that found the buffer alive
    assert ran.one("replay.reward_differs_share").y[-1] == 0.0
    assert (ran.one("rollout.start_return").y > 5).all()
    assert (ran.one("rollout.advantage_std").y > 0).all()


def test_episodes_inside_a_rollout() -> None:
    starts = np.array([[1, 0], [0, 0], [1, 1], [0, 0]])
    assert whole_episodes(starts, np.array([True, False])) == [(0, 2, 0), (2, 4, 0)]
    assert np.isnan(correlation(np.ones(5), np.arange(5.0)))
    assert correlation(np.arange(5.0), -np.arange(5.0)) == pytest.approx(-1)


def test_new_observations_are_counted_once() -> None:
    seen = Novelty()
    grid = np.array([[0.0], [1.0], [2.0], [3.0]])
    assert [seen.share(grid), seen.share(grid), seen.share(grid + 100)] == [1.0, 0.0, 1.0]
    assert seen.share(np.array([[np.nan]])) >= 0


def test_the_noise_of_a_known_gradient() -> None:
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)
    weight = torch.nn.Parameter(torch.zeros(4000))
    optimizer = torch.optim.Adam([weight], 0.0)
    for _ in range(3000):
        weight.grad = 0.1 + torch.randn(4000, generator=generator)
        optimizer.step()
    assert float(noise_ratio(optimizer, [weight])) == pytest.approx(100.0, rel=0.15)  # σ²/μ² of each component
    assert noise_ratio(torch.optim.SGD([weight], 0.1), [weight]) is None


def test_the_rank_of_known_outputs() -> None:
    torch = pytest.importorskip("torch")
    generator = torch.Generator().manual_seed(0)
    line = torch.randn(64, 1, generator=generator) * torch.ones(1, 32)
    assert effective_rank(line) == pytest.approx(1 / 32, rel=1e-3)
    full = torch.linalg.qr(torch.randn(128, 32, generator=generator) - 0.0)[0]
    assert effective_rank(full) > 0.9
    assert np.isnan(effective_rank(torch.ones(8, 32)))


def test_settings_and_checkpoints_of_other_kinds() -> None:
    assert discount_in(SimpleNamespace(gamma=0.99, lr=1)) == 0.99
    assert [discount_in(x) for x in (SimpleNamespace(gamma="a"), SimpleNamespace(discount=True), None, 3)] == [None] * 4
    every = SimpleNamespace(frequency=4, unit=SimpleNamespace(value="step"))
    told = of_algorithm(SimpleNamespace(gamma=0.9, train_freq=every, n_envs=2, gradient_steps=-1))
    assert (told["train_every"], told["train_unit"], told["num_envs"], told["gradient_steps"]) == (4, "step", 2, -1)
    state = {"state": {0: {}}, "param_groups": [{}]}
    assert optimizer_states({"net": {}, "optimizer": state}) == ["optimizer"]
    assert optimizer_states(state) == [""]
    assert (
        optimizer_states({"net": {}})
        == optimizer_states(3)
        == optimizer_states({"state": {}, "param_groups": []})
        == []
    )


@pytest.mark.parametrize(("busy", "points"), [(37, 2), (RuntimeError("no pynvml"), 0)])
def test_the_accelerator_is_asked_until_it_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, busy: int | Exception, points: int
) -> None:
    """A stand-in for torch on a machine with a GPU; the real call is `torch.cuda.utilization`, in per cent."""
    asked = []

    def utilization() -> int:
        asked.append(busy)
        if isinstance(busy, Exception):
            raise busy
        return busy

    cuda = SimpleNamespace(is_initialized=lambda: True, utilization=utilization)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    added: list[tuple[float, float]] = []
    column = SimpleNamespace(add=lambda x, y: added.append((x, y)))
    recorder: Any = SimpleNamespace(wall_s=lambda: 1.0, series=lambda name: column)
    looks = torch_precision._Looks(recorder)
    looks.look()
    looks.look()
    assert added == [(1.0, 0.37)] * points
    assert len(asked) == (2 if points else 1)
