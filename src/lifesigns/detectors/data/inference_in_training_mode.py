"""Rule D606: a network runs without gradient while its dropout or batch normalisation is in training mode."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import no_environment, own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import finite


class InferenceInTrainingMode(Rule):
    """A network runs without gradient while its dropout or batch normalisation is in training mode.

    What it detects
    ---------------
    A forward pass under `torch.no_grad()` of a network with dropout or batch normalisation that was not put in
    evaluation mode.

    Why it matters
    --------------
    Scores are then those of a network with units left out, or normalised by the batch at hand, and batch
    normalisation learns its statistics from the held-out data.

    How it decides
    --------------
    In sampled windows of a run without an environment: any pass without gradient with such a layer in training
    mode. A note.

    When it is wrong
    ----------------
    Gradient checkpointing (`use_reentrant=True`) and Monte Carlo dropout run like this on purpose.

    What to do
    ----------
    Call `model.eval()` before evaluating and `model.train()` after.

    References
    ----------
    PyTorch's documentation of `torch.nn.Module.eval`; Srivastava et al., Dropout (2014).
    """

    code = "D606"
    since = "0.2"
    status = "preview"
    families = "supervised training with dropout or batch normalisation"
    per = "network"
    reads = {"network.inference_in_training_mode": 1}
    across = {"run.env_steps": 1, "env.episode_return": 1}
    causes = {
        "mode-wrong": Likelihood(0.60, source="judgement"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.03, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        no_environment(view, "come from networks that act in training mode")
        one = view["network.inference_in_training_mode"]
        kept = finite(one.y)
        if not len(kept):
            raise CannotTell("no pass without gradient was seen")
        seen = int((kept > 0).sum())
        if not seen:
            return
        yield self.finding(
            view,
            f"in {seen} of {len(kept)} windows `{view.subject.name}` ran without gradient with dropout or batch "
            "normalisation in training mode",
            "note",
            own_evidence(view, one, float(seen), 0.0),
        )

    def fires_on(self) -> Iterable[Case]:
        """Always, and once."""
        yield case("always", {"network.inference_in_training_mode": np.ones(5), "run.env_steps": [0.0, 0.0]})
        yield case("once", {"network.inference_in_training_mode": [0.0, 0.0, 1.0]})

    def quiet_on(self) -> Iterable[Case]:
        """Never, in windows few and many."""
        for windows in (1, 3, 30):
            yield case(f"{windows} windows", {"network.inference_in_training_mode": np.zeros(windows)})
