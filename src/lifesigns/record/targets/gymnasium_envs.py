"""Gymnasium environments, single and vectorised: only the outermost layer that the agent steps is observed.

`make`, `make_vec`, the wrappers' and vector classes' constructors say which object is outermost; the `step`
of its class is then tapped. A step inside an open step (a wrapper's inner environment, a vector's parts) is
not counted.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
import weakref
from typing import Any

from .. import callsite, taps
from ..recorder import Recorder, on_fork
from . import env_calls, env_use
from .env_calls import ByValue, outermost, outermost_step
from .env_track import EnvTrack
from .env_values import own
from .spaces import describe_space

REWARD_WRAPPERS = ("NormalizeReward", "TransformReward", "ClipReward", "VecNormalize")
_VECTOR_WORKERS = ("gymnasium.vector.async_vector_env", "stable_baselines3.common.vec_env.subproc_vec_env")


class Envs:
    """Environments of this process by identity: which are inner, and the track of each that is stepped."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.made_at: dict[int, tuple[Any, str]] = {}
        self._turns: dict[tuple[str, int], int] = {}
        self._latest: dict[tuple[Any, ...], tuple[Any, EnvTrack]] = {}
        self.tracks: dict[int, tuple[Any, EnvTrack | None]] = {}

    def put_inside(self, env: Any) -> None:
        """`env` is now part of another environment; its own steps no longer count."""
        key = id(env)
        env_calls.inner[key] = weakref.ref(env, lambda _, key=key: env_calls.inner.pop(key, None))
        env_calls.known.pop(key, None)
        untap_class(type(env), key)

    def made(self, env: Any, frame: Any) -> None:
        """Notes the user's line that made `env`."""
        at, names = callsite.maker(frame, "/gymnasium/", env)
        if "/gymnasium/" in frame.f_code.co_filename:
            name = names[0] if names else ""
        else:
            name = callsite.next_name(at, names, self._turns)
        self.made_at[id(env)] = (at, name)

    def track(self, env: Any) -> EnvTrack | None:
        """The track of an outermost environment, introduced at its first reset or step."""
        found = self.tracks.get(id(env))
        if found is None or found[0]() is not env:
            part_of_vector = not self.recorder.main and _is_vector_worker()
            track = None if part_of_vector else self._introduce(env)
            found = self.keep(env, track)
        return found[1]

    def keep(self, env: Any, track: EnvTrack | None) -> tuple[Any, EnvTrack | None]:
        """Notes the track of an environment; None: its steps do not count."""
        key, known = id(env), env_calls.known
        found = self.tracks[key] = (weakref.ref(env, lambda _: known.pop(key, None)), track)
        if track is not None:
            known[key] = track
        return found

    def _introduce(self, env: Any) -> EnvTrack:
        """A new subject, or that of an evaluation environment of the same line that is gone."""
        n = int(getattr(env, "num_envs", 0) or 0)
        at, name = self._made(env)
        info = describe(env, n)
        place = (str(at), name, info["id"], n)
        before, track = self._latest.get(place, (None, None))
        if track is None or before is None or before() is not None or not track.is_eval:
            subject = self.recorder.subject("env", name or info["id"], at, info)
            track = EnvTrack(self.recorder, subject, max(n, 1), info)
            self.recorder.on_flush.append(track.flush)
        self._latest[place] = (weakref.ref(env), track)
        return track

    def _made(self, env: Any) -> tuple[Any, str]:
        return next((self.made_at[id(x)] for x in _layers(env) if id(x) in self.made_at), (None, ""))


def describe(env: Any, n: int) -> dict[str, Any]:
    """What is known of an environment before its first step; every reading is guarded."""
    layers = _layers(env)
    base = _attribute(env, "unwrapped")
    spec = _attribute(base, "spec") or _attribute(env, "spec")
    parts = own(layers[-1], "envs") if n else None
    if parts:
        layers = [*layers, *_layers(parts[0])]
        spec = _attribute(_attribute(parts[0], "unwrapped"), "spec") or spec
    mode = (_attribute(env, "metadata") or {}).get("autoreset_mode") if n else None
    names = [type(layer).__name__ for layer in layers]
    return {
        "id": getattr(spec, "id", None) or type(layers[-1]).__name__,
        "num_envs": max(n, 1),
        "vector": bool(n),
        "role": "train",
        "wrappers": names,
        "autoreset": getattr(mode, "name", str(mode) if mode else "").lower() or None,
        "max_episode_steps": _limit(spec, layers),
        "reward_transformed": any(x in REWARD_WRAPPERS or "Reward" in x for x in names),
        "action_space": describe_space(_attribute(env, "single_action_space" if n else "action_space")),
        "observation_space": describe_space(_attribute(env, "single_observation_space" if n else "observation_space")),
        "spec": _spec_json(spec),
    }


def _layers(env: Any) -> list[Any]:
    found = [env]
    while len(found) < 50 and (inner := own(found[-1], "env")) is not None:
        found.append(inner)
    return found


def _attribute(thing: Any, name: str) -> Any:
    try:
        return getattr(thing, name, None)
    except Exception:
        return None


def _limit(spec: Any, layers: list[Any]) -> int | None:
    for layer in layers:
        limit = own(layer, "_max_episode_steps")
        if isinstance(limit, int):
            return limit
    return getattr(spec, "max_episode_steps", None)


def _spec_json(spec: Any) -> dict[str, Any] | None:
    """What another process needs to make the same environment without its wrappers; None if it cannot be
    written."""
    entry = getattr(spec, "entry_point", None)
    if not isinstance(entry, str):
        return None
    kwargs = {k: v for k, v in (spec.kwargs or {}).items() if k not in ("render_mode",)}
    try:
        json.dumps(kwargs)
    except (TypeError, ValueError):
        return None
    return {
        "id": spec.id,
        "entry_point": entry,
        "kwargs": kwargs,
        "max_episode_steps": spec.max_episode_steps,
    }


def _is_vector_worker() -> bool:
    target = getattr(multiprocessing.current_process(), "_target", None)
    return getattr(target, "__module__", "") in _VECTOR_WORKERS


envs: Envs
_tapped: dict[tuple[type, str], set[int]] = {}
"""Methods that are tapped, with the outermost environments known to use each."""
_ALWAYS = -1
"""Stands for environments that may appear without a constructor of gymnasium's being called."""


def install(gymnasium: Any, recorder: Recorder) -> None:
    """Taps constructors; `step` and `reset` are tapped class by class as outermost environments appear."""
    _reset(recorder)
    on_fork(_reset)
    recorder.meta(gymnasium=str(gymnasium.__version__))
    registration = sys.modules["gymnasium.envs.registration"]
    for name in ("make", "make_vec"):
        tapped = taps.observe(registration, name, _on_make)
        taps.replace(gymnasium, name, tapped)
    taps.observe(gymnasium.Wrapper, "__init__", _on_wrap)
    vector = sys.modules["gymnasium.vector"]
    taps.observe(vector.VectorWrapper, "__init__", _on_wrap)
    for cls in (vector.SyncVectorEnv, vector.AsyncVectorEnv):
        taps.observe(cls, "__init__", _on_vector)
    for base in (gymnasium.Env, vector.VectorEnv):
        _watch_subclasses(base, gymnasium.Wrapper, vector.VectorWrapper)


def _reset(recorder: Recorder) -> None:
    global envs
    env_use.forget()
    env_calls.forget()
    envs = Envs(recorder)


def _on_make(args: Any, kwargs: Any, env: Any) -> None:
    envs.made(env, callsite.here(2))
    tap_class(type(env), id(env))


def _on_wrap(args: Any, kwargs: Any, result: Any) -> None:
    inner = args[1] if len(args) > 1 else kwargs.get("env")
    if inner is not None:
        envs.put_inside(inner)
    tap_class(type(args[0]), id(args[0]))


def _on_vector(args: Any, kwargs: Any, result: Any) -> None:
    for part in getattr(args[0], "envs", ()):
        envs.put_inside(part)
    envs.made(args[0], callsite.here(2))
    tap_class(type(args[0]), id(args[0]))


def _watch_subclasses(base: type, *wrappers: type) -> None:
    """Taps environment classes that are defined from now on outside gymnasium (they may be used without
    `make`)."""
    own = base.__dict__.get("__init_subclass__")

    def __init_subclass__(cls: type, **kwargs: Any) -> None:
        if own is not None:
            own.__func__(cls, **kwargs)
        else:
            super(base, cls).__init_subclass__(**kwargs)
        try:
            if not issubclass(cls, wrappers) and not cls.__module__.startswith(("gymnasium.", "stable_baselines3.")):
                tap_class(cls, _ALWAYS)
        except Exception as error:
            taps.failed("env-classes", error)

    taps.replace(base, "__init_subclass__", classmethod(__init_subclass__))


def tap_class(cls: type, user: int) -> None:
    """Taps `step` and `reset` where this class or a base of it defines them, on behalf of an outermost
    environment."""
    for name in ("step", "reset"):
        owner = _owner(cls, name)
        if owner is None:
            continue
        users = _tapped.get((owner, name))
        if users is not None:
            users.add(user)
            continue
        original = owner.__dict__[name]
        if callable(original):
            _tapped[(owner, name)] = {user}
            tap, observer = (outermost, _on_reset) if name == "reset" else (outermost_step, _on_step)
            tapped = tap(original, observer)
            taps.replace(owner, name, tapped if _importable(owner) else ByValue(tapped, original))


def untap_class(cls: type, user: int) -> None:
    """Puts the methods back once no outermost environment uses them: inner layers then cost nothing."""
    for name in ("step", "reset"):
        owner = _owner(cls, name)
        if owner is not None and (users := _tapped.get((owner, name))) is not None:
            users.discard(user)
            if not users:
                del _tapped[(owner, name)]
                taps.restore(owner, name)


def _owner(cls: type, name: str) -> Any:
    owner = next((c for c in cls.__mro__ if name in c.__dict__), None)
    return None if owner is None or (owner.__module__ == "gymnasium.core" and owner.__name__ == "Env") else owner


def _importable(cls: type) -> bool:
    return cls.__module__ != "__main__" and getattr(sys.modules.get(cls.__module__), cls.__name__, None) is cls


def _on_reset(env: Any, args: Any, kwargs: Any, result: Any) -> None:
    track = envs.track(env)
    seed = kwargs.get("seed")
    if track is not None:
        track.reset(result[0] if isinstance(result, tuple) and result else result, kwargs.get("options"))
        if seed is not None:
            envs.recorder.event("seed", track.subject, {"what": "env.reset", "seed": seed})


def _on_step(env: Any, args: Any, kwargs: Any, result: Any) -> None:
    """A step of an environment of which nothing is known yet, or of several parts."""
    track = envs.track(env)
    if track is None or len(result) != 5:
        return
    action = args[0] if args else kwargs.get("action", kwargs.get("actions"))
    if track.vector:
        obs, reward, terminated, truncated, info = result
        track.step_many(action, obs, reward, terminated, truncated, info, _ending)
    else:
        track.step_one(result, action)


def _ending(track: EnvTrack, obs: Any, info: Any, i: int) -> tuple[Any, Any]:
    """The true last observation of part i, and its return by an episode-statistics wrapper."""
    held = obs if track.next_step_autoreset else info.get("final_obs")
    counted = info.get("episode") or (info.get("final_info") or {}).get("episode")
    raw = float(counted["r"][i]) if isinstance(counted, dict) and "r" in counted else None
    return (held[i] if held is not None else None), raw
