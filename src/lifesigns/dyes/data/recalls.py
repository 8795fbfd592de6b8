"""Networks that were called again with part of their input changed: the entries that say what a rule asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lifesigns.dyes.base import known, rows, spot
from lifesigns.model import Location
from lifesigns.rules import CannotTell


def recalled(facts: Mapping[str, Any], *needed: str, why: str = "") -> list[Mapping[str, Any]]:
    """The entries that hold the numbers named. Raises CannotTell where none does, with `why` or an entry's error."""
    entries = rows(facts, "recalls")
    chosen = [one for one in entries if all(known(one, key) is not None for key in needed)]
    if not chosen:
        errors = [f"{one.get('network', 'a network')}: {one['error']}" for one in entries if one.get("error")]
        raise CannotTell("; ".join(errors[:2]) or why or "no network was called again")
    return chosen


def shape_text(entry: Mapping[str, Any], key: str) -> str:
    """`64×1×8×8`."""
    shape = entry.get(key)
    return "×".join(str(n) for n in shape) if isinstance(shape, list | tuple) and shape else "of unknown shape"


def place_of(entry: Mapping[str, Any]) -> Location | None:
    """The line of the call, where it is noted."""
    return spot(entry.get("at"))
