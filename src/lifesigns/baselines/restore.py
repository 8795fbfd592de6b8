"""Ways to save and restore an environment's state; each is checked bit by bit before a planner may use it.

`choose` tries, in order: a pair of functions of the user's, the emulator's clone (ALE), the physics state (MuJoCo), the
changing attributes of every layer, a deep copy of the whole, and replay from the seed. The first that passes the check
(`fidelity.py`) is used. `chance` says whether an adapter can restore a state with fresh randomness; a planner that
cannot do so on a stochastic environment foresees chance, and says so.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from lifesigns.baselines.environment import World, layers


class Restore(Protocol):
    """Saves and restores the state of one world."""

    name: str
    chance: bool
    """Whether `restore(state, rng)` can draw the future anew."""

    def save(self) -> Any: ...

    def restore(self, state: Any, rng: np.random.Generator | None = None) -> None: ...


FIXED = frozenset(
    (
        *("env", "spec", "_spec", "observation_space", "_observation_space", "action_space", "_action_space"),
        *("metadata", "_metadata", "screen", "clock", "surf", "window", "window_surface", "mujoco_renderer"),
        *("model", "data", "P", "ale", "game"),
    )
)
"""Attributes that hold no state of the world, or whose state an adapter of its own holds."""
SCALARS = frozenset((int, float, bool, str, bytes, complex, type(None)))
STATES = 256
"""Generator states from which fresh chance is drawn."""


class Attributes:
    """The attributes of every layer that are numbers, arrays, generators or plain containers of these.

    Generators stay the objects that they are: their state is saved and set.
    """

    name, chance = "attributes of the environment", True

    def __init__(self, world: World) -> None:
        self.world = world
        self._layers = layers(world.env)
        self._tools: set[tuple[int, str]] = set()
        self._fresh: dict[str, list[Any]] = {}

    def save(self) -> Any:
        kept = [self._saved(i, vars(one)) for i, one in enumerate(self._layers)]
        return kept, self.world.age

    def _saved(self, layer: int, own: dict[str, Any]) -> Any:
        """(plain values, values to copy, generators with their states, number of attributes) of a layer."""
        plain: dict[str, Any] = {}
        copied: list[tuple[str, Any]] = []
        chance: list[tuple[str, Any, Any]] = []
        for key, value in own.items():
            kind = type(value)
            if key in FIXED or (layer, key) in self._tools:
                continue
            if kind in SCALARS:
                plain[key] = value
            elif kind is np.random.Generator:
                chance.append((key, value, value.bit_generator.state))
            elif callable(value) or kind.__name__ == "module":
                self._tools.add((layer, key))
            else:
                copied.append((key, _copied(value)))
        return plain, copied, chance, len(own)

    def restore(self, state: Any, rng: np.random.Generator | None = None) -> None:
        kept, self.world.age = state
        for layer, (one, (plain, copied, chance, size)) in enumerate(zip(self._layers, kept, strict=True)):
            own = vars(one)
            own.update(plain)
            for key, value in copied:
                own[key] = _copied(value)
            for key, generator, before in chance:
                own[key] = generator
                generator.bit_generator.state = before if rng is None else self._drawn(before, rng)
            if len(own) > size:
                self._remove_new(layer, own, {*plain, *(k for k, _ in copied), *(k for k, *_ in chance)})

    def _remove_new(self, layer: int, own: dict[str, Any], known: set[str]) -> None:
        """Attributes that came after the state was saved are taken away again."""
        for key in [k for k in own if k not in known and k not in FIXED and (layer, k) not in self._tools]:
            if not callable(own[key]) and type(own[key]).__name__ != "module":
                del own[key]

    def _drawn(self, before: Any, rng: np.random.Generator) -> Any:
        """A state of the same kind of generator, drawn at random."""
        kind = before["bit_generator"]
        if kind not in self._fresh:
            make = getattr(np.random, kind)
            self._fresh[kind] = [make(int(rng.integers(2**62))).state for _ in range(STATES)]
        return self._fresh[kind][int(rng.integers(STATES))]


def _copied(value: Any) -> Any:
    kind = type(value)
    if kind in SCALARS:
        return value
    if kind is np.ndarray:
        return value.copy() if value.dtype != object else copy.deepcopy(value)
    if kind is tuple or kind is list:
        return kind([_copied(v) for v in value])
    if kind is dict:
        return {k: _copied(v) for k, v in value.items()}
    if isinstance(value, np.generic):
        return value
    return value.clone() if kind.__module__.startswith("pyspiel") and hasattr(value, "clone") else copy.deepcopy(value)


def _fresh_chance(base: Any, rng: np.random.Generator) -> None:
    """Gives the environment a generator of its own for what comes."""
    if isinstance(vars(base).get("_np_random"), np.random.Generator):
        base._np_random = np.random.default_rng(rng.integers(2**63))


class DeepCopy:
    """A deep copy of the whole environment; exact wherever the environment can be copied, and slow."""

    name, chance = "deep copy of the environment", True

    def __init__(self, world: World) -> None:
        self.world = world

    def save(self) -> Any:
        return copy.deepcopy(self.world.env), self.world.age

    def restore(self, state: Any, rng: np.random.Generator | None = None) -> None:
        env, self.world.age = state
        self.world.env = copy.deepcopy(env)
        if rng is not None:
            _fresh_chance(layers(self.world.env)[-1], rng)


class Pair:
    """Two functions of the user's, or a pair of methods of the environment with a usual name."""

    chance = False
    NAMES = (("clone_state", "restore_state"), ("get_state", "set_state"), ("save_state", "load_state"))

    def __init__(self, world: World, save: Callable[[], Any], load: Callable[[Any], Any], name: str) -> None:
        self.world, self._save, self._load, self.name = world, save, load, name
        self._counters = Attributes(world)
        self._counters._layers = self._counters._layers[:-1]

    @classmethod
    def of(cls, world: World) -> Pair | None:
        base = layers(world.env)[-1]
        for save, load in cls.NAMES:
            if callable(getattr(base, save, None)) and callable(getattr(base, load, None)):
                return cls(world, getattr(base, save), getattr(base, load), f"`{save}`/`{load}` of the environment")
        return None

    def save(self) -> Any:
        return copy.deepcopy(self._save()), self._counters.save()

    def restore(self, state: Any, rng: np.random.Generator | None = None) -> None:
        self._load(copy.deepcopy(state[0]))
        self._counters.restore(state[1])


class Replay:
    """Resets with the same seed and plays the same actions again; works wherever a seed decides the episode."""

    name, chance = "replay of the actions from the seed", False

    def __init__(self, world: World) -> None:
        self.world = world
        self._seed: int | None = None
        self._played: list[Any] = []
        self._reset, self._step = world.reset, world.step
        world.reset, world.step = self.reset, self.step

    def reset(self, seed: int | None = None) -> Any:
        self._seed, self._played = (seed if seed is not None else 0), []
        return self._reset(self._seed)

    def step(self, action: Any) -> tuple[Any, float, bool, bool]:
        self._played.append(action)
        return self._step(action)

    def save(self) -> Any:
        return self._seed, list(self._played)

    def restore(self, state: Any, rng: np.random.Generator | None = None) -> None:
        seed, played = state
        self.reset(seed)
        for action in played:
            self.step(action)

    def uninstall(self) -> None:
        self.world.reset, self.world.step = self._reset, self._step
