"""Which of the user's lines changes what: values of variables by line, for the pair of runs that looks for the place.

Flows in: the interpreter's line events in files of the user's. Flows out: `lines.json`, one row for each variable that
a line gave a new value: (file, line, name, digest, number of the frame); arguments stand at the line of the `def`.
"""

from __future__ import annotations

import dis
import json
import os
import sys
import zlib
from collections import deque
from collections.abc import Mapping, Set
from hashlib import blake2b
from typing import Any

from .. import callsite
from .session import Session

MAX_ROWS, BIG, EDGE = 150_000, 4096, 16
WHOLE = 1 << 20
"""Bytes of an array up to which all of it counts (a replay buffer's column); of a bigger one, parts of it."""
_NOTHING: Set[str] = frozenset()
_NO_TEXT: Mapping[str, str] = {}
_PLAIN = (bool, int, float, str, bytes, type(None))


class Lines:
    """The tracer: what every variable of a frame was when it was last looked at; after a line, those that it names."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rows: list[tuple[int, int, str, str, int]] = []
        self.files: dict[str, int] = {}
        self.frames = 0
        self.mentioned: dict[Any, dict[int, set[str]]] = {}
        self.ends: dict[tuple[int, str], tuple[int, ...]] = {}

    def trace(self, frame: Any, event: str, arg: Any) -> Any:
        """Global trace function: follows the frames of the user's files."""
        return self._followed(frame) if _is_users(frame) else None

    def start(self) -> None:
        """Follows the frames of the user's that are running, and those that are entered from now on."""
        frame, running = sys._getframe(1), list[Any]()
        while frame is not None:
            running.append(frame)
            frame = frame.f_back
        for one in reversed(running):  # the outermost has the lowest number, as if all had been followed from the start
            if _is_users(one):
                one.f_trace = self._followed(one)
        sys.settrace(self.trace)

    def _followed(self, frame: Any) -> Any:
        """The trace function of one frame."""
        self.frames += 1
        self.session.quiet += 1
        try:
            held = [frame.f_lineno, self._digests(frame), self.frames, self._mentioned(frame.f_code)]
        finally:
            self.session.quiet -= 1
        self._row(frame, frame.f_lineno, held[2], "", "")
        for name, digest in held[1].items():
            self._row(frame, frame.f_lineno, held[2], name, digest)

        def local(frame: Any, event: str, arg: Any) -> Any:
            try:
                self._compare(frame, held, event, arg)
            except Exception:
                self.session.fail()
            return local

        return local

    def _compare(self, frame: Any, held: list[Any], event: str, arg: Any) -> None:
        if event not in ("line", "return"):
            return
        session = self.session
        session.quiet += 1
        try:
            line, before, number, mentioned = held
            now = self._digests(frame, mentioned.get(line, _NOTHING), before)
            self._row(frame, line, number, "", "")
            for name, digest in now.items():
                if before.get(name) != digest:
                    self._row(frame, line, number, name, digest)
            if event == "return" and arg is not None:
                self._row(frame, line, number, "<return>", _digest(arg, 1))
            held[0] = frame.f_lineno
            before.update(now)
        finally:
            session.quiet -= 1

    def _row(self, frame: Any, line: int, number: int, name: str, digest: str) -> None:
        if len(self.rows) < MAX_ROWS:
            file = self.files.setdefault(os.path.abspath(frame.f_code.co_filename), len(self.files))
            self.rows.append((file, line, name, digest, number))
        else:
            self.session.finish("lines")

    def _mentioned(self, code: Any) -> dict[int, set[str]]:
        """Names by line of a function: what a line does not mention it cannot change, but through another name."""
        found = self.mentioned.get(code)
        if found is None:
            found = self.mentioned[code] = {}
            for one in dis.get_instructions(code):
                line, names = one.positions and one.positions.lineno, one.argval
                for name in names if isinstance(names, tuple) else (names,):
                    if line is not None and isinstance(name, str):
                        found.setdefault(line, set()).add(name)
        return found

    def _digests(
        self, frame: Any, names: Set[str] | None = None, before: Mapping[str, str] = _NO_TEXT
    ) -> dict[str, str]:
        found: dict[str, str] = {}
        number = id(frame)
        for name, value in frame.f_locals.items():
            if names is not None and name not in names:
                continue
            if name == "self" or (
                hasattr(value, "__dict__") and not isinstance(value, type) and callsite.is_users(value)
            ):
                for key, inner in list(vars(value).items()):
                    whole = f"{name}.{key}"
                    if isinstance(inner, list | deque) and len(inner) > EDGE:
                        ends = (id(inner), len(inner), id(inner[0]), id(inner[-1]))
                        if whole in before and names and key not in names and self.ends.get((number, whole)) == ends:
                            continue  # a line that does not name it
                        self.ends[number, whole] = ends
                    found[whole] = _digest(inner, 1)
            else:
                found[name] = _digest(value, 0)
        return found

    def close(self) -> None:
        """Writes what was seen."""
        path = os.path.join(self.session.request["out"], "lines.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump({"files": list(self.files), "rows": self.rows}, file)


def _digest(value: Any, depth: int) -> str:
    """A few bytes that differ where the value differs; of big arrays and long containers, of parts of them."""
    if isinstance(value, _PLAIN):
        return repr(value)[:60]
    kind = type(value).__name__
    if hasattr(value, "detach") and hasattr(value, "layout"):
        if value.layout is not sys.modules["torch"].strided:
            return kind
        if value.numel() * value.element_size() > WHOLE:
            value = value.detach().reshape(-1)[:: value.numel() // EDGE]
        array = value.detach().cpu()
        value = array.float().numpy() if array.dtype is sys.modules["torch"].bfloat16 else array.numpy()
    if hasattr(value, "tobytes"):
        if getattr(value, "dtype", None) is not None and value.dtype.kind == "O":
            return _digest(value.reshape(-1).tolist(), depth) if depth < 3 and value.size <= 2 * EDGE else kind
        if value.size > BIG and value.nbytes <= WHOLE:
            return f"{zlib.crc32(value.tobytes())}{value.shape}"
        part = value if value.size <= BIG else value.reshape(-1)[:: value.size // EDGE]
        return blake2b(part.tobytes(), digest_size=8).hexdigest() + str(value.shape)
    if depth < 3 and isinstance(value, list | tuple | deque):
        parts = list(value) if len(value) <= 2 * EDGE else [value[i] for i in (*range(EDGE), *range(-EDGE, 0))]
        return (
            f"{kind}{len(value)}:"
            + blake2b("|".join(_digest(v, depth + 1) for v in parts).encode(), digest_size=8).hexdigest()
        )
    if depth < 3 and isinstance(value, dict):
        timed = "t" if "r" in value and "l" in value else None  # an episode's return, length and time
        parts = [f"{k}={_digest(v, depth + 1)}" for k, v in list(value.items())[:EDGE] if k != timed]
        return f"{kind}{len(value)}:" + blake2b("|".join(parts).encode(), digest_size=8).hexdigest()
    return kind


def _is_users(frame: Any) -> bool:
    imported = frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") != "__main__"
    return not imported and callsite.kind_of(frame.f_code.co_filename) == callsite.USER


def install(session: Session) -> None:
    """Starts tracing frames that are entered from now on, or from an environment step on that the request names."""
    tracer = Lines(session)
    session.closing.append(tracer.close)
    if session.request.get("lines_from"):
        session.starting = (session.request["lines_from"], tracer.start)
    else:
        sys.settrace(tracer.trace)
