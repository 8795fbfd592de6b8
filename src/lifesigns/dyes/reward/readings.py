"""What the impulse response of a reward says of γ, λ and n, and the settings that each is to be compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from math import copysign, log
from typing import Any

from lifesigns.dyes.base import known, named

RELATIVE, ABSOLUTE = 1e-4, 2e-4
"""how near a reading has to be; assumed: float32 advantages of size 100 are known to 1e-5."""
MOST_STEPS = 64
"""largest value that is taken for an n-step horizon; assumed (a counter of that name is larger)."""
LEAST_CREDIT = 0.05
"""γ and λ below which no response of an earlier step need be seen; assumed (responses below 0.02 are left out)."""
FEWEST_ROWS_BEFORE = 3
"""rows of the same episode before the changed one, for silence to mean something; assumed."""


@dataclass(frozen=True)
class Wanted:
    """A number that a reading may equal, and how it comes from the settings."""

    value: float
    text: str


@dataclass(frozen=True)
class Settings:
    """Values by kind, each with the name that it was found under."""

    gamma: tuple[Wanted, ...] = ()
    lam: tuple[Wanted, ...] = ()
    n_step: tuple[Wanted, ...] = ()

    @property
    def product(self) -> tuple[Wanted, ...]:
        """γλ of every pair."""
        return tuple(Wanted(g.value * x.value, f"{g.text} and {x.text}") for g, x in product(self.gamma, self.lam))


@dataclass(frozen=True)
class Reading:
    """A number read off the response, what it is, and the numbers that it may equal."""

    kind: str
    value: float
    said: str
    wanted: tuple[Wanted, ...]
    unit: str = ""

    @property
    def matches(self) -> bool:
        """Whether any setting is as near as rounding allows."""
        return any(near(self.value, w.value) for w in self.wanted)


def near(a: float, b: float) -> bool:
    """Within rounding of each other."""
    return abs(a - b) <= RELATIVE * abs(b) + ABSOLUTE


def settings_of(facts: Mapping[str, Any]) -> Settings:
    """The settings that can be what their name says: γ and λ from 0 to 1, n a whole number up to 64."""
    held = named(facts, "settings")
    gamma = tuple(w for w in _pairs(held.get("gamma")) if 0 < w.value <= 1)
    lam = tuple(w for w in _pairs(held.get("lambda")) if 0 <= w.value <= 1)
    n_step = tuple(w for w in _pairs(held.get("n_step")) if 1 <= w.value <= MOST_STEPS and w.value == int(w.value))
    return Settings(gamma, lam, n_step)


def _pairs(value: Any) -> Iterable[Wanted]:
    for pair in value if isinstance(value, list | tuple) else ():
        if isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[1], int | float):
            yield Wanted(float(pair[1]), f"{pair[0]} = {float(pair[1]):.6g}")


def readings_of(facts: Mapping[str, Any], settings: Settings) -> list[Reading]:
    """The numbers that the response gives, of a bootstrapped target or of a rollout."""
    weight, decay, gamma = known(facts, "bootstrap_weight"), known(facts, "decay"), known(facts, "gamma")
    responses = int(known(facts, "responses") or 0)
    first = _first_reward(known(facts, "scale"), settings)
    if weight is not None:
        steps = _power(weight, decay, max(responses, 1))
        return [*first, *_of_target(weight, decay, steps, settings), *_later(known(facts, "value_steps"), steps)]
    found = [*first, *([_step(gamma, settings.gamma)] if gamma is not None else [])]
    if decay is not None:
        found.append(_of_rollout(decay, gamma, settings))
    elif responses == 1 and facts.get("planted_as") == "once" and _credit_expected(facts, settings):
        said = f"a reward reaches none of {known(facts, 'rows_before'):.0f} earlier steps of its episode (γλ = 0)"
        found.append(Reading("decay", 0.0, said, settings.product))
    return found


def _first_reward(scale: float | None, settings: Settings) -> list[Reading]:
    """A reading where the reward of a step counts γ at that step already."""
    early = [w for w in settings.gamma if scale is not None and w.value < 1 and near(scale, w.value)]
    if scale is None or not early:
        return []
    said = f"a step's own reward counts {scale:.6g} in its target: one discount too many"
    return [Reading("own_reward", scale, said, (Wanted(1.0, f"{early[0].text} a step, so 1 for its own"),))]


def _step(gamma: float, wanted: tuple[Wanted, ...]) -> Reading:
    return Reading("gamma", gamma, f"the code discounts by γ = {gamma:.6g} a step", wanted)


def _of_rollout(decay: float, gamma: float | None, settings: Settings) -> Reading:
    """λ where γ was read apart; else the ratio of neighbouring responses, which may be γ or γλ."""
    if gamma:
        lam = decay / gamma
        return Reading("lambda", lam, f"credit fades by λ = {lam:.6g} a step beside γ", settings.lam)
    wanted = (*settings.gamma, *settings.product) if settings.gamma else ()
    return Reading("decay", decay, f"credit fades by {decay:.6g} a step (γ, or γλ)", wanted)


def _credit_expected(facts: Mapping[str, Any], settings: Settings) -> bool:
    """Whether earlier rows are there, and every γ and λ in the settings would let them answer."""
    before = known(facts, "rows_before")
    every = (*settings.gamma, *settings.lam)
    named_both = bool(settings.gamma and settings.lam) and min(w.value for w in every) > LEAST_CREDIT
    return before is not None and before >= FEWEST_ROWS_BEFORE and named_both


def _later(distance: float | None, steps: int) -> list[Reading]:
    """How many steps on the observation lies whose value follows the rewards: as many as there are rewards."""
    if distance is None:
        return []
    said = f"the value in a target is that of the observation {distance:.0f} step{'s' if distance != 1 else ''} later"
    rewards = f"{steps} reward{'s' if steps > 1 else ''} stand{'' if steps > 1 else 's'} before it in the target"
    return [Reading("value_steps", distance, said, (Wanted(float(steps), rewards),), "steps")]


def _of_target(weight: float, decay: float | None, steps: int, settings: Settings) -> list[Reading]:
    """γ and n of a target `r₁ + γr₂ + … + γⁿV`: rewards answer in n sizes, the value with γⁿ."""
    gamma = copysign(abs(weight) ** (1.0 / steps), weight)
    beside = f" (the next value by {weight:.6g} over {steps} steps)" if steps > 1 else ""
    found = [Reading("gamma", gamma, f"the code discounts by γ = {gamma:.6g} a step{beside}", settings.gamma)]
    if decay is not None and steps >= 2:
        said = f"the rewards inside a target fade by γ = {decay:.6g} a step"
        found.append(Reading("reward_gamma", decay, said, settings.gamma))
    said = f"a target holds {steps} reward{'s' if steps > 1 else ''}"
    found.append(Reading("n_step", float(steps), said, settings.n_step, "steps"))
    return found


def _power(weight: float, decay: float | None, responses: int) -> int:
    """How many steps the value's weight stands for: at least the number of responses; more where that power of the
    rewards' decay is the weight (a run that is stopped early need not show them all)."""
    if decay is None or responses < 2 or not (0 < weight < 1 and 0 < decay < 1):
        return responses
    power = round(log(weight) / log(decay))
    return power if responses < power <= MOST_STEPS and near(weight, decay**power) else responses
