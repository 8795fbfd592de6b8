"""Layers around environments: what the outermost one returns, and copies of what each hands out."""

from __future__ import annotations

import ast
from functools import wraps
from typing import Any

from .. import callsite
from .session import Session


def outermost(cls: type, base: type, parts: Any) -> None:
    """Lets `parts` see what the outermost layer's `step` is given, and what it and `reset` return."""
    for name in ("step", "reset"):
        owner = next((c for c in cls.__mro__ if name in c.__dict__), base)
        if owner is not base and (owner, f"outer-{name}") not in parts.wrapped:
            parts.wrapped.add((owner, f"outer-{name}"))
            first, left = (parts.sent, parts.left) if name == "step" else (None, parts.left_reset)
            setattr(owner, name, _outer(owner.__dict__[name], parts, first, left))


def _outer(original: Any, parts: Any, sent: Any, left: Any) -> Any:
    """A method of an environment whose argument is shown to `sent` and whose result to `left`, if no other layer's
    method has called it."""

    @wraps(original)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        if sent is not None and not parts.depth and args:
            try:
                args = (sent(self, args[0]), *args[1:])
            except Exception:
                parts.session.fail()
        parts.depth += 1
        try:
            result = original(self, *args, **kwargs)
        finally:
            parts.depth -= 1
        if parts.depth:
            return result
        try:
            return left(self, result)
        except Exception:
            parts.session.fail()

    return method


def copying(cls: type, parts: Any) -> None:
    """Makes every layer hand out copies of its observations, and notes the layers that reuse an array."""
    for name in ("step", "reset"):
        owner = next((c for c in cls.__mro__ if name in c.__dict__), None)
        if owner is None or (owner, f"copy-{name}") in parts.wrapped:
            continue
        parts.wrapped.add((owner, f"copy-{name}"))
        setattr(owner, name, copied(owner.__dict__[name], parts.session))


def made(original: Any, session: Session) -> Any:
    """A constructor that notes where the script asked for an environment that reuses its arrays (`copy=False`)."""

    @wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        user = callsite.user_frame(callsite.here(1))
        if user is not None and kwargs.get("copy") is False:
            place = callsite.at(user.f_code.co_filename, _argument(user.f_code.co_filename, user.f_lineno, "copy"))
            session.notes.setdefault("made_with", {})[type(self).__name__] = place
        original(self, *args, **kwargs)

    return __init__


def by_default(original: Any, session: Session) -> Any:
    """A constructor of vectors that notes the script's line that made the first one without a mode of autoreset."""

    @wraps(original)
    def __init__(self: Any, env_fns: Any, *args: Any, **kwargs: Any) -> None:
        user = callsite.user_frame(callsite.here(1))
        if user is not None and "autoreset_mode" not in kwargs and len(args) < MODE_AT:
            session.notes.setdefault("default_autoreset", callsite.at(user.f_code.co_filename, user.f_lineno))
        original(self, env_fns, *args, **kwargs)

    return __init__


MODE_AT = 3
"""Arguments after the environments with which a mode of autoreset is among those given by place."""


def _argument(file: str, line: int, name: str) -> int:
    """The line of an argument given by name in a call that begins at a line; that line where it cannot be read."""
    try:
        with open(file, encoding="utf-8") as held:
            calls = [n for n in ast.walk(ast.parse(held.read())) if isinstance(n, ast.Call) and n.lineno == line]
    except (OSError, SyntaxError, ValueError):
        return line
    return next((k.value.lineno for call in calls for k in call.keywords if k.arg == name), line)


def copied(original: Any, session: Session) -> Any:
    last: dict[int, Any] = {}

    @wraps(original)
    def copied(self: Any, *args: Any, **kwargs: Any) -> Any:
        import numpy as np

        result = original(self, *args, **kwargs)
        if not isinstance(result, tuple) or not isinstance(result[0], np.ndarray):
            return result
        obs = result[0]
        if id(self) in last and np.shares_memory(last[id(self)], obs):
            own = original if hasattr(original, "__wrapped__") else type(self).step
            code = getattr(own, "__wrapped__", original).__code__
            place = callsite.at(code.co_filename, code.co_firstlineno)
            if callsite.kind_of(code.co_filename) != callsite.USER:  # a library does so because it was asked to
                place = session.notes.get("made_with", {}).get(type(self).__name__) or place
            session.notes.setdefault("aliased", {})[type(self).__name__] = place
        last[id(self)] = obs
        return (obs.copy(), *result[1:])

    return copied
