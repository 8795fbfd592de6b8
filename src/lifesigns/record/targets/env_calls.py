"""Which `step` and `reset` calls are the agent's: those of an outermost environment that stand in no other's.

Flows in: calls of tapped methods, and from `gymnasium_envs` which environments are inner and the tracks of those that
are known; out: finished calls, to the tracks or to the observers of the unknown. `gymnasium_envs` and `sb3_envs`
import it.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from functools import wraps
from threading import get_ident
from types import MethodType
from typing import Any

from .. import taps
from . import env_track
from .env_track import EnvTrack

inner: dict[int, Any] = {}
"""Environments that are part of another one, by identity, as weak references."""
known: dict[int, EnvTrack] = {}
"""Tracks of outermost environments that have been stepped, by identity, while these live."""


class _Nest(threading.local):
    busy = False


class _Open:
    """The known environment whose step is open, if any; in a program that steps in threads, one of them."""

    __slots__ = ("track",)

    def __init__(self) -> None:
        self.track: EnvTrack | None = None


_nest, _open = _Nest(), _Open()


def forget() -> None:
    """Drops what is known of environments; called in a forked worker."""
    inner.clear()
    known.clear()
    _nest.busy, _open.track = False, None


def _inside(env: Any) -> bool:
    """Whether a call on this environment is not the agent's."""
    held = _open.track
    return _nest.busy or id(env) in inner or (held is not None and held.thread == get_ident())


def outermost(original: Callable[..., Any], observer: Callable[..., None]) -> Callable[..., Any]:
    """`original`, observed when it is the outermost call on an environment that is part of no other."""

    @wraps(original)
    def tapped(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _inside(self):
            return original(self, *args, **kwargs)
        given = _as_given(kwargs) if kwargs else kwargs
        _nest.busy = True
        try:
            result = original(self, *args, **kwargs)
        finally:
            _nest.busy = False
        try:
            observer(self, args, given, result)
        except Exception as error:
            taps.failed("environments", error)
        return result

    return tapped


def outermost_step(original: Callable[..., Any], observer: Callable[..., None]) -> Callable[..., Any]:
    """The same for a method `step`. What `EnvTrack.step_one` does at an ordinary step of a known environment stands
    here once more, and a plain attribute in the place of a thread's own: it runs when the processor's caches hold the
    learner's code, where each call costs a microsecond (benchmarks/overhead)."""
    track_of, held, of_unknown = known.get, _open, outermost(original, observer)

    @wraps(original)
    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        track = track_of(id(self))
        if track is None or held.track is not None:
            return of_unknown(self, *args, **kwargs)
        held.track = track
        try:
            result = original(self, *args, **kwargs)
        finally:
            held.track = None
        try:
            if track.vector or len(result) != 5:
                if not track.plain_many(result):
                    observer(self, args, kwargs, result)
                return result
            obs, reward, terminated, truncated, _ = result
            if terminated or truncated or track.countdown < 2 or type(reward) is not float:
                track.step_one(result, args[0] if args else kwargs.get("action"))
                return result
            recorder = track.recorder
            if recorder.update != track.updates_seen and not track.alone:
                track.use.on_burst()
            track.rewards.append(reward)
            track.last_obs = obs
            track.countdown -= 1
            if not track.is_eval:
                recorder.env_step = now = recorder.env_step + 1
                if now >= recorder.arm_at:
                    env_track.arm()
        except Exception as error:
            taps.failed("environments", error)
        return result

    return step


def _as_given(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments before the call: a vector environment takes `reset_mask` out of the caller's options."""
    options = kwargs.get("options")
    return {**kwargs, "options": dict(options)} if isinstance(options, dict) else kwargs


class ByValue:
    """A tapped method of a class that cloudpickle copies by value: it pickles as the original function.

    (`copy.copy` returns a function itself, and whoever reads the pickle has it.)
    """

    def __init__(self, tapped: Callable[..., Any], original: Callable[..., Any]) -> None:
        self._tapped, self._original = tapped, original
        self.__doc__, self.__name__ = original.__doc__, original.__name__
        self.__wrapped__ = original

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self._tapped if instance is None else MethodType(self._tapped, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._tapped(*args, **kwargs)

    def __reduce__(self) -> Any:
        return (copy.copy, (self._original,))
