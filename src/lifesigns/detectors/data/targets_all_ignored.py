"""Rule D604: next to all targets of the loss are ignored."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import finite

NEARLY_ALL = 0.99
"""share of the targets; assumed (catalogue L17 has 1)."""


class TargetsAllIgnored(Rule):
    """Next to all targets of the loss carry the label that is ignored.

    What it detects
    ---------------
    In sampled batches more than 99 % of the targets equal the loss' `ignore_index` (−100 by default).

    Why it matters
    --------------
    What is ignored teaches nothing. With all of a batch ignored the mean is 0 divided by 0, or 0; the loss looks
    solved or is not a number. It is what a chat template whose marks were not found leaves behind.

    How it decides
    --------------
    Share of ignored targets, read off the graph of sampled backward calls: the median of at least 3 samples is above
    0.99. A warning.

    When it is wrong
    ----------------
    Long prompts with an answer of one or two tokens.

    What to do
    ----------
    Print one example's labels beside its tokens: the answer's must not be −100. Look for the template's marks in
    the tokens.

    References
    ----------
    PyTorch's documentation of `torch.nn.CrossEntropyLoss` (`ignore_index`).
    """

    code = "D604"
    since = "0.2"
    status = "preview"
    families = "classification and language models"
    per = "loss"
    reads = {"loss.ignored_share": 3}
    causes = {
        "labels-not-learned": Likelihood(0.30, source="judgement"),
        "any fault": Likelihood(0.005, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["loss.ignored_share"]
        kept = finite(one.y)
        if not len(kept):
            raise CannotTell("no finite share")
        level = float(np.median(kept))
        if level <= NEARLY_ALL:
            return
        yield self.finding(
            view,
            f"{level:.1%} of the targets of the loss `{view.subject.name}` are ignored (median of {len(kept)} sampled "
            f"batches); the line is {NEARLY_ALL:.0%}",
            "warning",
            own_evidence(view, one, level, NEARLY_ALL),
        )

    def fires_on(self) -> Iterable[Case]:
        """All, and all but a few."""
        yield case("all", {"loss.ignored_share": np.ones(8)})
        yield case("nearly all", {"loss.ignored_share": np.full(8, 0.998)})

    def quiet_on(self) -> Iterable[Case]:
        """None, prompts, one batch."""
        yield case("none", {"loss.ignored_share": np.zeros(8)})
        yield case("prompts", {"loss.ignored_share": np.full(8, 0.7)})
        yield case("one batch", {"loss.ignored_share": [1.0, 0.2, 0.3, 0.1]})
