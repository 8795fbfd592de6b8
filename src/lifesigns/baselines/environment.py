"""Opens a user's environment by name and counts its steps; every call into the user's code goes through `World`."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import json
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

REGISTERING = ("ale_py", "minigrid", "gymnasium_robotics", "highway_env", "panda_gym")
"""Packages that register environments when they are imported; imported where an unknown id may be theirs."""
OPEN_SPIEL = "open_spiel:"
SUCCESS = ("is_success", "success", "solved", "goal_reached")
"""Keys of `info` that say at an episode's end whether it succeeded: the true metric, apart from the reward."""
MOST_SCORED = 20_000
DEFAULT_STEPS = 1000
"""Steps after which an episode is cut where nothing else ends it."""


class EnvironmentProblem(Exception):
    """An environment that cannot be used; the message is a sentence for the user."""


class World:
    """An environment with its steps counted.

    `entered` is the time (`monotonic`) at which the call that runs now entered the user's code, 0 outside: a
    watchdog in another thread reads it.
    """

    def __init__(self, env: Any, name: str = "", limit: int = 0) -> None:
        self.env = env
        self.name = name
        self.limit = limit
        """Steps after which lifesigns itself cuts an episode; 0 where the environment does."""
        self.steps = 0
        self.resets = 0
        self.scored: list[tuple[float, float]] = []
        """(return, success) of each whole episode whose end says in `info` whether it succeeded."""
        self.entered = 0.0
        self.doing = ""
        self._age = 0
        self._info: Any = None

    @property
    def spec(self) -> Any:
        return getattr(self.env, "spec", None)

    @property
    def horizon(self) -> int:
        """Longest episode in steps."""
        return int(getattr(self.spec, "max_episode_steps", 0) or self.limit or DEFAULT_STEPS)

    def reset(self, seed: int | None = None) -> Any:
        """The first observation."""
        self.entered, self.doing = time.monotonic(), "reset"
        obs, _ = self.env.reset(seed=seed)
        self.entered = 0.0
        self.resets += 1
        self._age = 0
        return obs

    def step(self, action: Any) -> tuple[Any, float, bool, bool]:
        """Observation, reward, terminated, truncated."""
        self.entered, self.doing = time.monotonic(), "step"
        obs, reward, terminated, truncated, self._info = self.env.step(action)
        self.entered = 0.0
        self.steps += 1
        self._age += 1
        if self.limit and self._age >= self.limit:
            truncated = True
        return obs, float(reward), bool(terminated), bool(truncated)

    def ended(self, total: float) -> None:
        """Notes the return of an episode that has just ended, where the environment says whether it succeeded."""
        told: dict[str, Any] = self._info if isinstance(self._info, dict) else {}
        for key in SUCCESS:
            value: Any = told.get(key)
            if isinstance(value, (bool, int, float)) or (hasattr(value, "item") and getattr(value, "size", 0) == 1):
                if len(self.scored) < MOST_SCORED:
                    self.scored.append((total, float(value)))
                return

    @property
    def age(self) -> int:
        """Steps since the last reset; set by a restore."""
        return self._age

    @age.setter
    def age(self, steps: int) -> None:
        self._age = steps


def layers(env: Any) -> list[Any]:
    """The environment and everything that it wraps, outermost first."""
    found: list[Any] = []
    while env is not None and all(env is not one for one in found):
        found.append(env)
        inner = env.__dict__.get("env") if hasattr(env, "__dict__") else None
        env = inner
    return found


def open_world(
    name: str, kwargs: dict[str, Any], path: list[str], render: bool = False, spec: dict[str, Any] | None = None
) -> World:
    """Makes the environment that `name` says: a Gymnasium id, `module:Id`, `module:factory`, `file.py:Class` or
    `open_spiel:GAME`; with `spec`, the one that it describes.

    Raises EnvironmentProblem with a sentence where there is none.
    """
    sys.path[:0] = [p for p in path if p not in sys.path]
    kwargs = {**kwargs, "render_mode": "rgb_array"} if render else kwargs
    if spec is not None:
        return _world(_from_spec(name, spec, render), name)
    if name.startswith(OPEN_SPIEL):
        return _world(_from_open_spiel(name, kwargs), name)
    made = _from_python(name, kwargs) if ":" in name else None
    return _world(_from_registry(name, kwargs) if made is None else made, name)


def _world(env: Any, name: str) -> World:
    """The environment as a world, if it is one that can be measured."""
    for needed in ("reset", "step", "action_space", "observation_space"):
        if not hasattr(env, needed):
            raise EnvironmentProblem(
                f"expected a Gymnasium environment, got `{type(env).__name__}` without `{needed}` from `{name}`"
            )
    if hasattr(env, "num_envs") and (hasattr(env, "single_action_space") or not hasattr(env, "unwrapped")):
        raise EnvironmentProblem(f"`{name}` makes a vector environment; name a single one")
    limited = bool(getattr(getattr(env, "spec", None), "max_episode_steps", None)) or any(
        type(one).__name__ == "TimeLimit" for one in layers(env)
    )
    return World(env, name, 0 if limited else DEFAULT_STEPS)


def _from_python(name: str, kwargs: dict[str, Any]) -> Any:
    """What `file.py:Class` or `module:factory` makes; None where it is an id of a module."""
    where, _, attribute = name.rpartition(":")
    if where.endswith(".py"):
        module = _load_file(Path(where))
    else:
        try:
            module = importlib.import_module(where)
        except ImportError as error:
            if error.name and error.name.split(".")[0] != where.split(".")[0]:
                raise EnvironmentProblem(f"importing `{where}` failed: {error}") from None
            raise EnvironmentProblem(f"no module `{where}` here; name `module:factory` or `file.py:Class`") from None
    if not hasattr(module, attribute):
        if not where.endswith(".py") and attribute in _known():
            return None
        near = difflib.get_close_matches(attribute, [k for k in vars(module) if not k.startswith("_")], 2, 0.5)
        hint = f"; did you mean {' or '.join(f'`{k}`' for k in near)}?" if near else ""
        raise EnvironmentProblem(f"`{where}` has no `{attribute}`{hint}")
    factory = getattr(module, attribute)
    if not callable(factory):
        raise EnvironmentProblem(f"expected a class or function at `{name}`, got `{type(factory).__name__}`")
    return _make(name, factory, kwargs)


def _load_file(file: Path) -> Any:
    if not file.is_file():
        raise EnvironmentProblem(f"no file at `{file}`")
    sys.path.insert(0, str(file.absolute().parent))
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, module)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise EnvironmentProblem(f"`{file}` cannot be imported: {_said(error)}") from error
    return module


def _known() -> list[str]:
    from gymnasium.envs.registration import registry

    return list(registry)


def _from_registry(name: str, kwargs: dict[str, Any]) -> Any:
    try:
        import gymnasium
    except ImportError:
        raise EnvironmentProblem("Gymnasium is not installed here; `pip install gymnasium`") from None
    plain = name.rpartition(":")[2]
    if plain not in _known():
        for package in REGISTERING:
            if importlib.util.find_spec(package) is not None:
                module = importlib.import_module(package)
                if package == "ale_py":
                    gymnasium.register_envs(module)
                if plain in _known():
                    break
    if plain not in _known():
        raise EnvironmentProblem(_unknown(name))
    return _make(name, lambda **extra: gymnasium.make(plain, disable_env_checker=True, **extra), kwargs)


def _make(name: str, factory: Any, kwargs: dict[str, Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return factory(**kwargs)
        except TypeError as error:
            if "render_mode" in kwargs and "render_mode" in str(error):
                return _make(name, factory, {k: v for k, v in kwargs.items() if k != "render_mode"})
            raise EnvironmentProblem(f"`{name}` cannot be made: {_said(error)}") from error
        except Exception as error:
            raise EnvironmentProblem(f"`{name}` cannot be made: {_said(error)}") from error


def _unknown(name: str) -> str:
    known = _known()
    lower = {k.lower(): k for k in known}
    bare = name.lower().rpartition("-v")[0] or name.lower()
    versions = [k for k in known if k.lower().rpartition("-v")[0] == bare]
    near = versions[-3:] or [lower[k] for k in difflib.get_close_matches(name.lower(), list(lower), 3, 0.5)]
    hint = f"; nearest: {', '.join(near)}" if near else ""
    return (
        f"no environment `{name}` is registered{hint}. An id of a package that registers its own: `package:Id`; "
        "an environment of yours: `module:factory` or `file.py:Class`"
    )


def _said(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__


def _from_spec(name: str, spec: dict[str, Any], render: bool) -> Any:
    """The environment of a recorded run: made from its entry point, without the user's wrappers."""
    try:
        import gymnasium
        from gymnasium.envs.registration import EnvSpec
    except ImportError:
        raise EnvironmentProblem("Gymnasium is not installed here; `pip install gymnasium`") from None
    made = EnvSpec(
        id=spec["id"],
        entry_point=spec["entry_point"],
        kwargs=dict(spec.get("kwargs") or {}),
        max_episode_steps=spec.get("max_episode_steps"),
    )
    kwargs = {"render_mode": "rgb_array"} if render else {}
    return _make(name, lambda **extra: gymnasium.make(made, disable_env_checker=True, **extra), kwargs)


def _from_open_spiel(name: str, kwargs: dict[str, Any]) -> Any:
    from lifesigns.baselines.open_spiel import SpielEnv

    try:
        importlib.import_module("pyspiel")
    except ImportError:
        raise EnvironmentProblem("OpenSpiel is not installed here; `pip install open_spiel`") from None
    return _make(name, lambda **extra: SpielEnv(name.removeprefix(OPEN_SPIEL), **extra), kwargs)


def spec_of(env: Any) -> dict[str, Any] | None:
    """What another process needs to make the same environment without its wrappers; None where it cannot be written.

    Equal to what the recorder notes of a run's environment.
    """
    spec = getattr(getattr(env, "unwrapped", env), "spec", None)
    entry = getattr(spec, "entry_point", None)
    if spec is None or not isinstance(entry, str):
        return None
    kwargs = {k: v for k, v in (spec.kwargs or {}).items() if k != "render_mode"}
    try:
        json.dumps(kwargs)
    except (TypeError, ValueError):
        return None
    limits = [v for one in layers(env) if isinstance(v := vars(one).get("_max_episode_steps"), int)]
    longest = limits[0] if limits else spec.max_episode_steps
    return {"id": spec.id, "entry_point": entry, "kwargs": kwargs, "max_episode_steps": longest}


def quiet_simulators() -> None:
    """Keeps MuJoCo's warnings out of a log file in the user's working folder, and the emulator's greeting away."""
    os.environ.setdefault("ALE_LOGGER_LEVEL", "error")
    if importlib.util.find_spec("mujoco") is not None:
        importlib.import_module("mujoco").set_mju_user_warning(lambda text: None)
