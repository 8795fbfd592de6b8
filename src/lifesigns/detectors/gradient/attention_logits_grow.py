"""Rule D323: the largest attention logit grows without bound."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence, thirds
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import median

LARGE = 100.0
"""logit; assumed (catalogue D77 has 50 to 100; the threshold of QK-clip in public training code is 100)."""
GROWN = 2.0
"""times that of the first third; assumed."""


class AttentionLogitsGrow(Rule):
    """The largest attention logit is in the hundreds and grows.

    What it detects
    ---------------
    The largest logit before the softmax of attention, where the trainer logs it, is above 100 and has doubled.

    Why it matters
    --------------
    Attention then looks at one token alone, its gradient vanishes, and in half precision the loss diverges soon
    after.

    How it decides
    --------------
    Median of the last third of at least 9 logged values: above 100 and twice that of the first third. A warning.

    When it is wrong
    ----------------
    Logits that are scaled or capped after they are logged.

    What to do
    ----------
    Normalise queries and keys, clip their weights, or lower the learning rate of their projections.

    References
    ----------
    Dehghani et al., Scaling vision transformers to 22 billion parameters (2023), on growing attention logits.
    """

    code = "D323"
    since = "0.2"
    status = "preview"
    families = "transformers whose trainer logs the largest attention logit"
    reads = {"learner.attention_logit": 9}
    causes = {
        "learning-rate-too-high": Likelihood(0.20, source="judgement"),
        "numerical-overflow": Likelihood(0.20, source="judgement"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.02, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["learner.attention_logit"]
        first, last = (median(part) for part in thirds(one))
        if last != last:
            raise CannotTell("no finite value")
        if last <= LARGE or last <= GROWN * first:
            return
        yield self.finding(
            view,
            f"the largest attention logit has grown from {first:.3g} to {last:.3g} (medians of the first and last "
            f"third); the line is {LARGE:g}",
            "warning",
            own_evidence(view, one, last, LARGE),
        )

    def fires_on(self) -> Iterable[Case]:
        """Steadily, and fast."""
        yield case("steadily", {"learner.attention_logit": np.linspace(10, 400, 60)})
        yield case("fast", {"learner.attention_logit": np.geomspace(5, 1e5, 40)})

    def quiet_on(self) -> Iterable[Case]:
        """Small, large and steady, grows to 60."""
        yield case("small", {"learner.attention_logit": np.full(30, 12.0)})
        yield case("steady", {"learner.attention_logit": np.full(30, 150.0)})
        yield case("to 60", {"learner.attention_logit": np.linspace(5, 60, 60)})
