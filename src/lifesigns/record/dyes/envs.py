"""Environments of a dyed run: recorded at their innermost layer, with the world and the plants of the request.

Flows in: finished `step` and `reset` calls of environment classes. Flows out: records of actions, rewards, observations
and ends; changed rewards, observations and ends where a plant asks for it. Process-parallel vector classes are replaced
by their in-process twins, so that the innermost layer is here.
"""

from __future__ import annotations

import sys
from functools import wraps
from typing import Any

from .. import callsite, taps
from . import layers, observations, wrapping
from .resets import Resets
from .session import Session
from .streams import Streams

COMB, COMB_AT = 16, 5
"""A comb plants in one step of sixteen of each environment, the sixth first."""


class Part:
    """One environment instance: its number, its clocks, what its last step was."""

    def __init__(self, number: int, env: Any) -> None:
        self.number, self.env = number, env
        self.steps = self.episode = self.in_episode = 0
        self.busy = self.ended = False
        self.last_obs: Any = None
        self.inner: list[Any] = []
        self.rewritten = False

    def is_rewritten(self, obs: Any) -> bool:
        """Whether wrappers have ever handed out other observations than the innermost layer did, up to this one."""
        self.rewritten = self.rewritten or observations.unlike(observations.arrays(obs), self.inner)
        return self.rewritten


class Parts:
    """All instances of the run, and what happens to each call."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.by_id: dict[int, Part] = {}
        self.first_group: set[int] = set()
        self.wrapped: set[tuple[type, str]] = set()
        self.number = 0
        self.streams = Streams()
        self.latest: tuple[Part, set[str]] | None = None
        self.last_reset: Part | None = None
        self.depth = 0
        self.resets = Resets(session, self.first_group)

    def of(self, env: Any) -> Part:
        """The record of an instance, begun at its first call; it keeps the instance alive, so ids stay unique."""
        found = self.by_id.get(id(env))
        if found is None:
            found = self.by_id[id(env)] = Part(self.number, env)
            self.number += 1
            name = type(env).__name__
            self.session.notes.setdefault("envs", {})[found.number] = {
                "class": name,
                "at": callsite.location(callsite.user_frame(callsite.here(2))),
                "action": observations.space_of(getattr(env, "action_space", None)),
                "observation": observations.space_of(getattr(env, "observation_space", None)),
            }
        return found

    def stepped(self, part: Part, action: Any, result: Any) -> Any:
        """What the agent's side gets from a step of the innermost layer."""
        session, log = self.session, self.session.log
        obs, reward, terminated, truncated, info = result
        terminated, truncated = bool(terminated), bool(truncated)
        part.in_episode += 1
        if log.update == 0:
            self.first_group.add(part.number)
        elif part.number not in self.first_group and session.eval_seen_at < 0:
            session.eval_seen_at, session.light = log.update, session.lines_only
        session.on_env_step(part.number in self.first_group)
        self._keep_streams(part)
        terminated, truncated = self._world(part, terminated, truncated)
        when = _moment(part, terminated, truncated)
        self.latest = (part, when)
        for plant in session.plants:
            if plant["kind"] in STEP_PLANTS and not plant.get("outer") and _matches(plant, part, when):
                obs, reward, terminated, truncated = _planted(plant, part, obs, reward, terminated, truncated)
                self._note(plant, part, when)
        self._record(part, action, obs, reward, terminated, truncated)
        part.steps += 1
        part.ended = terminated or truncated
        self.resets.stepped(part.ended)
        if session.kinds("scribble"):
            observations.scribble(part.last_obs)
            part.last_obs = obs
        return obs, reward, terminated, truncated, info

    def sent(self, env: Any, action: Any) -> Any:
        """What the outermost layer gets for an action: another one in the last step of an episode that is planted."""
        plants = self.session.kinds("action")
        part = self.by_id.get(id(getattr(env, "unwrapped", env))) if plants else None
        if part is None or part.in_episode + 1 != self._length(part):
            return action
        for plant in plants:
            if _matches(plant, part, {plant["at"]}):
                action = observations.other_action(action, getattr(env, "action_space", None))
                self._note(plant, part, set())
        return action

    def left(self, env: Any, result: Any) -> Any:
        """What the agent gets from a step of the outermost layer."""
        if self.latest is None or not isinstance(result, tuple) or len(result) != 5:
            return result
        plants = [p for p in self.session.kinds("obs") if p.get("outer")]
        part, inner = self.latest
        obs, *rest = result
        rewritten = part.is_rewritten(obs)
        when = inner | _ends(bool(rest[1]), bool(rest[2]))
        for plant in plants:
            if _matches(plant, part, when, done=1):
                obs = observations.changed(obs, env)
                self._note(plant, part, when)
        self._rewritten(part, obs, rewritten)
        return (obs, *rest)

    def left_reset(self, env: Any, result: Any) -> Any:
        """What the agent gets from a reset of the outermost layer."""
        part = self.last_reset
        if part is not None and isinstance(result, tuple) and len(result) == 2:
            self._rewritten(part, result[0], part.is_rewritten(result[0]))
        return result

    def _rewritten(self, part: Part, obs: Any, rewritten: bool) -> None:
        """Records what the outermost layer hands out, where wrappers make something else of observations."""
        for array in observations.arrays(obs) if rewritten else ():
            self.session.add("obs", f"env{part.number}.outer", self.session.log.site(None), array)

    def _keep_streams(self, part: Part) -> None:
        """The plant `rng`: evaluation leaves every random stream as it found it."""
        for plant in self.session.kinds("rng"):
            if part.number not in plant["envs"]:
                self.streams.forget()
            else:
                self.streams.hold()
                self.session.planted.append({"kind": "rng", "update": self.session.log.update})

    def _world(self, part: Part, terminated: bool, truncated: bool) -> tuple[bool, bool]:
        """Ends episodes early, the even ones by truncation, the odd ones by termination, where the world is busy."""
        kind = (part.episode + part.number) % 2
        if not (terminated or truncated) and 0 < self._length(part) <= part.in_episode:
            return kind == 1, kind == 0
        return terminated, truncated

    def _length(self, part: Part) -> int:
        """The step with which an episode ends early; 0 where the world leaves it alone."""
        lengths = self.session.world.get("lengths")
        return int(lengths[(part.episode + part.number) % 2]) if lengths else 0

    def was_reset(self, part: Part, result: Any) -> Any:
        """What the agent's side gets from a reset of the innermost layer."""
        obs, info = result if isinstance(result, tuple) and len(result) == 2 else (result, None)
        self._keep_streams(part)
        self.resets.begun(part)
        when = {"reset", "any-reset"} if part.steps else {"first-reset", "any-reset"}
        part.episode += part.in_episode > 0
        part.in_episode, part.ended = 0, False
        if part.steps and (part.episode + part.number) % 2:
            when.add("reset-after-truncation")
        for plant in self.session.plants:
            if plant["kind"] == "obs" and _matches(plant, part, when):
                obs = observations.changed(obs, part.env)
                self._note(plant, part, when)
        number = self.session.log.site(None)
        part.inner, self.last_reset = observations.arrays(obs), part
        for array in part.inner:
            self.session.add("obs", f"env{part.number}.reset", number, array)
        return (obs, info) if info is not None else obs

    def _note(self, plant: dict[str, Any], part: Part, when: set[str]) -> None:
        log = self.session.log
        self.session.planted.append(
            {
                "env": part.number,
                "step": part.steps,
                "episode": part.episode,
                "in_episode": part.in_episode,
                "update": log.update,
                "record": len(log.rows),
                "kind": plant["kind"],
            }
        )

    def _record(self, part: Part, action: Any, obs: Any, reward: Any, terminated: bool, truncated: bool) -> None:
        import numpy as np

        add, name = self.session.add, f"env{part.number}"
        site = self.session.log.site(None)
        try:
            add("action", name, self.session.site(sys._getframe(1)), observations.flat(action))
            add("reward", name, site, np.atleast_1d(np.asarray(reward, dtype=np.float64)))
        except (TypeError, ValueError):
            pass
        part.inner = observations.arrays(obs)
        for array in part.inner:
            add("obs", name, site, array)
        add("end", name, site, np.array([terminated, truncated]))


STEP_PLANTS = ("reward", "obs", "end")


def _ends(terminated: bool, truncated: bool) -> set[str]:
    """What a pair of flags says."""
    return {"terminated", "end"} if terminated else {"truncated", "end"} if truncated else set()


def _moment(part: Part, terminated: bool, truncated: bool) -> set[str]:
    when = {"step"} | _ends(terminated, truncated)
    if part.steps % COMB == COMB_AT:
        when.add("comb")
    if part.in_episode == 1 and part.episode > 0:
        when.add("first-step")
    return when


def _matches(plant: dict[str, Any], part: Part, when: set[str], done: int = 0) -> bool:
    """Whether a plant's moment is now; `done`: steps already counted of the one it is about."""
    if plant.get("envs") is not None and part.number not in plant["envs"]:
        return False
    if plant.get("step") is not None and part.steps - done != plant["step"]:
        return False
    if plant.get("episode") is not None and part.episode != plant["episode"]:
        return False
    return plant["at"] in when


def _planted(plant: dict[str, Any], part: Part, obs: Any, reward: Any, terminated: bool, truncated: bool) -> Any:
    if plant["kind"] == "reward":
        return obs, reward + plant["delta"], terminated, truncated
    if plant["kind"] == "obs":
        return observations.changed(obs, part.env), reward, terminated, truncated
    return obs, reward, not terminated, not truncated


def install(session: Session) -> None:
    """Waits for the libraries."""
    parts = Parts(session)
    session.notes["in_process"] = []
    session.when("gymnasium", lambda module: _gymnasium(module, session, parts))
    session.when("stable_baselines3.common.vec_env", lambda module: _sb3(module, session))
    for name in ("jax", "envpool", "tensorflow"):
        session.when(name, lambda module, name=name: session.notes.setdefault("unsupported", []).append(name))


def _gymnasium(gymnasium: Any, session: Session, parts: Parts) -> None:
    base = gymnasium.Env

    around = wrapping.install(session)

    def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:
        made = object.__new__(cls)
        if issubclass(cls, gymnasium.Wrapper):
            around.made(made, gymnasium.Wrapper, sys._getframe(1))
        if session.plants and session.kinds("copy"):
            layers.copying(cls, parts)
        if not issubclass(cls, gymnasium.Wrapper):
            _wrap(cls, base, parts)
        layers.outermost(cls, base, parts)
        return made

    base.__new__ = __new__
    vector = sys.modules["gymnasium.vector"]
    _watch_autoreset(vector, session)
    if session.kinds("copy"):
        taps.replace(vector.SyncVectorEnv, "__init__", layers.made(vector.SyncVectorEnv.__init__, session))
        for name in ("step", "reset"):
            taps.replace(vector.SyncVectorEnv, name, layers.copied(getattr(vector.SyncVectorEnv, name), session))
    asynchronous = vector.AsyncVectorEnv

    class InProcess(vector.SyncVectorEnv):
        """A class, so that it can be subclassed and named in annotations."""

        def __init__(self, env_fns: Any, *args: Any, **kwargs: Any) -> None:
            _twin(session, "AsyncVectorEnv", "SyncVectorEnv")
            wanted = {k: v for k, v in kwargs.items() if k in ("copy", "observation_mode", "autoreset_mode")}
            super().__init__(env_fns, **wanted)

    for module in [m for n, m in list(sys.modules.items()) if n.startswith("gymnasium")]:
        if vars(module).get("AsyncVectorEnv") is asynchronous:
            module.AsyncVectorEnv = InProcess  # type: ignore[attr-defined]


def _twin(session: Session, was: str, now: str) -> None:
    text = f"{was} ran as {now}"
    if text not in session.notes["in_process"]:
        session.notes["in_process"].append(text)


def _sb3(module: Any, session: Session) -> None:
    parallel = module.SubprocVecEnv

    class InProcess(module.DummyVecEnv):
        """A class, so that it can be subclassed and named in annotations."""

        def __init__(self, env_fns: Any, start_method: Any = None) -> None:
            _twin(session, "SubprocVecEnv", "DummyVecEnv")
            super().__init__(env_fns)

    for one in [m for n, m in list(sys.modules.items()) if n.startswith("stable_baselines3")]:
        if vars(one).get("SubprocVecEnv") is parallel:
            one.SubprocVecEnv = InProcess  # type: ignore[attr-defined]


def _wrap(cls: type, base: type, parts: Parts) -> None:
    """Replaces `step` and `reset` in the class that defines them, once."""
    for name in ("step", "reset"):
        owner = next((c for c in cls.__mro__ if name in c.__dict__), base)
        if owner is base or (owner, name) in parts.wrapped:
            continue
        parts.wrapped.add((owner, name))
        original = owner.__dict__[name]
        setattr(owner, name, _step(original, parts) if name == "step" else _reset(original, parts))


def _step(original: Any, parts: Parts) -> Any:
    @wraps(original)
    def step(self: Any, action: Any, *args: Any, **kwargs: Any) -> Any:
        part = parts.of(self)
        if part.busy:
            return original(self, action, *args, **kwargs)
        part.busy = True
        try:
            result = original(self, action, *args, **kwargs)
        finally:
            part.busy = False
        if not isinstance(result, tuple) or len(result) != 5:
            return result
        session = parts.session
        try:
            return parts.stepped(part, action, result)
        except Exception:
            session.fail()

    return step


def _reset(original: Any, parts: Parts) -> Any:
    @wraps(original)
    def reset(self: Any, *args: Any, **kwargs: Any) -> Any:
        part = parts.of(self)
        if part.busy:
            return original(self, *args, **kwargs)
        if kwargs.get("seed") is not None:
            kwargs["seed"] = parts.session.seeds.take("env.reset", kwargs["seed"], callsite.here(1))
        parts.resets.note(part, callsite.here(1))
        part.busy = True
        try:
            result = original(self, *args, **kwargs)
        finally:
            part.busy = False
        try:
            return parts.was_reset(part, result)
        except Exception:
            parts.session.fail()

    return reset


def _watch_autoreset(vector: Any, session: Session) -> None:
    """Plants in the row that a next-step autoreset inserts between two episodes."""
    cls = vector.SyncVectorEnv
    original = cls.step
    taps.replace(cls, "__init__", layers.by_default(cls.__init__, session))

    @wraps(original)
    def step(self: Any, actions: Any) -> Any:
        import numpy as np

        mode = str(getattr(self, "autoreset_mode", (self.metadata or {}).get("autoreset_mode", "")))
        dummy = np.array(getattr(self, "_autoreset_envs", ()), dtype=bool).copy() if "NEXT_STEP" in mode else None
        if dummy is not None and dummy.any():
            session.notes["dummy_rows"] = session.notes.get("dummy_rows", 0) + int(dummy.sum())
        result = original(self, actions)
        if dummy is not None and session.kinds("dummy") and dummy.any():
            obs, rewards, *rest = result
            rewards = np.where(dummy, rewards + session.kinds("dummy")[0]["delta"], rewards)
            session.planted.append({"kind": "dummy", "update": session.log.update, "record": len(session.log.rows)})
            return (obs, rewards, *rest)
        return result

    taps.replace(cls, "step", step)
