"""Rule D308: parameters that did move stand still for a large last part of the run."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.model import Evidence, Finding
from lifesigns.rules import Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import columns

STILL_SHARE = 0.3
"""share of the run's steps; assumed (schedules that are meant to end at 0 reach it at the end)."""
FEWEST_STILL = 5
"""samples in that part; assumed."""


class ParametersStopMoving(Rule):
    """Parameters that did move stand still for the rest of the run, although gradients arrive.

    What it detects
    ---------------
    All parameters of an optimiser have changed at first, and change by exactly 0 at every sampled step of
    at least the last 30 % of the run, although they have gradients. Parameters that never moved are D302's.

    Why it matters
    --------------
    The rest of the run is spent without learning. The loss is flat for a reason that has nothing to do with
    the model.

    How it decides
    --------------
    ‖Δθ‖ is exactly 0 for all parameters in at least 5 samples that cover 30 % of the steps up to the end,
    with some gradient other than 0 among them. The message says whether the learning rate was 0 there.

    When it is wrong
    ----------------
    A phase of training that is over, after which the optimiser is stepped on purpose with a learning rate
    of 0.

    What to do
    ----------
    Look at the schedule: its length is often given in epochs while it is stepped for each batch, or the
    other way round. Print the learning rate at the last step.

    References
    ----------
    PyTorch documentation of `torch.optim.lr_scheduler`.
    """

    code = "D308"
    since = "0.1"
    families = "any trained by gradients"
    per = "optimizer"
    reads = {"optimizer.update_norm": 10, "optimizer.gradient_norm": 10}
    may_read = {"optimizer.learning_rate": 10}
    causes = {
        "parameters-not-trained": Likelihood(0.30, source="the form of the cause in which it is a schedule"),
        "learning-rate-too-low": Likelihood(0.15, source="a schedule that ends too early"),
        "any fault": Likelihood(0.004, source="exact"),
    }
    false_alarm = Likelihood(0.003, source="judgement: phases that are over")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one, gradients = view["optimizer.update_norm"], view["optimizer.gradient_norm"]
        moved = np.flatnonzero(np.any(np.stack([y != 0 for _, y in columns(one)]), axis=0))
        if not len(moved) or len(one) - 1 - moved[-1] < FEWEST_STILL:
            return
        since, end = float(one.x[moved[-1] + 1]), float(one.x[-1])
        share = (end - since) / max(end - float(one.x[0]), 1.0)
        if share < STILL_SHARE or not np.any(gradients.y[gradients.x >= since] > 0):
            return
        rate = view.get("optimizer.learning_rate")
        zero = rate is not None and bool(np.all(rate.y[rate.x >= since] == 0))
        yield self.finding(
            view,
            f"no parameter that optimiser `{view.subject.name}` holds moves from its step {since:.0f} on, "
            f"for the last {share:.0%} of {end:.0f} steps, although there are gradients"
            + ("; its learning rate is 0 there" if zero else ""),
            "error",
            [Evidence(one.name, view.subject.id, 0.0, 0.0, "", one.clock, since)],
            exact=True,
        )

    def fires_on(self) -> Iterable[Case]:
        """A schedule that is over after a tenth and after half of the run."""
        for last in (2, 10):
            moved = (np.arange(20) < last)[:, None] * np.ones(2)
            yield case(
                f"{last} of 20 samples",
                {"optimizer.update_norm": moved, **_GRADIENTS, "optimizer.learning_rate": moved[:, 0]},
            )

    def quiet_on(self) -> Iterable[Case]:
        """A schedule that ends at 0, one part that stops, a pause, and an end without gradients."""
        ramp = np.linspace(1, 0, 20)[:, None] * np.ones(2)
        yield case("ends at 0", {"optimizer.update_norm": ramp, **_GRADIENTS})
        part = np.c_[np.ones(20), np.arange(20) < 5]
        yield case("one part stops", {"optimizer.update_norm": part, **_GRADIENTS})
        pause = np.r_[np.ones(5), np.zeros(12), np.ones(3)][:, None] * np.ones(2)
        yield case("a pause", {"optimizer.update_norm": pause, **_GRADIENTS})
        still = (np.arange(20) < 5)[:, None] * np.ones(2)
        yield case("no gradients", {"optimizer.update_norm": still, "optimizer.gradient_norm": still})


_GRADIENTS = {"optimizer.gradient_norm": np.ones((20, 2))}
