"""The answer in plain words: who is better, how sure that is, or why nobody can be called the winner yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from lifesigns.compare.arms import Field
from lifesigns.compare.pairs import FEW, Pair, pairs_of
from lifesigns.compare.scores import Normalise, Scores, lay_out
from lifesigns.compare.summary import ArmSummary, summaries
from lifesigns.stats.selection import WinnersCurse, winners_curse

Outcome = Literal["better", "no winner", "refused", "equivalent"]
ONE_MORE = 1


@dataclass(frozen=True)
class Comparison:
    """The whole answer; `sentences` come after the headline, `scores` and `summaries` are for tables and plots."""

    outcome: Outcome
    winner: str
    headline: str
    sentences: tuple[str, ...]
    pairs: tuple[Pair, ...]
    summaries: tuple[ArmSummary, ...]
    scores: Scores
    curse: WinnersCurse | None = None


def compare(
    field: Field,
    *,
    success_at: float | None = None,
    at: float | None = None,
    normalise: Normalise = "",
    margin: float | None = None,
    alpha: float = 0.05,
    seed: int = 0,
) -> Comparison:
    """Compares all arms at the level `alpha` (for all pairs together). The same `seed` gives the same answer.

    Raises CompareError where there is nothing to compare.
    """
    rng = np.random.default_rng(seed)
    scores = lay_out(field, success_at=success_at, at=at, normalise=normalise)
    pairs = pairs_of(scores, rng=rng, alpha=alpha, margin=margin)
    figures = summaries(scores, rng=rng)
    curse = _curse(scores, rng)
    best = _best(scores)
    outcome, headline = _headline(best, pairs)
    sentences = tuple(_sentences(best, pairs, scores, figures, curse))
    winner = best if outcome == "better" else ""
    return Comparison(outcome, winner, headline, sentences, tuple(pairs), figures, scores, curse)


def closest_pair(found: Comparison) -> Pair:
    """The arm with the highest mean against the one that is hardest to tell from it."""
    return _closest(_best(found.scores), found.pairs)


def _best(scores: Scores) -> str:
    return max(scores.arms, key=lambda arm: float(arm.oriented.mean())).name


def _closest(best: str, pairs: Sequence[Pair]) -> Pair:
    own = [pair for pair in pairs if best in (pair.ahead, pair.behind)]
    return max(own, key=lambda pair: (bool(pair.refusal), pair.p, -_lead(pair)))


def _lead(pair: Pair) -> float:
    return 0.5 if pair.improvement is None else pair.improvement.estimate


def _curse(scores: Scores, rng: np.random.Generator) -> WinnersCurse | None:
    """How much of the lead of the best of three or more is luck of having been chosen."""
    runs = min(arm.runs for arm in scores.arms)
    if len(scores.arms) < 3 or runs < 2:
        return None
    return winners_curse(np.stack([arm.oriented.mean(axis=1)[:runs] for arm in scores.arms], axis=1), rng=rng)


def _headline(best: str, pairs: Sequence[Pair]) -> tuple[Outcome, str]:
    own = [pair for pair in pairs if best in (pair.ahead, pair.behind)]
    refused = [pair for pair in own if pair.refusal]
    if refused:
        return "refused", f"No winner can be called: {refused[0].refusal}."
    beaten = [pair.behind for pair in own if pair.different and pair.ahead == best]
    if len(own) == 1:
        return _of_two(own[0])
    if len(beaten) == len(own):
        return "better", f"{best} is better than {_listed(beaten)}: {_nearest(best, own)}; {_how_sure(own)}."
    open_ = [pair.behind if pair.ahead == best else pair.ahead for pair in own if not pair.different]
    better = f", but it is better than {_listed(beaten)}" if beaten else ""
    highest = f"{best} scores highest and cannot be told from {_listed(open_)}{better}"
    return "no winner", f"No winner yet: {highest}; {_nearest(best, own)}."


def _nearest(best: str, pairs: Sequence[Pair]) -> str:
    """P(improvement) of the best over the arm that is hardest to tell from it."""
    pair = _closest(best, pairs)
    other = pair.behind if pair.ahead == best else pair.ahead
    return f"nearest is {other}, {_chance(pair)}"


def _of_two(pair: Pair) -> tuple[Outcome, str]:
    improvement, chance = pair.improvement, _chance(pair)
    assert improvement is not None
    on = f"{pair.ahead} is ahead on {pair.wins} of {pair.shared} seeds; " if pair.shared >= 2 else ""
    if pair.different:
        return "better", f"{pair.ahead} is better than {pair.behind}: {on}{chance}; {_p(pair)}."
    if pair.equivalence is not None and pair.equivalence.equivalent:
        return (
            "equivalent",
            f"{pair.ahead} and {pair.behind} differ by less than {pair.equivalence.margin:g} "
            f"(equivalence test, p = {pair.equivalence.p:.2g}).",
        )
    if improvement.estimate <= 0.5:
        return "no winner", f"No winner: {pair.ahead} has the higher mean, {pair.behind} wins as often; {_p(pair)}."
    return "no winner", f"No winner yet: {on}{chance}; {_p(pair)}."


def _chance(pair: Pair) -> str:
    one = pair.improvement
    assert one is not None
    return f"P(improvement) {one.estimate:.2f} [{one.low:.2f}, {one.high:.2f}]"


def _p(pair: Pair) -> str:
    assert pair.test is not None
    method = f"{pair.test.method}, exact" if pair.test.exact else pair.test.method
    return f"p = {pair.p:.2g} ({method})"


def _how_sure(pairs: Sequence[Pair]) -> str:
    largest = max(pairs, key=lambda pair: pair.p)
    return f"largest p = {largest.p:.2g} of {len(pairs)} tests, corrected for all pairs (Holm)"


def _sentences(
    best: str,
    pairs: Sequence[Pair],
    scores: Scores,
    figures: Sequence[ArmSummary],
    curse: WinnersCurse | None,
) -> list[str]:
    found: list[str] = []
    own = [pair for pair in pairs if best in (pair.ahead, pair.behind)]
    closest = _closest(best, pairs)
    if closest.opposite is not None and closest.runs >= FEW:
        of = f" of {closest.ahead} over {closest.behind}" if len(own) > 1 else ""
        often = f"{_percent(closest.opposite)} of the time" if closest.opposite >= 0.01 else "almost never"
        found.append(f"{_count(FEW)} seeds of each could have shown the opposite{of} {often}.")
    if not closest.different and closest.equivalence is None:
        found.append(missing(closest))
    found += _of_failures(scores, figures, own)
    found += _speed(scores, figures)
    if closest.pairing is not None:
        does = "helps: runs were paired by seed" if closest.pairing.helps else "does not help: runs were not paired"
        found.append(f"Sharing seeds {does} (correlation {closest.pairing.correlation.estimate:.2f}).")
    if curse is not None and curse.luck > 0:
        found.append(f"Of {best}'s mean {curse.luck:.3g} is the luck of being the best of {len(scores.arms)}.")
    return found


def missing(pair: Pair) -> str:
    """How many more seeds would settle a pair, as a range."""
    more = pair.more
    if more is None:
        return "How many more seeds would settle it cannot be planned from these."
    low, high = more
    between = f" to tell {pair.ahead} from {pair.behind}"
    if low is None:
        return f"More than 10,000 seeds of each would be needed{between}: whatever difference there is, it is small."
    low = max(low, ONE_MORE)
    if high is None:
        return (
            f"Run at least {low} more of each{between} at {100 * pair.alpha:g} %; from these runs it is not even "
            "certain that any number will do."
        )
    span = f"{low} to {high}" if high > low else f"{low}"
    return f"Run {span} more of each{between} at {100 * pair.alpha:g} % (80 % power; these runs' noise included)."


def _of_failures(scores: Scores, figures: Sequence[ArmSummary], pairs: Sequence[Pair]) -> list[str]:
    if not any(arm.failed for arm in figures):
        return []
    rates = ", ".join(_rate(arm, len(scores.tasks)) for arm in figures)
    text = f"Failed runs: {rates}"
    side = "below" if scores.metric.higher_is_better else "above"
    if np.isfinite(scores.line):
        text += f" ({side} {scores.line:.4g}: {scores.line_from})"
    found = [f"{text}."]
    for pair in pairs:
        if pair.failures is not None and len(pairs) == 1:
            shown = "differ" if pair.failures.p <= pair.alpha else "are not shown to differ"
            found.append(f"The failure rates {shown} (Fisher exact, p = {pair.failures.p:.2g}).")
    return found


def _speed(scores: Scores, figures: Sequence[ArmSummary]) -> list[str]:
    """When half of the runs of each arm are at the line for good scores; runs that never are count as censored."""
    known = [(arm.name, arm.to_line) for arm in figures if arm.to_line is not None]
    if len(known) < len(figures):
        return []
    told = [f"{name} {'never' if np.isinf(at.estimate) else f'{at.estimate:,.0f}'}" for name, at in known]
    return [f"Half of the runs have reached {scores.line:.4g} after so many {scores.clock}: {', '.join(told)}."]


def _rate(arm: ArmSummary, tasks: int) -> str:
    interval = f"[{_percent(arm.failures.low)}, {_percent(arm.failures.high)}]"
    return f"{arm.name} {arm.failed} of {arm.runs * tasks} {interval}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 1 or percent == 0 else "under 1 %"


def _count(number: int) -> str:
    return {5: "Five"}.get(number, str(number))
