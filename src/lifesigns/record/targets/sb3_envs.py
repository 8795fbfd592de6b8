"""Stable-Baselines3 vector environments: `VecEnv.step` is called on the outermost layer only."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from .. import callsite, taps
from ..recorder import Recorder
from . import env_calls, gymnasium_envs
from .env_track import EnvTrack
from .env_values import own
from .gymnasium_envs import REWARD_WRAPPERS
from .spaces import describe_space

_resets: set[type] = set()


def install(module: Any, recorder: Recorder) -> None:
    """Taps the base class' step and each reset as its class appears."""
    version = getattr(sys.modules.get("stable_baselines3"), "__version__", "")
    recorder.meta(stable_baselines3=str(version))
    base = module.VecEnv
    taps.replace(base, "step", env_calls.outermost_step(base.__dict__["step"], _on_step))
    taps.observe(base, "__init__", _on_init)


def _on_init(args: Any, kwargs: Any, result: Any) -> None:
    venv = args[0]
    for part in own(venv, "envs") or ():
        gymnasium_envs.envs.put_inside(part)
    at, names = callsite.maker(callsite.here(2), "/stable_baselines3/", venv)
    gymnasium_envs.envs.made_at[id(venv)] = (at, names[0] if names else "")
    _tap_reset(type(venv))


def _tap_reset(cls: type) -> None:
    owner = next((c for c in cls.__mro__ if "reset" in c.__dict__), None)
    if owner is None or getattr(owner.__dict__["reset"], "__isabstractmethod__", False) or owner in _resets:
        return
    _resets.add(owner)
    taps.replace(owner, "reset", env_calls.outermost(owner.__dict__["reset"], _on_reset))


def _track(venv: Any) -> EnvTrack | None:
    held = gymnasium_envs.envs
    found = held.tracks.get(id(venv))
    if found is None or found[0]() is not venv:
        return _introduce(venv)
    return found[1]


def _introduce(venv: Any) -> EnvTrack | None:
    held = gymnasium_envs.envs
    layers = [venv]
    while len(layers) < 20 and (inner := own(layers[-1], "venv")) is not None:
        layers.append(inner)
    parts = own(layers[-1], "envs")
    info: dict[str, Any] = gymnasium_envs.describe(parts[0], 0) if parts else {"id": type(layers[-1]).__name__}
    names = [type(layer).__name__ for layer in layers]
    info.update(
        num_envs=venv.num_envs,
        vector=True,
        role="train",
        autoreset="same_step",
        wrappers=[*names, *info.get("wrappers", [])],
        action_space=describe_space(venv.action_space),
        observation_space=describe_space(venv.observation_space),
    )
    if any(own(layer, "norm_obs") is False for layer in layers):
        info["normalises_observations"] = False
    info["reward_transformed"] = bool(info.get("reward_transformed")) or any(n in REWARD_WRAPPERS for n in names)
    at, name = next((held.made_at[id(x)] for x in (*layers, *(parts or ())) if id(x) in held.made_at), (None, ""))
    subject = held.recorder.subject("env", name or info["id"], at, info)
    track = EnvTrack(held.recorder, subject, venv.num_envs, info)
    held.recorder.on_flush.append(track.flush)
    held.keep(venv, track)
    return track


def _on_reset(venv: Any, args: Any, kwargs: Any, result: Any) -> None:
    track = _track(venv)
    if track is not None:
        track.reset(result, None)


def _on_step(venv: Any, args: Any, kwargs: Any, result: Any) -> None:
    track = _track(venv)
    if track is None:
        return
    obs, rewards, dones, infos = result
    action = args[0] if args else kwargs.get("actions")
    cut = track.none
    if True in dones.tolist():
        cut = np.array([bool(d) and bool(i.get("TimeLimit.truncated")) for d, i in zip(dones, infos, strict=True)])
        dones = np.asarray(dones, bool) & ~cut
    track.step_many(action, obs, rewards, dones, cut, infos, _ending)


def _ending(track: EnvTrack, obs: Any, infos: Any, i: int) -> tuple[Any, Any]:
    """The true last observation of part i, and its return by a monitor."""
    return infos[i].get("terminal_observation"), (infos[i].get("episode") or {}).get("r")
