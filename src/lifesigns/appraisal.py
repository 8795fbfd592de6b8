"""Is RL the right tool: surveys an environment, estimates the cost of RL, draws the verdict, records the forecast."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lifesigns.baselines.survey import Progress, Survey, survey
from lifesigns.planner.cost import CORE_HOUR, Cost, Facts, estimate, price
from lifesigns.planner.forecast import Forecast, forecast
from lifesigns.planner.prior import family_of
from lifesigns.planner.questions import Answers, Question, questions
from lifesigns.planner.verdict import BLOCKED_TIES, Case, Verdict, decide
from lifesigns.store import runs_home

FORECASTS = "forecasts.jsonl"


@dataclass
class Appraisal:
    """A survey with what follows from it; the cost and the verdict are None where nothing could be measured."""

    survey: Survey
    cost: Cost | None = None
    verdict: Verdict | None = None
    forecast: Forecast | None = None
    questions: tuple[Question, ...] = ()


def appraise(
    name: str,
    seconds: float,
    progress: Progress | None = None,
    python: str = "",
    given: Answers | None = None,
    **options: Any,
) -> Appraisal:
    """Everything that `lifesigns env` says, within `seconds`. Raises OSError where the interpreter cannot be
    started."""
    found = survey(name, seconds, progress, python, **options)
    if found.problem or options.get("contract"):
        return Appraisal(found)
    return judge(found, given)


def judge(found: Survey, given: Answers | None = None, leave_out: str = "") -> Appraisal:
    """Cost, verdict and forecast of a survey; `leave_out` withholds an environment's own rows of the tables.

    `given` is what the user said, None for nothing; the price of a million steps joins the properties.
    """
    given = given or Answers()
    core_hour = CORE_HOUR if given.core_hour is None else given.core_hour
    found.properties = found.properties.with_(price(found.properties.number("steps_per_s"), given.core_hour))
    cost = estimate(facts_of(found, given), core_hour, leave_out)
    case = Case(found.ladder, found.properties, found.target, found.target_source, cost, given.hours, given.real)
    verdict = decide(case)
    name = str(found.about.get("id") or found.name)
    step = found.properties.number("step_seconds")
    asked = questions(given, found.target, found.target_source, step is not None)
    return Appraisal(found, cost, verdict, forecast(name, found.target, verdict, cost), tuple(asked))


def facts_of(found: Survey, given: Answers | None = None) -> Facts:
    """What the estimate of the cost needs of a survey."""
    name, properties = str(found.about.get("id") or found.name), found.properties
    discrete = not str(found.about.get("action_space", "")).startswith("Box")
    space = str(found.about.get("observation_space", ""))
    shape = properties.text("shape")
    tabular = space.startswith("Discrete")
    ties, seen = properties.number("tie_rate"), properties.number("reward_in_episodes")
    random = found.ladder.random
    flat = random is None or len(set(random.returns)) <= 1
    return Facts(
        name,
        family_of(
            name, "pixels" in shape or "grey blocks" in shape, discrete, int(properties.number("shape") or 0), tabular
        ),
        discrete,
        properties.number("steps_per_s") or 1000.0,
        found.learner,
        properties.number("step_seconds"),
        found.target,
        blocked=flat and seen == 0 and (ties is None or ties > BLOCKED_TIES),
        registered=not found.target_source.startswith("median"),
        real=given is not None and given.real,
        bad_episode=given.bad_episode if given is not None else None,
        episode_steps=properties.number("episode_steps"),
    )


def record_forecast(one: Forecast, home: Path | None = None) -> Path:
    """Appends the forecast to the file that keeps them, with the date. Raises OSError."""
    file = runs_home(home) / FORECASTS
    file.parent.mkdir(parents=True, exist_ok=True)
    row = {"date": datetime.now(UTC).isoformat(timespec="seconds"), **one.to_json()}
    with file.open("a", encoding="utf-8") as out:
        out.write(json.dumps(row) + "\n")
    return file
