"""Resets of training environments in the middle of an episode: by another line than usual, or because another
environment's episode had ended.

Flows in: steps and resets. Flows out: the notes `midway_resets` and `unended_resets`.
"""

from __future__ import annotations

import random
import zlib
from typing import Any

from .. import callsite


class Resets:
    """Lines from which each environment is reset; how often one is that had not ended."""

    def __init__(self, session: Any, training: set[int]) -> None:
        self.session, self.training = session, training
        self.lines: dict[int, set[Any]] = {}
        self.steps = 0
        self.last_end = -1
        self.seen_at = -1

    def stepped(self, ended: bool) -> None:
        """One step of any environment."""
        self.steps += 1
        if ended:
            self.last_end = self.steps

    def note(self, part: Any, frame: Any) -> None:
        """A reset of an environment, from the line of `frame`'s user."""
        user = callsite.user_frame(frame)
        line = (user.f_code.co_filename, user.f_lineno) if user else None
        open_episode = part.in_episode > 0 and not part.ended
        if open_episode and part.number in self.training:
            self._unended(line)
        lines = self.lines.setdefault(part.number, set())
        if not (open_episode and self.session.log.update > 0):
            lines.add(line)
        elif line is not None and line not in lines and part.number in self.training:
            places = self.session.notes.setdefault("midway_resets", [])
            if len(places) < 10:
                places.append({"env": part.number, "update": self.session.log.update, "at": callsite.at(*line)})

    def begun(self, part: Any) -> None:
        """Notes, of the first episodes of each environment, the state of the random streams that they begin with."""
        begun = self.session.notes.setdefault("streams", {}).setdefault(str(part.number), [])
        if len(begun) < 8:
            begun.append(_streams(part.env))

    def _unended(self, line: Any) -> None:
        """Counts the occasion: did another environment's episode end in the same round of steps?"""
        if self.seen_at == self.steps:
            return
        self.seen_at = self.steps
        held = self.session.notes.setdefault("unended_resets", {"beside_an_end": 0, "alone": 0, "at": None})
        near = self.last_end >= 0 and self.steps - self.last_end < len(self.training)
        held["beside_an_end" if near else "alone"] += 1
        if near and line is not None:
            held["at"] = held["at"] or callsite.at(*line)


def _streams(env: Any) -> int:
    """A number that differs where the state of an environment's own stream, or of a global one, does."""
    import numpy as np

    own = getattr(getattr(env, "_np_random", None), "bit_generator", None)
    everywhere: Any = np.random.get_state()
    text = f"{own.state if own is not None else None} {random.getstate()} {everywhere[2:]}".encode()
    return zlib.crc32(everywhere[1].tobytes(), zlib.crc32(text))
