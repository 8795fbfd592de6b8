"""The variants of a campaign against each other by their scores, in one sentence, or why nothing can be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from lifesigns.campaign.verdict import CampaignVerdict
from lifesigns.compare.arms import Arm, CompareError, field_of
from lifesigns.compare.pairs import Pair
from lifesigns.compare.read import with_failures
from lifesigns.compare.verdict import Comparison, closest_pair, compare, missing

Told = Literal["better", "no winner", "refused", "not comparable"]
LOOKED = (
    "The number of seeds was not fixed beforehand (--until-settled): what holds at 5 % is the group-sequential test "
    "that stops the campaign; p is of a single look."
)
"""What a p-value is worth after looks that could have ended the campaign."""


@dataclass(frozen=True)
class VariantsCompared:
    """`sentence` is for the headline, `notes` say what was left out; `comparison` is None where there is none.

    `ahead` and `behind`: the best variant and the one that is hardest to tell from it (None without a comparison).
    """

    outcome: Told
    sentence: str
    notes: tuple[str, ...] = ()
    comparison: Comparison | None = None

    @property
    def settled(self) -> bool:
        """Whether the scores show which variant is best."""
        return self.outcome == "better"

    @property
    def pair(self) -> Pair | None:
        """The best variant against the one that is hardest to tell from it."""
        return None if self.comparison is None else closest_pair(self.comparison)


def compare_variants(
    arms: Sequence[Arm], answer: CampaignVerdict, *, success_at: float | None = None, looked: bool = False
) -> VariantsCompared:
    """The variants (arms called as in `answer`) by their scores; who failed is as `answer` has it.

    Runs of a variant that are one run, number for number, count once. `looked`: the number of seeds was decided by
    looking at the scores. Never raises for data: what cannot be compared is said.
    """
    same = _same_variants(answer)
    if same and len(same) == len(answer.variants):
        return _nothing(f"the runs of {_listed(same)} are the same, number for number: what was varied has no effect")
    failed = {v.name: {r.run.seed: r.failed for r in v.judgement.failed if r.failed} for v in answer.variants}
    kept, notes = _distinct(with_failures(arms, failed), answer)
    if same:
        notes.append(f"The runs of {_listed(same)} are the same, number for number.")
    kept = _measured(kept, notes)
    try:
        found = compare(field_of(kept), success_at=success_at)
    except CompareError as error:
        return replace(_nothing(str(error)), notes=tuple(notes))
    return _told(found, (*notes, LOOKED) if looked else tuple(notes))


def _nothing(why: str) -> VariantsCompared:
    return VariantsCompared("not comparable", f"By their scores nothing can be told: {why}.")


def _told(found: Comparison, notes: tuple[str, ...]) -> VariantsCompared:
    metric = found.scores.metric
    by = f"By {metric.name}{'' if metric.higher_is_better else ' (less is better)'}"
    if found.outcome == "refused":
        return VariantsCompared("refused", f"{by} nothing can be told. {found.headline}", notes, found)
    if found.outcome == "better":
        return VariantsCompared("better", f"{by}, settled: {found.headline}", notes, found)
    return VariantsCompared(
        "no winner", f"{by}, not settled: {found.headline} {missing(closest_pair(found))}", notes, found
    )


def _distinct(arms: Sequence[Arm], answer: CampaignVerdict) -> tuple[list[Arm], list[str]]:
    """The arms with one run of each group of equal runs: ten copies of a run are one sample."""
    copies = {v.name: v.identical for v in answer.variants}
    found: list[Arm] = []
    notes: list[str] = []
    for arm in arms:
        extra = {str(seed) for group in copies.get(arm.name, ()) for seed in group[1:]}
        for group in copies.get(arm.name, ()):
            listed = ", ".join(map(str, group))
            notes.append(
                f"{arm.name}: seeds {listed} are one run, number for number; in the comparison it counts once."
            )
        found.append(replace(arm, runs=tuple(r for r in arm.runs if r.seed not in extra)))
    return found, notes


def _measured(arms: Sequence[Arm], notes: list[str]) -> list[Arm]:
    """Without the arms of which no run has a score, where two others are left."""
    kept = [arm for arm in arms if any(run.curves for run in arm.runs)]
    if len(kept) < 2:
        return list(arms)
    notes += [
        f"{arm.name} is left out of the comparison: none of its runs has a score." for arm in arms if arm not in kept
    ]
    return kept


def _same_variants(answer: CampaignVerdict) -> list[str]:
    """Names of variants whose runs are all equal to those of another with the same seeds; empty where none are."""
    digests: dict[str, Mapping[int, str]] = {
        v.name: {r.run.seed: r.run.digest for r in v.judgement.runs} for v in answer.variants
    }
    full = {name: marks for name, marks in digests.items() if marks and all(marks.values())}
    groups: dict[tuple[tuple[int, str], ...], list[str]] = {}
    for name, marks in full.items():
        groups.setdefault(tuple(sorted(marks.items())), []).append(name)
    return next((names for names in groups.values() if len(names) > 1), [])


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
