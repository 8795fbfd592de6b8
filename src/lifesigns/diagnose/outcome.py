"""What became of a run: did its return rise, or (without an environment) did its loss fall?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lifesigns.diagnose.logged_outcome import MEAN, from_means
from lifesigns.model import Outcome, Series, Trace
from lifesigns.stats.samples import finite, mann_whitney

Array = NDArray[np.float64]

FEWEST = 15
"""finite episodes or losses; assumed (three thirds of 5, where Mann-Whitney can reach p = 0.008)."""
CLEARLY = 0.64
"""P(a value of the one third > a value of the other); a medium effect (Vargha and Delaney 2000)."""
SIGNIFICANT_Z = 2.58
"""|z| of the Mann-Whitney test; two-sided p = 0.01."""
RECENT, RECENT_SHARE = 10, 0.1
"""finite episodes, at least, and share of all, that show a rise that has only begun; assumed."""
BEGUN, BEGUN_Z = 0.8, 3.29
"""The same two figures for these few: a large effect, two-sided p = 0.001."""
RETURN = "env.episode_return"
RANDOM = "baseline.random_return"
LOSS = "loss.value"


def outcome_of(trace: Trace) -> Outcome:
    """What happened, from the training environment's returns; from the losses where there is no environment.

    The last third of the values is set against the first third (Mann-Whitney, and an effect of at least
    `CLEARLY`), and against random actions where they were measured.
    """
    with np.errstate(all="ignore"):
        return _outcome(trace)


def _outcome(trace: Trace) -> Outcome:
    returns = _longest(s for s in trace.named(RETURN) if _is_training(trace, s))
    if returns is not None:
        return _from_returns(returns, trace.get(RANDOM, returns.subject))
    means = trace.named(MEAN)
    told = from_means(trace, [s for s in means if _is_training(trace, s)] or means)
    if told is not None:
        return told
    if any(_is_training(trace, s) for s in trace.series if s.name.startswith("env.")):
        return Outcome("cannot tell", "Cannot tell whether it learned: no training episode ended.", RETURN)
    losses = _longest(s for s in trace.named(LOSS) if s.y.ndim == 1)
    if losses is not None:
        return _from_losses(losses)
    if trace.of_kind("dye") and not trace.series_but("dye."):
        return Outcome(
            "cannot tell", "Dyes were planted; the run itself was not recorded, so whether it learns is open."
        )
    return Outcome("cannot tell", "Cannot tell whether it learned: neither returns nor losses were recorded.")


def _is_training(trace: Trace, one: Series) -> bool:
    subject = trace.subjects.get(one.subject)
    return subject is None or subject.info.get("role") != "eval"


def _longest(found: Iterable[Series]) -> Series | None:
    return max(found, key=len, default=None)


def _figure(value: float) -> str:
    return f"{value:.4g}"


def _compare(after: Array, before: Array, effect: float = CLEARLY, least_z: float = SIGNIFICANT_Z) -> int:
    """1 where `after` is clearly the larger, -1 where it is clearly the smaller, 0 otherwise."""
    z, larger = mann_whitney(after, before)
    if abs(z) < least_z:
        return 0
    return 1 if larger >= effect else -1 if larger <= 1.0 - effect else 0


def _begun(first: Array, recent: Array, chance: Array) -> bool:
    """Whether the last few returns are clearly above the first ones, and above random actions where these are known."""
    return all(_compare(recent, low, BEGUN, BEGUN_Z) > 0 for low in (first, chance) if len(low) >= 5)


def _from_returns(one: Series, random: Series | None) -> Outcome:
    values = finite(one.y)
    lost = len(one) - len(values)
    note = f" {lost} of {len(one)} returns were not finite." if lost else ""
    if len(values) < FEWEST:
        if lost > len(values):
            return Outcome("not learning", f"It is not learning: {lost} of {len(one)} returns are not finite.", RETURN)
        return Outcome(
            "cannot tell",
            f"Too little data to tell whether it learned: {len(values)} finished episodes, {FEWEST} needed.{note}",
            RETURN,
        )
    third = len(values) // 3
    first, middle, last = values[:third], values[third:-third], values[-third:]
    start, end = float(np.mean(first)), float(np.mean(last))
    chance = finite(random.y) if random is not None else np.empty(0)
    by_chance = f"; random actions get {_figure(float(np.mean(chance)))}" if len(chance) else ""
    fell = _compare(middle, last) > 0
    peak = f", after {_figure(float(np.mean(middle)))} in the middle third" if fell else ""
    change = _compare(last, first)
    span = (
        f"{_figure(start)} over the first third of {len(values)} episodes to {_figure(end)} over the "
        f"last third{peak}{by_chance}.{note}"
    )
    told = Outcome("not learning", "", RETURN, start, end)
    if change < 0:
        return replace(
            told,
            learning="worse than at the start",
            sentence=f"It got worse: the mean return fell from {span}",
        )
    above = _compare(last, chance) > 0 if len(chance) >= 5 else None
    if change > 0 and above is not False:
        return replace(told, learning="learning", sentence=f"It learned: the mean return rose from {span}")
    recent = values[-max(RECENT, int(len(values) * RECENT_SHARE)) :]
    if not above and len(recent) <= third and _begun(first, recent, chance):
        return replace(
            told,
            learning="learning",
            to_value=float(np.mean(recent)),
            sentence=f"It has begun to learn: the mean return rose from {_figure(start)} over the first third of "
            f"{len(values)} episodes to {_figure(float(np.mean(recent)))} over the last {len(recent)}"
            f"{by_chance}.{note}",
        )
    if change > 0:
        return replace(told, sentence=f"It does no better than random actions: the mean return rose from {span}")
    if above:
        return replace(
            told,
            learning="learning",
            sentence=f"It does better than random actions, without rising further: the mean return went from {span}",
        )
    if float(values.min()) == float(values.max()):
        return replace(
            told,
            sentence=f"It is not learning: each of {len(values)} episodes had the return "
            f"{_figure(end)}{by_chance}.{note}",
        )
    return replace(told, sentence=f"It is not learning: the mean return went from {span}")


def _from_losses(one: Series) -> Outcome:
    bad = np.flatnonzero(~np.isfinite(one.y))
    third = len(one) // 3
    if len(bad) and (len(bad) * 2 > len(one) or not np.isfinite(one.y[-max(1, third) :]).any()):
        return Outcome(
            "not learning",
            f"It is not learning: the loss is not finite from {one.clock} "
            f"{one.x[bad[0]]:.0f} on ({len(bad)} of {len(one)} samples).",
            LOSS,
        )
    values = finite(one.y)
    if len(values) < FEWEST:
        return Outcome(
            "cannot tell",
            f"Too little data to tell whether it learned: {len(values)} losses, {FEWEST} needed.",
            LOSS,
        )
    third = len(values) // 3
    first, last = values[:third], values[-third:]
    start, end = float(np.mean(first)), float(np.mean(last))
    note = f" {len(bad)} losses were not finite." if len(bad) else ""
    span = (
        f"{_figure(start)} over the first third of {len(values)} samples to {_figure(end)} over the last third.{note}"
    )
    told = Outcome("not learning", f"It is not learning: the mean loss went from {span}", LOSS, start, end)
    change = _compare(last, first)
    if change < 0:
        return replace(told, learning="learning", sentence=f"It learned: the mean loss fell from {span}")
    if change > 0:
        return replace(
            told, learning="worse than at the start", sentence=f"It got worse: the mean loss rose from {span}"
        )
    return told
