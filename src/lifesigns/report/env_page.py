"""What the reports of `lifesigns env` are given, and the answer as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from math import isfinite
from typing import Any

from lifesigns.planner.cost import Cost
from lifesigns.planner.forecast import Forecast
from lifesigns.planner.ladder import Ladder, rung_to_json
from lifesigns.planner.properties import Properties, property_to_json
from lifesigns.planner.questions import Question
from lifesigns.planner.verdict import Verdict

SCHEMA = 1


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of what `lifesigns env --json` prints."""
    return json.loads(files("lifesigns.report").joinpath("env.schema.json").read_text("utf-8"))


@dataclass(frozen=True)
class Told:
    """All that is said of an environment."""

    name: str
    ladder: Ladder
    properties: Properties
    target: float | None = None
    target_source: str = ""
    cost: Cost | None = None
    verdict: Verdict | None = None
    forecast: Forecast | None = None
    questions: Sequence[Question] = ()
    about: Mapping[str, Any] = field(default_factory=dict[str, Any])
    contract: Sequence[str] = ()
    crashes: Sequence[str] = ()
    sweep: Mapping[str, float] = field(default_factory=dict[str, float])
    sweep_steps: int = 0
    films: Mapping[str, str] = field(default_factory=dict[str, str])
    """Method → its best trajectory as a GIF, base64."""
    no_film: str = ""
    wall_s: float = 0.0
    cpu_s: float = 0.0
    env_steps: int = 0
    complete: bool = True


def to_json(told: Told) -> dict[str, Any]:
    """The answer as plain values; what is not finite is None; see `env.schema.json`."""
    return finite(
        {
            "schema": SCHEMA,
            "env": told.name,
            "about": dict(told.about),
            "verdict": None if told.verdict is None else asdict(told.verdict),
            "target": told.target,
            "target_source": told.target_source,
            "ladder": [rung_to_json(r) for r in told.ladder.rungs],
            "properties": [property_to_json(p) for p in told.properties.rows],
            "cost": None if told.cost is None else asdict(told.cost),
            "forecast": None if told.forecast is None else told.forecast.to_json(),
            "questions": [asdict(q) for q in told.questions],
            "horizon_sweep": dict(told.sweep),
            "contract_broken": list(told.contract),
            "failed": list(told.crashes),
            "complete": told.complete,
            "wall_s": told.wall_s,
            "cpu_s": told.cpu_s,
            "env_steps": told.env_steps,
        }
    )


def finite(value: Any) -> Any:
    """The same structure with every number that is not finite replaced by None."""
    if isinstance(value, Mapping):
        return {str(k): finite(v) for k, v in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, (list, tuple)):
        return [finite(v) for v in value]  # pyright: ignore[reportUnknownVariableType]
    return None if isinstance(value, float) and not isfinite(value) else value
