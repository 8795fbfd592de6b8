"""Measured properties of an environment (M1 to M16): what was measured, or why it could not be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

NAMES = {
    "steps_per_s": "M1",
    "reset_ms": "M1",
    "second_process": "M1",
    "env_memory_mb": "M1",
    "million_steps_dollars": "M1",
    "restorable": "M2",
    "simulator": "M3",
    "stochastic": "M4",
    "variance_policy": "M4",
    "variance_start": "M4",
    "variance_dynamics": "M4",
    "horizon": "M5",
    "episode_steps": "M5",
    "reward_in_episodes": "M6",
    "reward_changes": "M6",
    "reward_values": "M6",
    "reward_bits": "M6",
    "tie_rate": "M7",
    "information": "M7",
    "delay": "M8",
    "trap": "M9",
    "exploit": "M9",
    "true_metric": "M10",
    "self_play": "M12",
    "equilibrium": "M12",
    "exploitability": "M12",
    "carry_over": "M13",
    "history": "M14",
    "shape": "M15",
    "time_scale": "M15",
    "step_seconds": "M16",
}
"""Property → the row of the planner's table that it belongs to."""


@dataclass(frozen=True)
class Property:
    """A measured value and the sentence that says it; `value` is None where it is blind, and `text` says why."""

    name: str
    value: float | bool | None
    text: str

    @property
    def row(self) -> str:
        return NAMES.get(self.name, "")


@dataclass(frozen=True)
class Properties:
    """All properties of one environment."""

    rows: tuple[Property, ...] = ()

    def get(self, name: str) -> Property | None:
        return next((p for p in self.rows if p.name == name), None)

    def number(self, name: str) -> float | None:
        """The value as a number; None where it is blind or absent."""
        found = self.get(name)
        return None if found is None or found.value is None else float(found.value)

    def text(self, name: str) -> str:
        found = self.get(name)
        return found.text if found else ""

    def with_(self, one: Property) -> Properties:
        """The same with one more property."""
        return Properties((*self.without(one.name).rows, one))

    def without(self, name: str) -> Properties:
        """The same without one property, for ablations."""
        return Properties(tuple(p for p in self.rows if p.name != name))


def property_to_json(one: Property) -> dict[str, Any]:
    row = {"row": one.row, **asdict(one)}
    if isinstance(one.value, float) and not isfinite(one.value):
        row["value"] = None
    return row


def properties_from_json(rows: Iterable[Mapping[str, Any]]) -> Properties:
    return Properties(tuple(Property(str(r["name"]), r["value"], str(r["text"])) for r in rows))
