"""How many environment steps a second a learner can take in: dummy updates of networks of the usual sizes, timed."""

from __future__ import annotations

import importlib.util
import itertools
import time
from typing import Any

from lifesigns.baselines.problem import Problem, Slice

IMPORT_CPU_S = 4.0
"""CPU-seconds of importing torch and timing it; with less wall time left than these take here, nothing is timed."""


def learner_speed(problem: Problem, limit: Slice, cpu_share: float = 1.0) -> dict[str, float]:
    """Algorithm → environment steps per CPU-second, one thread; empty where torch is missing or time is short.

    PPO: 10 passes in batches of 64 over each 2048 steps, two 64-wide networks. DQN: a 256-wide network, a batch of 128
    every 4 steps. SAC: 256-wide actor and two critics, a batch of 256 every step. `cpu_share` is the part of a core
    that this process gets.
    """
    n, features = problem.actions.n, problem.features.n
    if (
        not n
        or not features
        or limit.left < IMPORT_CPU_S / max(cpu_share, 0.05)
        or importlib.util.find_spec("torch") is None
    ):
        return {}
    import torch

    torch.set_num_threads(1)
    discrete = problem.actions.kind == "discrete"
    speeds = {"PPO": _rate(_ppo(torch, features, n), limit) * 2048 / 320}
    if discrete:
        speeds["DQN"] = _rate(_regression(torch, [features, 256, 256, n], 128, nets=1), limit) * 4
    else:
        speeds["SAC"] = _rate(_regression(torch, [features + n, 256, 256, 1], 256, nets=3), limit)
    return speeds


def _rate(update: Any, limit: Slice) -> float:
    """Updates per CPU-second."""
    update()
    begun, wall, count = time.process_time(), time.perf_counter(), 0
    while count < 100 and (count < 5 or time.perf_counter() - wall < min(0.7, limit.left / 3)):
        update()
        count += 1
    return count / max(time.process_time() - begun, 1e-9)


def _network(torch: Any, sizes: list[int]) -> Any:
    layers: list[Any] = []
    for a, b in itertools.pairwise(sizes):
        layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def _ppo(torch: Any, features: int, n: int) -> Any:
    actor, critic = _network(torch, [features, 64, 64, n]), _network(torch, [features, 64, 64, 1])
    parameters = [*actor.parameters(), *critic.parameters()]
    optimizer, x = torch.optim.Adam(parameters, lr=0.0), torch.randn(64, features)

    def update() -> None:
        loss = torch.log_softmax(actor(x), -1).square().mean() + critic(x).square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 0.5)
        optimizer.step()

    return update


def _regression(torch: Any, sizes: list[int], batch: int, nets: int) -> Any:
    """`nets` networks, each with a target's forward pass, a backward pass and a soft update."""
    made = [(_network(torch, sizes), _network(torch, sizes)) for _ in range(nets)]
    optimizers = [torch.optim.Adam(net.parameters(), lr=0.0) for net, _ in made]
    x = torch.randn(batch, sizes[0])

    def update() -> None:
        for (net, target), optimizer in zip(made, optimizers, strict=True):
            with torch.no_grad():
                aim = target(x)
            loss = (net(x) - aim).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                for a, b in zip(net.parameters(), target.parameters(), strict=True):
                    b.lerp_(a, 0.005)

    return update
