"""What is compared: arms (algorithms, variants), each with its runs, each run with a curve or a single score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lifesigns.campaign.curves import Curve, Metric, common_metric

GIVEN = Metric("score")
"""Of tables and arrays, which do not say what they hold."""


class CompareError(ValueError):
    """Something that cannot be compared; the message is one sentence that says what to do."""


@dataclass(frozen=True)
class Run:
    """One run of one task. `seed` is empty where it is not known; `broken` says how a run ended that ended badly."""

    curves: Mapping[Metric, Curve]
    seed: str = ""
    task: str = ""
    broken: str = ""

    def curve(self, metric: Metric) -> Curve | None:
        """The curve that holds `metric`; what a table gave stands for any."""
        found = self.curves.get(metric)
        return self.curves.get(GIVEN) if found is None else found


@dataclass(frozen=True)
class Arm:
    """All runs of one algorithm; `notes` are for the user, `environment` and `transformed` where runs know them."""

    name: str
    runs: tuple[Run, ...]
    notes: tuple[str, ...] = ()
    environment: str = ""
    transformed: bool = False

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that it has runs of, in order."""
        return tuple(dict.fromkeys(run.task for run in self.runs))


@dataclass(frozen=True)
class Field:
    """All arms and the metric that all of them have."""

    arms: tuple[Arm, ...]
    metric: Metric
    notes: tuple[str, ...] = field(default=())


def field_of(arms: Sequence[Arm], *, lower_is_better: bool = False) -> Field:
    """The arms with their common metric and unique names. Raises CompareError where there is nothing to compare."""
    if len(arms) < 2:
        raise CompareError(f"expected at least two things to compare, got {len(arms)}; name another path")
    empty = next((arm for arm in arms if not arm.runs), None)
    if empty is not None:
        raise CompareError(f"expected runs in `{empty.name}`, got none")
    unmeasured = next((arm for arm in arms if not any(run.curves for run in arm.runs)), None)
    if unmeasured is not None:
        raise CompareError(
            f"expected returns, losses or scores in the runs of `{unmeasured.name}`, got none; "
            "name a series with --metric"
        )
    recorded = [dict(run.curves) for arm in arms for run in arm.runs if run.curves and GIVEN not in run.curves]
    metric = common_metric(recorded) if recorded else GIVEN
    if metric is None:
        listed = "; ".join(f"{arm.name}: {', '.join(_metrics(arm)) or 'nothing'}" for arm in arms)
        raise CompareError(f"the runs have no measure in common ({listed}); name one with --metric SERIES")
    if lower_is_better:
        metric = replace(metric, higher_is_better=False)
        arms = [_renamed_metric(arm, metric) for arm in arms]
    return Field(tuple(_unique(arms)), metric, tuple(_warnings(arms, metric)))


def _metrics(arm: Arm) -> list[str]:
    return list(dict.fromkeys(m.name for run in arm.runs for m in run.curves))


def _renamed_metric(arm: Arm, metric: Metric) -> Arm:
    """The same curves under a metric of which less is better."""
    runs = tuple(
        replace(run, curves={metric if m.name == metric.name else m: c for m, c in run.curves.items()})
        for run in arm.runs
    )
    return replace(arm, runs=runs)


def _unique(arms: Sequence[Arm]) -> list[Arm]:
    """Arms of the same name are numbered."""
    names = [arm.name for arm in arms]
    return [
        replace(arm, name=f"{arm.name} ({names[: i + 1].count(arm.name)})") if names.count(arm.name) > 1 else arm
        for i, arm in enumerate(arms)
    ]


def _warnings(arms: Sequence[Arm], metric: Metric) -> list[str]:
    """What makes scores of different arms differ other than the algorithm."""
    found = [f"{arm.name}: {note}" for arm in arms for note in arm.notes]
    environments = {arm.environment for arm in arms if arm.environment}
    if len(environments) > 1:
        found.append(f"The environments differ ({', '.join(sorted(environments))}): scores do not compare.")
    if "return" in metric.name and len({arm.transformed for arm in arms}) > 1:
        which = ", ".join(arm.name for arm in arms if arm.transformed)
        found.append(
            f"Normalisation: returns of {which} are of transformed rewards (a reward wrapper), the others' are not: "
            "scores do not compare; log the raw returns or compare evaluation returns."
        )
    return found
