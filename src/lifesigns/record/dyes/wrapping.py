"""What each layer around an environment was given and handed out, and the line of the user's that made it: actions on
their way in, observations and rewards on their way out, of the first steps.

Flows in: wrappers of Gymnasium (of environments and of vectors) and of stable-baselines3. Flows out: the note `layers`,
with the number of layers inside each; layers made by one line for several environments are one.
"""

from __future__ import annotations

import sys
import weakref
import zlib
from functools import wraps
from typing import Any

from .. import callsite
from . import observations
from .session import Session

MOST, LARGEST = 1000, 65_536
"""Outputs of a layer that are noted; bytes of one of them."""
PLAIN = frozenset(("PassiveEnvChecker", "OrderEnforcing", "TimeLimit"))
"""Layers that `gymnasium.make` puts around everything; they change neither actions, observations nor rewards."""
_made: dict[int, tuple[Any, Any]] = {}


def note_made(layer: Any, frame: Any) -> None:
    """Notes the user's line that makes a layer."""
    user = callsite.user_frame(frame)
    if user is not None:
        _made[id(layer)] = (weakref.ref(layer), (user.f_code.co_filename, user.f_lineno))


def made_at(layer: Any) -> dict[str, Any] | None:
    """{file, line, text} of that line; None where it is not known."""
    held = _made.get(id(layer))
    return callsite.at(*held[1]) if held is not None and held[0]() is layer else None


class Layers:
    """Taps of the classes of layers, and what came through."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.found: list[dict[str, Any]] = session.notes.setdefault("layers", [])
        self.groups: dict[int, dict[str, Any]] = {}
        self.by_key: dict[Any, dict[str, Any]] = {}
        self.tapped: set[tuple[type, str]] = set()
        self.inside: set[int] = set()

    def made(self, layer: Any, base: type, frame: Any) -> None:
        """A layer is about to be made; `base`: the class whose own methods hand everything on."""
        note_made(layer, frame)
        if type(layer).__name__ in PLAIN and type(layer).__module__.startswith("gymnasium."):
            return
        for name in ("step", "step_async", "step_wait", "reset"):
            cls = type(layer)
            owner = next((c for c in cls.__mro__ if name in c.__dict__), base)
            if not issubclass(owner, base) or owner is base or (owner, name) in self.tapped:
                continue
            self.tapped.add((owner, name))
            setattr(owner, name, self._tap(owner.__dict__[name], name))

    def _tap(self, original: Any, name: str) -> Any:
        @wraps(original)
        def tapped(layer: Any, *args: Any, **kwargs: Any) -> Any:
            if id(layer) in self.inside:  # a class's `step` that calls its parent's
                return original(layer, *args, **kwargs)
            self.inside.add(id(layer))
            try:
                result = original(layer, *args, **kwargs)
            finally:
                self.inside.discard(id(layer))
            try:
                self._note(layer, name, args, result)
            except Exception:
                self.session.fail()
            return result

        return tapped

    def _group(self, layer: Any) -> dict[str, Any]:
        found = self.groups.get(id(layer))
        if found is None:
            cls, place = type(layer), made_at(layer) or {}
            key = (cls, place.get("file"), place.get("line"))
            found = self.by_key.get(key)
            if found is None:
                file = getattr(sys.modules.get(cls.__module__), "__file__", "") if callsite.is_users(layer) else ""
                found = self.by_key[key] = {"class": cls.__name__, "file": file or "", "made": place}
                found.update(obs=[], reward=[], action=[], depth=_depth(layer))
                self.found.append(found)
            self.groups[id(layer)] = found
        return found

    def _note(self, layer: Any, name: str, args: Any, result: Any) -> None:
        import numpy as np

        group = self._group(layer)
        if name in ("step", "step_async") and args and len(group["action"]) < MOST:
            parts = observations.arrays(args[0])
            group["action"].append([float(x) for part in parts for x in np.asarray(part).reshape(-1)[:64]])
        if name == "step_async" or len(group["obs"]) >= MOST:
            return
        stepped = name != "reset" and isinstance(result, tuple) and len(result) >= 4
        whole: Any = result
        obs = whole[0] if isinstance(whole, tuple) and (stepped or len(whole) == 2) else whole
        parts = [p for p in observations.arrays(obs) if p.nbytes <= LARGEST]  # 0.0 and -0.0 are one
        group["obs"].append(zlib.crc32(b"".join((p + 0.0 if p.dtype.kind == "f" else p).tobytes() for p in parts)))
        reward = np.asarray(whole[1], dtype=np.float64).reshape(-1)[:64].tolist() if stepped else []
        group["reward"].append(reward)


def _depth(layer: Any) -> int:
    """How many layers lie inside; those around a vector of environments lie outside all others."""
    found = 0
    while (inner := vars(layer).get("env", vars(layer).get("venv"))) is not None and found < 100:
        layer, found = inner, found + 1
    return found + 1000 * hasattr(layer, "num_envs")


def install(session: Session) -> Layers:
    """Waits for the libraries' wrappers of vectors; the environments' tap calls `made` for Gymnasium's own."""
    layers = Layers(session)
    session.when("stable_baselines3.common.vec_env.base_vec_env", lambda m: _watch(m.VecEnvWrapper, layers))
    session.when("gymnasium.vector", lambda m: _watch(m.VectorWrapper, layers))
    return layers


def _watch(base: type, layers: Layers) -> None:
    """Notes each layer of a class as it is made."""

    def __new__(cls: type, *args: Any, **kwargs: Any) -> Any:
        made = object.__new__(cls)
        layers.made(made, base, sys._getframe(1))
        return made

    base.__new__ = __new__  # type: ignore[method-assign]
