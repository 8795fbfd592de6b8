"""Batches that a `DataLoader` hands out: recorded, and changed where a plant asks for it.

Flows in: finished iterations of loaders. Flows out: `batch` records; plants `label` and `data`.
"""

from __future__ import annotations

import sys
from functools import wraps
from typing import Any

from .. import taps
from . import splits
from .collating import Collating
from .oplog import TAG, to_array
from .session import Session

first_group: set[int] = set()
"""Loaders that were read before the first update."""
LABELS = ("labels", "label", "y", "target", "targets")


def install(module: Any, session: Session) -> None:
    """Wraps what iterating over a loader yields."""
    original = module.DataLoader.__iter__
    numbers: dict[int, int] = {}
    held: list[Any] = []
    made = _watch_making(module, session)
    known: dict[int, splits.Made] = {}
    collating = Collating(session) if session.request.get("recall") else None
    session.closing.append(lambda: session.notes.update(splits=splits.describe(known)) if len(known) > 1 else None)

    def __iter__(self: Any) -> Any:
        if id(self) not in numbers:
            numbers[id(self)] = len(numbers)
            held.append(self)
            if id(self) in made:
                known[numbers[id(self)]] = made[id(self)]
        if collating is not None:
            collating.watch(self, numbers[id(self)])
        return _each(original(self), numbers[id(self)], session)

    taps.replace(module.DataLoader, "__iter__", __iter__)


def _watch_making(module: Any, session: Session) -> dict[int, splits.Made]:
    """id of a loader → the frames that made it; only in the run that looks for validation, where it is asked for."""
    made: dict[int, splits.Made] = {}
    if session.stop["updates_after"] and not session.plants:
        original = module.DataLoader.__init__

        @wraps(original)
        def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
            made[id(self)] = splits.made(sys._getframe(1))
            original(self, *args, **kwargs)

        taps.replace(module.DataLoader, "__init__", __init__)
    return made


def _each(batches: Any, loader: int, session: Session) -> Any:
    if session.log.update == 0:
        first_group.add(loader)
    elif loader not in first_group and session.eval_seen_at < 0:
        session.eval_seen_at = session.log.update
    for number, batch in enumerate(batches):
        session.quiet += 1
        try:
            session.loader = loader
            batch = _planted(batch, loader, number, session)
            _record(batch, loader, session)
        except Exception:
            session.fail()
        finally:
            session.quiet -= 1
        try:
            yield batch
        finally:
            session.loader = -1


def _planted(batch: Any, loader: int, number: int, session: Session) -> Any:
    for plant in session.kinds("label", "data"):
        if plant.get("loaders") is not None and loader not in plant["loaders"]:
            continue
        key = label_key(batch)
        if key is None:
            continue
        keys = [key] if plant["kind"] == "label" else [k for k in _keys(batch) if k != key]
        for k in keys:
            changed = _changed(batch[k], plant)
            if changed is not None:
                batch = _with(batch, k, changed)
                session.planted.append({"loader": loader, "batch": number, "update": session.log.update})
    return batch


def _keys(batch: Any) -> list[Any]:
    return list(batch) if isinstance(batch, dict) else list(range(len(batch)))


def label_key(batch: Any) -> Any:
    """Where the labels are: a key named so, or the last of several parts."""
    if isinstance(batch, dict):
        return next((k for k in LABELS if k in batch), None)
    return len(batch) - 1 if isinstance(batch, tuple | list) and len(batch) > 1 else None


def _with(batch: Any, key: Any, value: Any) -> Any:
    if isinstance(batch, dict):
        return {**batch, key: value}
    parts = [value if i == key else x for i, x in enumerate(batch)]
    return type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)


def _changed(tensor: Any, plant: dict[str, Any]) -> Any:
    """Rows `rows` (all by default) of a tensor changed to other valid values: whole numbers of the same batch in
    another order, anything else shifted."""
    torch = sys.modules["torch"]
    if not isinstance(tensor, torch.Tensor) or not tensor.numel():
        return None
    new = tensor.clone()
    chosen = slice(None) if plant.get("row") is None else plant["row"]
    if tensor.is_floating_point():
        new[chosen] = new[chosen] + 0.5
    elif tensor.dtype is torch.bool:
        new[chosen] = ~new[chosen]
    else:
        low, high = int(tensor.min()), int(tensor.max())
        rest = new[chosen]
        new[chosen] = torch.where(rest >= 0, (rest - low + 1) % (high - low + 1) + low, rest) if high > low else rest
    return new


def _record(batch: Any, loader: int, session: Session) -> None:
    torch = sys.modules["torch"]
    parts = batch.values() if isinstance(batch, dict) else batch if isinstance(batch, tuple | list) else (batch,)
    site = session.log.site(None)
    for i, one in enumerate(parts):
        if isinstance(one, torch.Tensor):
            array = to_array(one)
            if session.on_tokens is not None and one.dim() == 2 and not one.is_floating_point():
                session.on_tokens(one)
            if array is not None:
                number = session.add("batch", f"loader{loader}[{i}]", site, array)
                setattr(one, TAG, number)
