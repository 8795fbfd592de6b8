"""Whether a restored state goes on exactly as the saved one did: observations, rewards and ends, bit by bit (P14b)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lifesigns.baselines.environment import EnvironmentProblem, World
from lifesigns.baselines.restore import Attributes, DeepCopy, Pair, Replay, Restore
from lifesigns.baselines.restore_simulators import AleState, MujocoState

AFTER = (0, 3, 17, 60)
"""Steps from the start at which a state is saved."""
ONWARD = 40
"""Steps that must be the same after a restore."""


@dataclass(frozen=True)
class Checked:
    """The adapter that passed (None: planners are blind), why the others did not, and what a pair costs."""

    adapter: Restore | None
    refused: tuple[str, ...] = ()
    save_us: float = 0.0
    restore_us: float = 0.0


def choose(world: World, pair: Callable[[World], Restore] | None = None) -> Checked:
    """The first adapter that restores exactly."""
    refused: list[str] = []
    makers: list[Callable[[], Restore | None]] = [
        (lambda: pair(world)) if pair else (lambda: None),
        lambda: AleState(world) if AleState.fits(world) else None,
        lambda: MujocoState(world) if MujocoState.fits(world) else None,
        lambda: None if AleState.fits(world) or MujocoState.fits(world) else Pair.of(world),
        lambda: None if AleState.fits(world) or MujocoState.fits(world) else Attributes(world),
        lambda: DeepCopy(world),
        lambda: Replay(world),
    ]
    for make in makers:
        adapter = None
        try:
            adapter = make()
            if adapter is None:
                continue
            difference = check(world, adapter)
        except EnvironmentProblem:
            raise
        except Exception as error:
            difference = f"{type(error).__name__}: {str(error).strip().splitlines()[0][:120] if str(error) else ''}"
        if not difference and adapter is not None:
            return Checked(adapter, tuple(refused), *_cost(world, adapter))
        if isinstance(adapter, Replay):
            adapter.uninstall()
        refused.append(f"{getattr(adapter, 'name', 'an adapter')}: {difference}")
    return Checked(None, tuple(refused))


def check(world: World, adapter: Restore) -> str:
    """Where the first difference is, in words; empty where everything is equal bit by bit."""
    space = world.env.action_space
    for round_, before in enumerate(AFTER):
        space.seed(round_)
        actions = [space.sample() for _ in range(before + ONWARD)]
        world.reset(seed=round_)
        over = False
        for action in actions[:before]:
            if not over:
                _, _, terminated, truncated = world.step(action)
                over = terminated or truncated
        if over:
            continue
        state = adapter.save()
        first = _onward(world, actions[before:])
        adapter.restore(state)
        second = _onward(world, actions[before:])
        world.reset(seed=99 + round_)
        for action in actions[:2]:
            _, _, terminated, truncated = world.step(action)
            if terminated or truncated:
                break
        adapter.restore(state)
        third = _onward(world, actions[before:])
        for again in (second, third):
            for k, (a, b) in enumerate(zip(first, again, strict=False), 1):
                if a != b:
                    what = next(n for n, x, y in zip(("observation", "reward", "end"), a, b, strict=True) if x != y)
                    return f"{what} differs {k} steps after a restore"
            if len(first) != len(again):
                return "an episode ends elsewhere after a restore"
    world.reset(seed=0)
    return ""


def _onward(world: World, actions: list[Any]) -> list[tuple[bytes, bytes, tuple[bool, bool]]]:
    seen: list[tuple[bytes, bytes, tuple[bool, bool]]] = []
    for action in actions:
        obs, reward, terminated, truncated = world.step(action)
        seen.append((digest(obs), np.float64(reward).tobytes(), (terminated, truncated)))
        if terminated or truncated:
            break
    return seen


def digest(obs: Any) -> bytes:
    """The bytes of an observation, whatever its structure."""
    if isinstance(obs, dict):
        return b"".join(str(k).encode() + digest(v) for k, v in sorted(obs.items(), key=lambda kv: str(kv[0])))
    if isinstance(obs, (tuple, list)):
        return b"".join(digest(v) for v in obs)
    return str(obs).encode() if isinstance(obs, str) else np.asarray(obs).tobytes()


def _cost(world: World, adapter: Restore) -> tuple[float, float]:
    """Microseconds of a save and of a restore."""
    world.reset(seed=0)
    begun = time.perf_counter()
    states = [adapter.save() for _ in range(5)]
    saved = time.perf_counter()
    for state in states:
        adapter.restore(state)
    return (saved - begun) / 5e-6, (time.perf_counter() - saved) / 5e-6
