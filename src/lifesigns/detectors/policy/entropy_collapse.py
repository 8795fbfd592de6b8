"""Rule D101: a categorical policy is all but deterministic within the first quarter of the run."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.policies import require_policy
from lifesigns.detectors.returns import GOING, going_well, rises_after
from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import first_share, median

COLLAPSED = 0.05
"""share of ln(number of actions); assumed (catalogue D11, after Schulman and Jones)."""
EARLY = 0.25
"""share of the run's environment steps; assumed (catalogue D11)."""
FEWEST_EARLY = 4
"""samples in that share, of which the later half must lie below the line; assumed."""
MOST_ACTIONS = 1000
"""actions; above it lie vocabularies, whose healthy relative entropy is a few per cent; assumed."""


class EntropyCollapse(Rule):
    """The policy is all but deterministic before a quarter of the run is over, and stays so.

    What it detects
    ---------------
    The mean entropy of the categorical policy falls below 5 % of its maximum ln(number of actions) within
    the first quarter of the environment steps and does not come back.

    Why it matters
    --------------
    A policy-gradient method learns only about actions that it tries. A policy that puts all its weight on
    one action early stops exploring, its gradient vanishes, and it can no longer find out that it was
    wrong.

    How it decides
    --------------
    Median relative entropy over the second eighth of the run and over all that follows, both below 0.05. It
    is a warning where returns do not rise, or rise only after the collapse: the policy was deterministic
    before it was good. It is a note where returns were far above those of random actions by then and stay
    so, or were not seen.

    When it is wrong
    ----------------
    Some tasks have a deterministic optimum that is found at once. Vocabulary-sized action sets (over 1,000
    actions) are left out. A policy that was pre-trained may start with low entropy.

    What to do
    ----------
    Look at the learning rate and at the sign and size of the entropy bonus first; then at the scale of
    advantages and rewards. Raise the entropy bonus only once those are right.

    References
    ----------
    Schulman, The nuts and bolts of deep RL research (2016); Jones, Debugging RL, without the agonizing pain
    (2021).
    """

    code = "D101"
    since = "0.1"
    families = "policy gradient with discrete actions"
    per = "policy"
    reads = {"policy.relative_entropy": 20}
    across = GOING
    causes = {
        "premature-determinism": Likelihood(0.85, source="the definition of the cause"),
        "learning-rate-too-high": Likelihood(0.45, source="large steps saturate a softmax (Schulman 2016)"),
        "objective-sign-flipped": Likelihood(0.35, source="a flipped entropy bonus or advantage drives logits apart"),
        "observation-scale": Likelihood(0.15, source="large inputs give large logits"),
        "environment-ends-episodes-wrongly": Likelihood(0.15, source="judgement: advantages are noise, logits drift"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement: healthy policies sharpen later")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        require_policy(view)
        one = view["policy.relative_entropy"]
        if float(view.subject.info.get("actions") or 0) > MOST_ACTIONS:
            raise CannotTell(f"more than {MOST_ACTIONS} actions: low relative entropy is usual")
        early = np.flatnonzero(first_share(one, EARLY))
        if len(early) < FEWEST_EARLY:
            raise CannotTell(f"{len(early)} entropy samples in the first quarter of the run, {FEWEST_EARLY} needed")
        middle = one.x[0] + EARLY / 2 * (one.x[-1] - one.x[0])
        start = min(int(np.searchsorted(one.x, middle)), int(early[-1]) - 1)
        level, rest = median(one.y[start : early[-1] + 1]), median(one.y[start:])
        if not (level < COLLAPSED and rest < COLLAPSED):
            return
        at = float(one.x[start])
        yield self.finding(
            view,
            f"entropy of the policy `{view.subject.name}` is {level:.1%} of its maximum by environment step "
            f"{at:.0f}, within the first quarter of the run, and {rest:.1%} from there on; "
            f"the line is {COLLAPSED:.0%}",
            "warning" if going_well(view) is False or rises_after(view, at) else "note",
            [Evidence("policy.relative_entropy", view.subject.id, level, COLLAPSED, "share", one.clock, at)],
        )

    def fires_on(self) -> Iterable[Case]:
        """Collapsed at once, and collapsed within a few updates."""
        stuck = {"env.episode_return": [9.0, 10.0] * 30}
        yield case("one action from the start", {"policy.relative_entropy": np.full(40, 0.01), **stuck})
        rising = {"env.episode_return": np.linspace(20.0, 150.0, 60)}
        yield case("still improving", {"policy.relative_entropy": np.full(60, 0.02), **rising})
        yield case("falls in the first tenth", {"policy.relative_entropy": [1, 0.8, 0.3, 0.1, *[0.02] * 36], **stuck})

    def quiet_on(self) -> Iterable[Case]:
        """Healthy curves, the late sharpening of a solved task and a language model's vocabulary."""
        yield case("slow decline", {"policy.relative_entropy": np.linspace(1.0, 0.5, 40)})
        yield case("deterministic only at the end", {"policy.relative_entropy": np.linspace(1.0, 0.0, 40) ** 2})
        yield case("dips and recovers", {"policy.relative_entropy": [*[0.02] * 10, *[0.6] * 30]})
