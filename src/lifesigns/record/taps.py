"""Observe-only patches: an observer sees a finished call and can neither skip, repeat nor change it."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

Observer = Callable[[tuple[Any, ...], dict[str, Any], Any], None]

STRICT = os.environ.get("LIFESIGNS_STRICT") == "1"
"""Set by lifesigns' own tests: an observer's error is then printed with its traceback."""

failures: dict[str, int] = {}
_undo: list[tuple[Any, str, Any, Any, bool]] = []


def failed(where: str, error: BaseException) -> None:
    """Counts a failure of ours; says the first of each kind once. The run goes on."""
    failures[where] = failures.get(where, 0) + 1
    if failures[where] > 1:
        return
    try:
        print(
            f"lifesigns: recording `{where}` failed ({type(error).__name__}: {error}); "
            "the run goes on, this series will have gaps",
            file=sys.stderr,
        )
        if STRICT:
            import traceback

            traceback.print_exception(error)
    except Exception:
        pass


def guarded(function: Callable[..., None]) -> Callable[..., None]:
    """`function` with its exceptions counted instead of raised."""
    where = function.__qualname__

    @functools.wraps(function)
    def run(*args: Any) -> None:
        try:
            function(*args)
        except Exception as error:
            failed(where, error)

    return run


def observe(owner: Any, attribute: str, observer: Observer) -> Callable[..., Any]:
    """Replaces `owner.attribute` by a function that calls the original, then the observer with what came of
    it."""
    original = owner.__dict__[attribute] if isinstance(owner, type) else getattr(owner, attribute)
    if not callable(original):
        raise TypeError(f"`{owner!r}.{attribute}` is a {type(original).__name__}; only functions can be tapped")
    where = getattr(observer, "__qualname__", repr(observer))
    is_compiling = _compiling_check()

    @functools.wraps(original)
    def tapped(*args: Any, **kwargs: Any) -> Any:
        if is_compiling():
            return original(*args, **kwargs)
        result = original(*args, **kwargs)
        try:
            observer(args, kwargs, result)
        except Exception as error:
            failed(where, error)
        return result

    named_after(tapped, owner, attribute)
    replace(owner, attribute, tapped)
    return tapped


def observe_some(owner: Any, attribute: str, observer: Callable[..., int]) -> None:
    """As `observe`, for a function that is called often: the observer says how many calls to leave out after this one.

    Those cost a count and no more. While a compiler traces, none is looked at.
    """
    original = owner.__dict__[attribute]
    where = getattr(observer, "__qualname__", repr(observer))
    is_compiling, is_traced = _compiling_check(), _compiling_check("is_dynamo_compiling")
    left = 0

    @functools.wraps(original)
    def tapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal left
        if is_traced():
            return original(*args, **kwargs)
        result = original(*args, **kwargs)
        left -= 1
        if left < 0 and not is_compiling():
            try:
                left = observer(args, kwargs, result)
            except Exception as error:
                failed(where, error)
        return result

    replace(owner, attribute, tapped)


def named_after(function: Any, owner: Any, attribute: str) -> None:
    """Makes a patched function of a module pickle by reference, which bound and builtin ones do in other
    ways."""
    if isinstance(owner, ModuleType):
        function.__module__, function.__qualname__ = owner.__name__, attribute


def replace(owner: Any, attribute: str, new: Any) -> None:
    """Sets `owner.attribute`, remembering what to put back."""
    own = attribute in vars(owner)
    before = vars(owner)[attribute] if own else getattr(owner, attribute)
    setattr(owner, attribute, new)
    _undo.append((owner, attribute, new, before, own))


def restore(owner: Any, attribute: str) -> None:
    """Puts one patched attribute back, unless someone else has patched over it."""
    for entry in reversed(_undo):
        if entry[0] is owner and entry[1] == attribute:
            _put_back(entry)
            _undo.remove(entry)
            return


def restore_all() -> None:
    """Puts everything back, newest first."""
    while _undo:
        _put_back(_undo.pop())


def _put_back(entry: tuple[Any, str, Any, Any, bool]) -> None:
    owner, attribute, ours, before, own = entry
    if vars(owner).get(attribute) is not ours:
        return
    if own:
        setattr(owner, attribute, before)
    else:
        delattr(owner, attribute)


def _compiling_check(name: str = "is_compiling") -> Callable[[], bool]:
    """torch's own check, which is a constant for the compiler; always False without torch."""
    torch = sys.modules.get("torch")
    compiler = getattr(torch, "compiler", None)
    return getattr(compiler, name, None) or getattr(compiler, "is_compiling", None) or (lambda: False)
