"""Rule D126: pass@k falls while pass@1 rises."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from lifesigns.model import Evidence, Finding, Series
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import Array, finite

PASS = re.compile(r"(pass|best|mean)(?:@|_at_|-at-)(\d+)")
"""pass@8, pass_at_8; best@8 and mean@8 of verl, the latter a mean over single attempts."""
EVALS = 6
"""values of each; assumed (three at either end)."""
CHANGED = 0.02
"""share of problems; assumed."""


class PassAtKFallsWhilePassAt1Rises(Rule):
    """pass@k falls while pass@1 rises: the policy gives up solutions that it could find.

    What it detects
    ---------------
    Of the logged shares of problems solved in one attempt and in k, the first goes up and the second comes down.

    Why it matters
    --------------
    The policy then repeats what it already solves, and loses the rest of what it could have found by trying:
    training sharpens, it does not learn.

    How it decides
    --------------
    Names that hold pass@1 and pass@k under the same prefix, at least 6 values of each: the mean of the last third is
    above that of the first by 0.02 for k = 1 and below it by 0.02 for the largest k. A note.

    When it is wrong
    ----------------
    Few problems, where a share swings by itself.

    What to do
    ----------
    More exploration (temperature, a higher upper clip), more and harder prompts, stop earlier.

    References
    ----------
    Yue et al., Does reinforcement learning really incentivize reasoning capacity in LLMs beyond the base model? (2025).
    """

    code = "D126"
    since = "0.2"
    status = "preview"
    families = "language models with logged pass@k"
    reads = {"completions.reward_mean": 1}
    may_read = {"log.*": EVALS}
    causes = {
        "premature-determinism": Likelihood(0.40, source="judgement"),
        "any fault": Likelihood(0.05, source="judgement"),
    }
    false_alarm = Likelihood(0.05, source="judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        groups: dict[str, dict[int, Series]] = {}
        for one in view.matching("log."):
            found = PASS.search(one.name.lower())
            if found and one.y.ndim == 1 and len(finite(one.y)) >= EVALS:
                k = 1 if found[1] == "mean" else int(found[2])
                groups.setdefault(one.name[: found.start()], {})[k] = one
        pairs = [g for g in groups.values() if 1 in g and len(g) > 1]
        if not pairs:
            raise CannotTell("pass@1 and pass@k were not logged, six values of each")
        for group in pairs:
            k = max(group)
            single, many = _change(group[1]), _change(group[k])
            if single > CHANGED and many < -CHANGED:
                one = group[k]
                yield self.finding(
                    view,
                    f"pass@1 rose by {single:.2f} and pass@{k} fell by {-many:.2f} (means of the first and last third "
                    f"of `{one.name.removeprefix('log.')}`)",
                    "note",
                    [Evidence(one.name, "run", many, -CHANGED, "share", one.clock, float(one.x[-1]))],
                )
                return

    def fires_on(self) -> Iterable[Case]:
        """At 8, and in verl's words."""
        yield _logged("at 8", "log.eval/pass@{}", np.linspace(0.3, 0.5, 12), np.linspace(0.8, 0.6, 12))
        yield _logged("underscores", "log.pass_at_{}", np.linspace(0.1, 0.4, 9), np.linspace(0.7, 0.5, 9))

    def quiet_on(self) -> Iterable[Case]:
        """Both rise, both fall, pass@k steady."""
        up, down = np.linspace(0.3, 0.5, 12), np.linspace(0.8, 0.6, 12)
        yield _logged("both rise", "log.eval/pass@{}", up, up + 0.3)
        yield _logged("both fall", "log.eval/pass@{}", down - 0.2, down)
        yield _logged("steady", "log.eval/pass@{}", up, np.full(12, 0.8))


def _change(one: Series) -> float:
    kept = finite(one.y)
    third = max(len(kept) // 3, 1)
    return float(kept[-third:].mean() - kept[:third].mean())


def _logged(name: str, pattern: str, single: Array, many: Array) -> Case:
    return case(name, {"completions.reward_mean": [0.1, 0.2], pattern.format(1): single, pattern.format(8): many})
