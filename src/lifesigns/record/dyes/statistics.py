"""Running statistics of libraries' normalisers: held still where the request's world says so, and which layers feed
them, while training environments are stepped and while others are.

Flows in: `RunningMeanStd.update` of Gymnasium, stable-baselines3 and Tianshou. Flows out: the note `statistics`.
"""

from __future__ import annotations

import sys
from functools import wraps
from typing import Any

from .. import taps
from . import wrapping
from .session import Session

HOMES = (
    "gymnasium.wrappers.utils",
    "stable_baselines3.common.running_mean_std",
    "tianshou.utils.statistics",
)


def install(session: Session) -> None:
    """Waits for the libraries."""
    held: dict[int, Any] = {}
    for name in HOMES:
        session.when(name, lambda module: _watch(module.RunningMeanStd, session, held))


def _watch(cls: type, session: Session, held: dict[int, Any]) -> None:
    original = cls.__dict__["update"]

    @wraps(original)
    def update(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            _note(session, held, self, sys._getframe(1).f_locals.get("self"))
        except Exception:
            session.fail()
        return None if session.world.get("still") else original(self, *args, **kwargs)

    taps.replace(cls, "update", update)


def _note(session: Session, held: dict[int, Any], statistics: Any, layer: Any) -> None:
    """Counts an update by the layer that feeds it, apart for the steps of training environments and of others."""
    if layer is None or session.stepped_training is None:
        return
    number = next((i for i, x in held.items() if x is statistics), len(held))
    held[number] = statistics  # kept, so that it is told from others
    place = wrapping.made_at(layer)
    if place is None:
        return
    row = session.notes.setdefault("statistics", {}).setdefault(str(number), {})
    key = f"{place['file']}:{place['line']}"
    entry = row.setdefault(key, {"made": place, "training": 0, "evaluation": 0})
    entry["training" if session.stepped_training else "evaluation"] += 1
