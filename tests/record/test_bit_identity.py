"""The same seeded script with and without recording ends with identical parameters, losses and random
states."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

GALLERY = Path(__file__).parents[2] / "gallery" / "scripts"
TIMING = re.compile(r"\b(sps|fps|time\w*|seconds|wall\w*)([=: ]+)[\d.]+")

SCRIPTS = {
    "dqn.py": (
        ["--total-timesteps", "500", "--learning-starts", "100"],
        {"loss.value", "target.distance", "env.episode_return", "optimizer.update_norm", "layer.zero_share"},
    ),
    "ppo.py": (
        ["--total-timesteps", "1024"],
        {"loss.value", "policy.entropy", "env.episode_length", "gradient.total_norm", "layer.output_rms"},
    ),
    "sac.py": (
        ["--total-timesteps", "260", "--learning-starts", "150"],
        {"loss.value", "target.change", "env.action_saturated_share", "optimizer.gradient_norm"},
    ),
    "reinforce.py": (
        ["--total-timesteps", "1600"],
        {"loss.value", "env.episode_return", "optimizer.learning_rate"},
    ),
    "digits.py": (["--epochs", "2"], {"loss.value", "network.input_mean", "layer.zero_share"}),
    "char_transformer.py": (
        ["--steps", "12"],
        {"loss.value", "gradient.total_norm", "optimizer.gradient_norm"},
    ),
}
SB3 = {
    "DQN": ("CartPole-v1", 1500),
    "PPO": ("CartPole-v1", 512),
    "A2C": ("CartPole-v1", 800),
    "SAC": ("Pendulum-v1", 560),
    "TD3": ("Pendulum-v1", 1040),
    "TRPO": ("CartPole-v1", 1024),
}


def same(a: Any, b: Any, where: str = "") -> None:
    """Asserts equality bit for bit, NaN with NaN, through containers."""
    assert type(a) is type(b), where
    if isinstance(a, torch.Tensor):
        assert a.dtype == b.dtype, where
        assert a.detach().numpy().tobytes() == b.detach().numpy().tobytes(), where
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype, where
        assert a.tobytes() == b.tobytes(), where
    elif isinstance(a, dict):
        assert list(a) == list(b), where
        for key in a:
            same(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            same(x, y, f"{where}[{i}]")
    elif isinstance(a, float):
        assert np.float64(a).tobytes() == np.float64(b).tobytes(), (where, a, b)
    else:
        assert a == b, (where, a, b)


def untimed(text: str) -> str:
    """Output without the numbers that depend on the clock."""
    return TIMING.sub(r"\1\2#", text)


def compare(scripts: Any, script: str, arguments: list[str], expected: set[str], **env: str) -> None:
    """Runs a gallery script twice and compares what it saved and printed; checks that something was
    recorded."""
    common = [str(GALLERY / script), *arguments]
    bare = scripts.bare(*common, "--checkpoint", "bare.pt", **env)
    assert bare.returncode == 0, bare.err
    ran = scripts.recorded(*common, "--checkpoint", "recorded.pt", **env)
    ran.healthy()
    assert ran.returncode == 0
    assert untimed(ran.out) == untimed(bare.out)
    assert ran.err == bare.err
    first, second = (torch.load(scripts.path / f, weights_only=False) for f in ("bare.pt", "recorded.pt"))
    assert first["parameters"]
    same(first, second)
    names = {s.name for s in ran.trace.series}
    assert expected <= names, sorted(names)
    updates = ran.trace.health["updates"]
    per_optimizer = [len(s) for s in ran.trace.named("optimizer.update_norm")]
    assert updates >= 8
    assert sum(per_optimizer) == updates, "dense sampling was asked for"


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_single_file_script(scripts: Any, script: str) -> None:
    arguments, expected = SCRIPTS[script]
    quick = [] if script in ("digits.py", "char_transformer.py") else ["--eval-episodes", "1"]
    compare(scripts, script, [*arguments, *quick], expected)


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", SB3)
def test_stable_baselines3(scripts: Any, algorithm: str) -> None:
    env_id, steps = SB3[algorithm]
    arguments = [
        "--algo",
        algorithm,
        "--env",
        env_id,
        "--total-timesteps",
        str(steps),
        "--eval-episodes",
        "1",
    ]
    compare(scripts, "sb3_run.py", arguments, {"loss.value", "env.reward_mean", "optimizer.update_norm"})
