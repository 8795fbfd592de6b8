"""Where in the user's code something happened, and what the code calls it."""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from types import FrameType
from typing import Any

_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_LIBRARIES = tuple(
    {
        os.path.realpath(p) + os.sep
        for key in ("stdlib", "platstdlib", "purelib", "platlib")
        if (p := sysconfig.get_paths().get(key))
    }
    | {p + os.sep for key in ("stdlib", "purelib") if (p := sysconfig.get_paths().get(key))}
)
_CWD = os.getcwd()
_kind: dict[str, int] = {}
_lines: dict[str, list[str]] = {}

USER, LIBRARY, OURS = 0, 1, 2
Site = tuple[Any, int]


def kind_of(filename: str) -> int:
    """Whose file it is: the user's, a library's, or lifesigns' own."""
    found = _kind.get(filename)
    if found is None:
        found = _kind[filename] = _classify(filename)
    return found


def _classify(filename: str) -> int:
    path = os.path.abspath(filename)
    if path.startswith(_OURS + os.sep):
        return OURS
    if filename.startswith("<") or f"{os.sep}site-packages{os.sep}" in path or f"{os.sep}dist-packages{os.sep}" in path:
        return LIBRARY
    return LIBRARY if path.startswith(_LIBRARIES) else USER


def is_users(value: Any) -> bool:
    """Whether the class of a value is defined in a file of the user's."""
    file = getattr(sys.modules.get(type(value).__module__), "__file__", None)
    return bool(file) and kind_of(file) == USER


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame of the user's own code, from `frame` outwards."""
    while frame is not None and kind_of(frame.f_code.co_filename) != USER:
        frame = frame.f_back
    return frame


def outside(frame: FrameType | None, package: str) -> FrameType | None:
    """The nearest frame outside lifesigns and outside `package` (`/torch/`), from `frame` outwards."""
    while frame is not None:
        name = frame.f_code.co_filename
        if package not in name and not name.startswith("<") and kind_of(name) != OURS:
            return frame
        frame = frame.f_back
    return None


def past_methods(frame: FrameType | None, thing: Any) -> FrameType | None:
    """Skips the run of frames that are methods of the class of `thing`: whoever asked for it."""
    while frame is not None and _is_method(frame.f_code, type(thing)):
        frame = frame.f_back
    return frame


def _is_method(code: Any, cls: type) -> bool:
    return any(getattr(c.__dict__.get(code.co_name), "__code__", None) is code for c in cls.__mro__)


def here(depth: int = 1) -> FrameType:
    """The frame `depth` calls above the caller."""
    return sys._getframe(depth + 1)


def location(frame: FrameType | None) -> dict[str, Any] | None:
    """{file, line, text} of a frame; the file relative to the working folder where it lies inside."""
    if frame is None:
        return None
    return at(frame.f_code.co_filename, frame.f_lineno)


def at(filename: str, line: int) -> dict[str, Any]:
    """{file, line, text} of a line of a file."""
    path = os.path.abspath(os.path.join(_CWD, filename))
    shown = os.path.relpath(path, _CWD) if path.startswith(_CWD + os.sep) else path
    return {"file": shown, "line": line, "text": source_line(path, line)}


def source_line(path: str, line: int) -> str:
    """One line of a source file, stripped; empty where it cannot be read."""
    lines = _lines.get(path)
    if lines is None:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                lines = file.read(4_000_000).splitlines()
        except OSError:
            lines = []
        _lines[path] = lines
    return lines[line - 1].strip()[:200] if 0 < line <= len(lines) else ""


_ASSIGNED = re.compile(r"^\s*((?:self\.)?[A-Za-z_][\w.]*(?:\s*,\s*(?:self\.)?[A-Za-z_][\w.]*)*)\s*(?::[^=,]+)?=(?!=)")
_FRAMES = 6


def next_name(at: dict[str, Any] | None, names: list[str], turns: dict[tuple[str, int], int]) -> str:
    """The name for one of the things that a line makes: `train_env, eval_env = make(), make()` in turn."""
    if at is None or not names:
        return ""
    line = (at["file"], at["line"])
    turns[line] = turn = turns.get(line, -1) + 1
    return names[turn % len(names)]


def assigned_names(text: str) -> list[str]:
    """["actor"] of `self.actor = Actor(env)`, two names of `q1, q2 = …`; empty where the line assigns to no
    name."""
    match = _ASSIGNED.match(text)
    return [n.strip().removeprefix("self.") for n in match.group(1).split(",")] if match else []


def maker(frame: FrameType | None, package: str, thing: Any) -> tuple[dict[str, Any] | None, list[str]]:
    """Who asked for `thing`, under construction: the user's line, and the names that a line assigns it to.

    Looks outwards from `frame`, past `package` and the thing's own methods, over a few frames (helpers that
    return it).
    """
    near = past_methods(outside(frame, package), thing)
    at, names = near, []
    for _ in range(_FRAMES):
        at = outside(at, package)
        if at is None:
            break
        names = assigned_names((location(at) or {}).get("text", ""))
        if names:
            break
        at = at.f_back
    return location(user_frame(at if names else near)), names
