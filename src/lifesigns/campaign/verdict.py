"""What a campaign says: how often runs fail, whether that is a lottery, and whether it is a bug, the settings or luck.

The causes and their words are those of `diagnose`. Each failed run has its own odds; their mean is weighed by what only
many runs can know: how many failed, and whether the settings that were varied decide it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp

from lifesigns.campaign.judge import Array, Judgement, parted_at, side_by_side
from lifesigns.campaign.placing import sentence
from lifesigns.campaign.plan import variant_name
from lifesigns.diagnose import BY_ID, in_words
from lifesigns.model import CauseOdds
from lifesigns.stats.distributions import log_beta
from lifesigns.stats.interval import Interval
from lifesigns.stats.success import failure_bound, fisher_test, success_interval

RATE_UNDER: Mapping[str, tuple[float, float]] = {"luck": (1.0, 3.0), "fault": (3.0, 1.0), "other": (1.0, 1.0)}
"""Beta distribution of the failure rate where luck (most seeds learn), a fault (most do not) or anything else is the
explanation; assumed. `luck` is defined so in `diagnose.causes`: it explains a failure only if most seeds learn."""
FAULTS = ("bug", "hyperparameter", "environment")
SHOWN_CAUSES = 4
LEAST_SHOWN = 0.03
DECIDES = 0.05
"""level at which a setting is said to decide the failures"""
EVEN = 0.455
"""probability of a kind of cause from which it is named as the reason: what is said as an even chance or better"""


@dataclass(frozen=True)
class Explained:
    """A cause of the failures with its probability, words as in a diagnosis, and in how many failed and good runs a
    rule that names it fired."""

    odds: CauseOdds
    probability: float
    words: str
    span: tuple[int, int]
    failed_with: int
    good_with: int


@dataclass(frozen=True)
class VariantVerdict:
    """The answer for one variant."""

    name: str
    judgement: Judgement
    rate: Interval
    bound: float
    parted: tuple[float, str] | None
    causes: tuple[Explained, ...]
    defects: tuple[tuple[str, str, int, int], ...]
    """(cause, where, failed runs with it, good runs with it) of each proven defect"""
    identical: tuple[tuple[int, ...], ...]
    """groups of seeds whose runs are equal number for number"""
    lines: tuple[Array, Array] | None = None
    """the runs' curves on one grid for drawing: steps [point], values [run, point]; None without"""
    ladder: str = ""
    """where the runs stand among what other methods get; empty without an environment"""


@dataclass(frozen=True)
class SettingVerdict:
    """Whether a varied setting decides the failures: rates by value, and the smallest p (Holm) of two values."""

    name: str
    rates: tuple[tuple[str, int, int], ...]
    p: float
    decides: bool


@dataclass(frozen=True)
class CampaignVerdict:
    """The answer: a headline, one part for each variant, the varied settings."""

    headline: str
    kind: str
    variants: tuple[VariantVerdict, ...]
    settings: tuple[SettingVerdict, ...]


def verdict(judgements: Mapping[tuple[tuple[str, str], ...], Judgement]) -> CampaignVerdict:
    """The verdict on judged runs by variant; each has at least one run."""
    variants = tuple(_variant(variant_name(v), j) for v, j in judgements.items())
    settings = tuple(_settings(judgements))
    return CampaignVerdict(*_headline(variants, settings), variants, settings)


def _variant(name: str, judgement: Judgement) -> VariantVerdict:
    told = len(judgement.failed) + len(judgement.good)
    failed = len(judgement.failed)
    rate = success_interval(failed, told) if told else Interval(float("nan"), 0.0, 1.0, 0.95, "clopper-pearson")
    bound = failure_bound(failed, told) if told else 1.0
    return VariantVerdict(
        name,
        judgement,
        rate,
        bound,
        parted_at(judgement),
        _causes(judgement) if failed else (),
        _defects(judgement),
        _identical(judgement),
        side_by_side(judgement),
        sentence([r.run.placing for r in judgement.runs]),
    )


def _causes(judgement: Judgement) -> tuple[Explained, ...]:
    """The causes of the failures, weighed by how many runs failed; empty where no failed run has a diagnosis."""
    diagnosed = [r.run.diagnosis for r in judgement.failed if r.run.diagnosis]
    if not diagnosed:
        return ()
    failed, told = len(judgement.failed), len(judgement.failed) + len(judgement.good)
    mean: dict[str, float] = {}
    shown: dict[str, CauseOdds] = {}
    for one in diagnosed:
        for cause in one.causes:
            key = "unknown" if cause.cause == "healthy" else cause.cause
            mean[key] = mean.get(key, 0.0) + cause.probability / len(diagnosed)
            if cause.cause == key and (key not in shown or len(cause.findings) > len(shown[key].findings)):
                shown[key] = cause
    weights = {key: p * _chance(key, failed, told) for key, p in mean.items() if key in shown}
    total = sum(weights.values())
    ranked = sorted(weights, key=lambda key: -weights[key])
    found: list[Explained] = []
    for key in ranked[:SHOWN_CAUSES]:
        probability = weights[key] / total
        if probability >= LEAST_SHOWN or not found:
            words, span = in_words(probability)
            counts = [_fired(judgement, key, bad=bad) for bad in (True, False)]
            found.append(Explained(shown[key], probability, words, span, *counts))
    return tuple(found)


def _chance(cause: str, failed: int, told: int) -> float:
    """P(`failed` of `told` runs fail | cause), up to a factor that all causes share (beta-binomial)."""
    known = BY_ID.get(cause)
    group = "luck" if cause == "luck" else "fault" if known is not None and known.is_fault else "other"
    a, b = RATE_UNDER[group]
    return exp(log_beta(failed + a, told - failed + b) - log_beta(a, b))


def _fired(judgement: Judgement, cause: str, *, bad: bool) -> int:
    """In how many failed (or good) runs a finding supports the cause."""
    return sum(
        any(c.cause == cause and c.findings for c in r.run.diagnosis.causes)
        for r in (judgement.failed if bad else judgement.good)
        if r.run.diagnosis
    )


def _defects(judgement: Judgement) -> tuple[tuple[str, str, int, int], ...]:
    seen: dict[tuple[str, str], list[int]] = {}
    for side, group in enumerate((judgement.failed, judgement.good)):
        for run in group:
            for key in {
                (d.cause, f"{d.finding.location.file}:{d.finding.location.line}" if d.finding.location else "")
                for d in (run.run.diagnosis.defects if run.run.diagnosis else ())
            }:
                seen.setdefault(key, [0, 0])[side] += 1
    return tuple((cause, where, bad, good) for (cause, where), (bad, good) in sorted(seen.items()))


def _identical(judgement: Judgement) -> tuple[tuple[int, ...], ...]:
    groups: dict[str, list[int]] = {}
    for run in judgement.runs:
        if run.run.digest:
            groups.setdefault(run.run.digest, []).append(run.run.seed)
    return tuple(tuple(g) for g in groups.values() if len(g) > 1)


def _settings(judgements: Mapping[tuple[tuple[str, str], ...], Judgement]) -> list[SettingVerdict]:
    """For each varied setting: failures by value, over the values of the others."""
    names = [name for name, _ in next(iter(judgements))]
    found: list[SettingVerdict] = []
    for place, name in enumerate(names):
        counts: dict[str, list[int]] = {}
        for variant, judgement in judgements.items():
            count = counts.setdefault(variant[place][1], [0, 0])
            count[0] += len(judgement.failed)
            count[1] += len(judgement.failed) + len(judgement.good)
        rates = [(value, bad, told) for value, (bad, told) in counts.items() if told]
        pairs = [(a, b) for i, a in enumerate(rates) for b in rates[i + 1 :]]
        least = min((fisher_test(a[1], a[2], b[1], b[2]).p for a, b in pairs), default=1.0)
        p = min(1.0, least * max(len(pairs), 1))
        found.append(SettingVerdict(name, tuple(rates), p, p <= DECIDES))
    return found


def _headline(variants: Sequence[VariantVerdict], settings: Sequence[SettingVerdict]) -> tuple[str, str]:
    """One sentence, and what it says is to blame: nothing, bug, hyperparameter, environment, luck, unknown."""
    one_run = next(
        (v for v in variants if len(v.identical) == 1 and len(v.identical[0]) == len(v.judgement.runs)), None
    )
    if one_run is not None:
        return (
            f"All {len(one_run.judgement.runs)} runs are the same run, number for number: the seed has no effect, and "
            "nothing is known about luck.",
            "unknown",
        )
    deciding = [s for s in settings if s.decides]
    if deciding:
        s = deciding[0]
        rates = ", ".join(f"{bad} of {n} at {value}" for value, bad, n in s.rates)
        return (
            f"Hyperparameters: `{s.name}` decides how often runs fail ({rates} failed; p = {s.p:.2g}).",
            "hyperparameter",
        )
    if len(variants) == 1:
        return _one(variants[0])
    worst = max(variants, key=lambda v: v.rate.estimate)
    failed = sum(len(v.judgement.failed) for v in variants)
    told = failed + sum(len(v.judgement.good) for v in variants)
    if not failed:
        return f"None of {told} runs of {len(variants)} variants failed.", "nothing"
    kind = _kind(worst)
    return (
        f"{failed} of {told} runs failed, most with {worst.name}; the varied settings are not shown to decide it. "
        f"{_blame(worst)}",
        kind,
    )


def _one(v: VariantVerdict) -> tuple[str, str]:
    failed, good = len(v.judgement.failed), len(v.judgement.good)
    told = failed + good
    if not told:
        return "Cannot tell whether any run learned; give a line with --success-at X.", "unknown"
    if not failed:
        return f"All {told} runs learned; the failure rate may still be up to {100 * v.bound:.0f} %.", "nothing"
    if told == 1:
        return "The only run failed; one run says nothing about luck.", "unknown"
    rate = f"{failed} of {told} runs failed ({100 * v.rate.low:.0f}–{100 * v.rate.high:.0f} % of seeds)"
    lottery = ": a seed lottery" if good else ", every one: no lottery"
    return f"{rate}{lottery}. {_blame(v)}", _kind(v)


def _first_kind(v: VariantVerdict) -> tuple[str, float]:
    """The likeliest kind of cause and its probability; unknown where no failed run has a diagnosis."""
    totals: dict[str, float] = {}
    for cause in v.causes:
        totals[cause.odds.kind] = totals.get(cause.odds.kind, 0.0) + cause.probability
    return max(totals.items(), key=lambda item: item[1], default=("unknown", 0.0))


def _kind(v: VariantVerdict) -> str:
    """The kind of cause that is more likely than not; unknown without one."""
    kind, share = _first_kind(v)
    return kind if share >= EVEN else "unknown"


def _blame(v: VariantVerdict) -> str:
    """`Why: luck, highly likely (71–85 %).`"""
    if not v.causes:
        ends = Counter(r.failed for r in v.judgement.failed if r.failed).most_common(1)
        return f"Most of them {ends[0][0]}." if ends else "Why is open."
    kind, share = _first_kind(v)
    words, (low, high) = in_words(min(share, 1.0))
    name = {"hyperparameter": "hyperparameters", "unknown": "something that no check looks for"}.get(kind, kind)
    if share < EVEN:
        return f"Why is open; {name} comes first ({low}–{high} %)."
    return f"Why: {name}, {words} ({low}–{high} %)."
