"""Rule D605: the same batches come back again and again."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import no_environment, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case

OFTEN = 3
"""sampled batches that must equal an earlier one; assumed (with shuffling none does)."""
DIFFERENT = 3
"""different batches that must have been seen, so that training on one batch is not meant; assumed."""


class BatchesRepeatInOrder(Rule):
    """The same batches come back again and again: the data are not shuffled anew.

    What it detects
    ---------------
    Batches of inputs whose means, spreads and extremes equal, to the last digit, those of an earlier batch.

    Why it matters
    --------------
    Batches of fixed composition make the gradient's noise the same each epoch, and data sorted by class or time
    pull the network from one end to the other. It is also what workers with one random state produce.

    How it decides
    --------------
    Of the sampled updates, at least 3 have inputs that equal those of an earlier one in all three statistics of all
    components, among at least 3 different batches, in a run without an environment. A note. Where none is
    repeated it cannot tell, unless there were enough samples to meet one.

    When it is wrong
    ----------------
    Full-batch training with a few accumulated parts; data that are sorted on purpose (sequences, curricula);
    inputs that take few values.

    What to do
    ----------
    Set `shuffle=True` in the loader; with workers of your own, seed each one differently.

    References
    ----------
    Bottou, Curiously fast convergence of some stochastic gradient descent algorithms (2009), on shuffling.
    """

    code = "D605"
    since = "0.2"
    status = "preview"
    families = "supervised training"
    per = "network"
    reads = {"network.input_mean": 10, "network.input_std": 10, "network.input_max_abs": 10}
    across = {"run.env_steps": 1, "env.episode_return": 1}
    silence_tells = False
    causes = {
        "optimizer-loop-wrong": Likelihood(0.10, source="judgement, as of L603"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.02, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        no_environment(view, "may see one batch many times")
        one = view["network.input_mean"]
        parts = [view[n].y for n in ("network.input_mean", "network.input_std", "network.input_max_abs")]
        points = min(len(p) for p in parts)
        rows = np.concatenate([p[:points].reshape(points, -1) for p in parts], axis=1)
        if not np.isfinite(rows).all() or not (rows[:, rows.shape[1] // 3 :] != 0).any():
            raise CannotTell("inputs are not finite, or are all 0")
        different = len({row.tobytes() for row in rows})
        again = points - different
        if again < OFTEN or different < DIFFERENT:
            return
        yield self.finding(
            view,
            f"{again} of {points} sampled batches of `{view.subject.name}` have inputs that equal those of an earlier "
            f"one to the last digit ({different} different ones)",
            "note",
            own_evidence(view, one, float(again), 0.0),
        )

    def fires_on(self) -> Iterable[Case]:
        """In order, and some of them."""
        rng = np.random.default_rng(0)
        batches = rng.normal(size=(5, 4))
        yield _inputs("in order", np.tile(batches, (8, 1)))
        yield _inputs("some", np.r_[rng.normal(size=(20, 4)), np.tile(batches, (2, 1))])

    def quiet_on(self) -> Iterable[Case]:
        """Shuffled, one batch, two batches in turn."""
        rng = np.random.default_rng(1)
        yield _inputs("shuffled", rng.normal(size=(40, 4)))
        yield _inputs("one batch", np.tile(rng.normal(size=(1, 4)), (30, 1)))
        yield _inputs("two in turn", np.tile(rng.normal(size=(2, 4)), (15, 1)))


def _inputs(name: str, mean: np.ndarray) -> Case:
    return case(
        name,
        {
            "network.input_mean": mean,
            "network.input_std": np.abs(mean) + 1.0,
            "network.input_max_abs": np.abs(mean) + 3.0,
            "run.env_steps": [0.0, 0.0],
        },
    )
