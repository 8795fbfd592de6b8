"""Rule D301: a loss, gradient, parameter, reward, observation or action is NaN or infinite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf, nan
from typing import Any

import numpy as np

from lifesigns.detectors.parameter_names import modules
from lifesigns.model import Event, Evidence, Finding, Location, Series, Severity, Subject
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import columns

WHAT = {
    "loss.value": "loss",
    "optimizer.gradient_norm": "gradient",
    "optimizer.parameter_norm": "parameter",
    "gradient.total_norm": "total gradient norm",
    "env.reward_mean": "reward",
    "env.reward_std": "reward",
    "env.reward_min": "reward",
    "env.reward_max": "reward",
    "env.observation_mean": "observation",
    "env.observation_std": "observation",
    "env.observation_max_abs": "observation",
    "env.action_mean": "action",
    "env.action_std": "action",
}
"""What each series measures."""
SKIPPED_SHARE = 0.1
"""share of infinite total gradient norms that a gradient scaler may cause; assumed (it halves its scale each
time)."""
SHOWN = 12
"""pieces of evidence at most."""


@dataclass(frozen=True)
class _Hit:
    what: str
    subject: Subject
    series: Series
    first: int
    count: int
    names: tuple[str, ...]

    @property
    def value(self) -> float:
        row = np.atleast_1d(self.series.y[self.first])
        return float(row[~np.isfinite(row)][0])

    @property
    def step(self) -> float:
        return float(self.series.x[self.first])

    @property
    def is_skipped_overflow(self) -> bool:
        """Now and then an infinite (never NaN) norm, and a finite one afterwards."""
        if self.series.name != "gradient.total_norm":
            return False
        y = self.series.y
        return not np.isnan(y).any() and bool(np.isfinite(y[-1])) and self.count <= max(1.0, SKIPPED_SHARE * len(y))


class NonFiniteValue(Rule):
    """A loss, gradient, parameter, reward, observation or action is NaN or infinite.

    What it detects
    ---------------
    Any non-finite number among the recorded losses, gradient norms, parameter norms, rewards, observations
    and actions.

    Why it matters
    --------------
    One NaN in a parameter makes every later output NaN. An argmax over NaN is a constant action, a
    comparison with NaN is false, and the script runs on as if nothing had happened.

    How it decides
    --------------
    One such value is enough: it is what happened. The event that the recorder kept at the first one, with
    about twenty frames before it, says where it began; otherwise the finding names each place with its
    first step. Infinite total gradient norms now and then, followed by finite ones and by nothing else, are
    a note: a gradient scaler skips them.

    When it is wrong
    ----------------
    A loss that is infinite by design and not stepped on. Logits masked with −inf are legal and are not
    looked at.

    What to do
    ----------
    Start from the first place, not from the last: a reward or an observation before a loss, a loss before a
    parameter. Usual sources are log(0), 0/0 in a normalisation, exp of a large difference and a learning
    rate that is too high.

    References
    ----------
    Amazon SageMaker Debugger, built-in rule ExplodingTensor; Bekman, Machine learning engineering
    (instabilities).
    """

    code = "D301"
    since = "0.1"
    families = "any"
    reads = {}
    across = dict.fromkeys(WHAT, 1)
    needs_events = ("nonfinite",)
    causes = {
        "numerical-overflow": Likelihood(0.97, source="the definition of the cause"),
        "learning-rate-too-high": Likelihood(0.20, source="judgement"),
        "observation-scale": Likelihood(0.05, source="judgement"),
        "gradients-accumulate": Likelihood(0.10, source="judgement"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.002, source="exact")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding, about the first subject that is concerned."""
        seen = [(subject, one) for name in WHAT for subject, one in view.across(name)]
        event = next(view.events("nonfinite"), None)
        if not seen and event is None:
            raise CannotTell(f"none of {', '.join(f'`{n}`' for n in WHAT)} was recorded")
        hits = [hit for subject, one in seen if (hit := _hit(subject, one))]
        if event is not None:
            yield self._from_event(view, event, hits, {s.id: s for s, _ in seen})
        elif hits:
            yield self._from_hits(view, hits)

    def _from_event(self, view: View, event: Event, hits: list[_Hit], subjects: Mapping[str, Subject]) -> Finding:
        about = subjects.get(str(event.data.get("subject", event.subject))) or subjects.get(event.subject)
        name = f" of `{about.name}`" if about and about.kind != "run" else ""
        frames = _frames(event.data.get("context"))
        before = f"; the last of {len(frames)} frames before it: {_frame(frames[-1])}" if frames else ""
        what = str(event.data.get("what", "value"))
        others = [h for h in hits if about is None or (h.subject.id, h.series.name) != (about.id, what)]
        label = WHAT.get(what, what)
        message = f"first non-finite value: {label}{name} at environment step {event.env_step}{before}" + _rest(others)
        return self.finding(
            view,
            message,
            "error",
            _evidence(hits) or [Evidence(what, event.subject, nan)],
            exact=True,
            location=event.location,
            about=about,
        )

    def _from_hits(self, view: View, hits: list[_Hit]) -> Finding:
        skipped = all(hit.is_skipped_overflow for hit in hits)
        severity: Severity = "note" if skipped else "error"
        first, location = hits[0], _location(hits)
        where = f" in {modules(first.names)}" if first.names else ""
        message = (
            f"{first.what} of `{first.subject.name}` is {first.value}{where} at {first.series.clock} "
            f"{first.step:.0f} and in {first.count} of {len(first.series)} samples{_rest(hits[1:])}"
        )
        return self.finding(
            view,
            message,
            severity,
            _evidence(hits),
            exact=not skipped,
            location=location,
            about=first.subject,
        )

    def fires_on(self) -> Iterable[Case]:
        """A loss, one parameter of two, an observation, and an event alone."""
        yield case("loss", {"loss.value": [1.0, 2.0, nan, nan]})
        yield case(
            "one parameter",
            {"optimizer.parameter_norm": [[1.0, 1.0], [1.0, inf]]},
            columns=("actor.0.weight", "critic.0.weight"),
        )
        yield case("observation", {"env.observation_max_abs": [[1.0, 2.0], [inf, 2.0]], "loss.value": [1.0, 0.5]})
        yield case("a total norm that stays infinite", {"gradient.total_norm": [1.0, *[inf] * 9]})
        yield case(
            "event",
            {"loss.value": [1.0, 0.9]},
            events=(
                (
                    "nonfinite",
                    {"subject": "loss/0", "what": "loss.value", "context": [{"update": 7, "loss": 1e30}]},
                ),
            ),
        )

    def quiet_on(self) -> Iterable[Case]:
        """Finite values, however large or small, and negative zero."""
        yield case("ordinary", {"loss.value": [1.0, 0.5], "gradient.total_norm": [1.0, 2.0]})
        yield case("large", {"loss.value": [1e30, -1e30], "optimizer.gradient_norm": [[1e20], [0.0]]})
        yield case("zero", {"env.reward_min": [-0.0, 0.0], "env.reward_max": [0.0, 0.0]})


def _hit(subject: Subject, one: Series) -> _Hit | None:
    bad = ~np.isfinite(one.y)
    rows = np.flatnonzero(bad if bad.ndim == 1 else bad.any(axis=1))
    if not len(rows):
        return None
    first = int(rows[0])
    names = tuple(name for name, y in columns(one) if name and not np.isfinite(y[first]))
    return _Hit(WHAT[one.name], subject, one, first, len(rows), names)


def _frames(context: Any) -> list[Any]:
    return list(context) if isinstance(context, (list, tuple)) else []


def _frame(frame: Any) -> str:
    """One line for a frame: "update 12, loss 3.2"."""
    if isinstance(frame, Mapping):
        parts = [f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in frame.items()]
        return ", ".join(parts)
    return str(frame)


def _rest(hits: list[_Hit]) -> str:
    places = list(dict.fromkeys(f"{h.what} of `{h.subject.name}`" for h in hits))
    return f"; also non-finite: {', '.join(places[:SHOWN])}" if places else ""


def _evidence(hits: list[_Hit]) -> list[Evidence]:
    return [
        Evidence(
            h.series.name,
            h.subject.id,
            h.value,
            None,
            h.series.unit,
            h.series.clock,
            h.step,
            h.names[0] if h.names else "",
        )
        for h in hits[:SHOWN]
    ]


def _location(hits: list[_Hit]) -> Location | None:
    return next((h.subject.location for h in hits if h.subject.location), None)
