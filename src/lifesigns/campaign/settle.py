"""Sequential campaigns: after each group of seeds, is the question settled, so that no more need be run?

With variants the question is which of them is better, by group-sequential permutation tests of every pair (each at the
level divided by the number of pairs). Without, it is whether the script fails more often than a line (one run in five),
by an interval of the failure rate that holds at every look at once. Both may stop early without more false alarms than
a single look would have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from lifesigns.campaign.curves import common_metric
from lifesigns.campaign.driver import State
from lifesigns.campaign.folder import CampaignFolder
from lifesigns.campaign.judge import judge
from lifesigns.campaign.plan import Plan, variant_name
from lifesigns.campaign.results import RunResult, load_result
from lifesigns.stats.sequential import SequentialPlan, sequential_plan, sequential_test
from lifesigns.stats.success import success_interval

GROUP = 5
"""Seeds of each variant between two looks; fewer could settle nothing at the first."""
FAILURE_LINE = 0.2
ALPHA = 0.05
SEED = 0
"""of the permutations: every look replays those before it"""


@dataclass
class Settled:
    """What the driver asks after each run that has ended. Results are loaded once; looks are made at whole groups."""

    folder: CampaignFolder
    plan: Plan
    success_at: float | None = None
    failure_line: float = FAILURE_LINE

    def __post_init__(self) -> None:
        self._results: dict[str, RunResult] = {}
        self._looked = 0

    def __call__(self, state: State) -> str:
        """Why no more is to be run; empty to go on."""
        groups = self._whole_groups(state.results)
        if groups <= self._looked:
            return ""
        self._looked = groups
        variants = self.plan.variants()
        runs = [self._runs(state.results, v, groups * GROUP) for v in variants]
        return self._pairs(runs, groups) if len(variants) > 1 else self._rate(runs[0], groups)

    def looks(self) -> int:
        """Planned looks: whole groups of seeds."""
        return max(len(self.plan.seeds) // GROUP, 1)

    def _whole_groups(self, ended: Mapping[str, Any]) -> int:
        """Whole groups of seeds, from the first on, that have ended in every variant."""
        done = 0
        by_seed = {s: [j for j in self.plan.jobs() if j.seed == s] for s in self.plan.seeds}
        for seed in self.plan.seeds:
            if not all(job.key in ended for job in by_seed[seed]):
                break
            done += 1
        return min(done // GROUP, self.looks())

    def _runs(self, ended: Mapping[str, Mapping[str, Any]], variant: Any, count: int) -> list[RunResult]:
        """The first `count` seeds of a variant."""
        jobs = [job for job in self.plan.jobs() if job.variant == variant][:count]
        for job in jobs:
            if job.key not in self._results:
                self._results[job.key] = load_result(self.folder, self.plan, job, ended[job.key])
        return [self._results[job.key] for job in jobs]

    def _rate(self, runs: list[RunResult], look: int) -> str:
        """Bonferroni over the looks: each interval has the level 1 - alpha / looks."""
        judged = judge(runs, self.success_at)
        failed, told = len(judged.failed), len(judged.failed) + len(judged.good)
        if not told:
            return ""
        interval = success_interval(failed, told, level=1.0 - ALPHA / self.looks())
        span = f"{100 * interval.low:.0f}–{100 * interval.high:.0f} %, valid at every look"
        if interval.high < self.failure_line:
            return f"settled after {told} runs: it fails less often than {self.failure_line:.0%} ({span})"
        if interval.low > self.failure_line:
            return f"settled after {told} runs: it fails more often than {self.failure_line:.0%} ({span})"
        return ""

    def _pairs(self, runs: list[list[RunResult]], look: int) -> str:
        """Settled when every pair is shown different; one that is not shown so stays open to the end."""
        metric = common_metric([dict(r.curves) for group in runs for r in group])
        if metric is None:
            return ""
        scores = [np.array([r.curves[metric].final() if metric in r.curves else np.nan for r in g]) for g in runs]
        pool = np.concatenate(scores)
        known = pool[np.isfinite(pool)]
        if not len(known):
            return ""
        worst = float(known.min() if metric.higher_is_better else known.max())
        scores = [np.where(np.isfinite(s), s, worst) for s in scores]
        pairs = list(combinations(range(len(runs)), 2))
        plan = plan_for(self.looks(), len(pairs))
        for a, b in pairs:
            rng = np.random.default_rng((SEED, a, b))
            if sequential_test(scores[a], scores[b], plan, rng=rng).decision != "different":
                return ""
        sign = 1.0 if metric.higher_is_better else -1.0
        best = int(np.argmax([sign * s.mean() for s in scores]))
        name = variant_name(self.plan.variants()[best])
        what = "all variants differ" if len(runs) > 2 else "the variants differ"
        return f"settled after {look * GROUP} seeds each: {what}, {name} is best (group-sequential test, 5 %)"


def plan_for(looks: int, pairs: int) -> SequentialPlan:
    """The looks of one pair; alpha is shared among the pairs (Bonferroni)."""
    return sequential_plan(GROUP, looks, alpha=ALPHA / max(pairs, 1))
