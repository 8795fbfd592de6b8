"""Power of a comparison, and how many seeds it needs: scores (Student, noncentral t) and success rates (Fisher)."""

from __future__ import annotations

from math import asin, ceil, sqrt

import numpy as np

from lifesigns.stats.distributions import (
    binomial_pmf,
    noncentral_student_cdf,
    normal_quantile,
    student_quantile,
)
from lifesigns.stats.interval import check_level
from lifesigns.stats.success import fisher_table

MOST_SEEDS = 100_000
"""Where the search for a number of seeds gives up."""


def student_power(effect: float, runs: int, runs_b: int | None = None, *, alpha: float = 0.05) -> float:
    """Power of the two-sided Student t test with `runs` seeds an arm (`runs_b` in the second if it differs).

    `effect` is Cohen's d: the difference of the means in standard deviations of the runs. Noncentral t (Cohen 1988).
    """
    n, m = runs, runs if runs_b is None else runs_b
    if n < 2 or m < 2:
        raise ValueError(f"expected at least 2 runs an arm, got {n} and {m}")
    df, shift = n + m - 2, abs(effect) * sqrt(n * m / (n + m))
    critical = student_quantile(1.0 - alpha / 2, df)
    return 1.0 - noncentral_student_cdf(critical, df, shift) + noncentral_student_cdf(-critical, df, shift)


def seeds_for_effect(effect: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """Seeds an arm at which the t test finds an effect (Cohen's d) with `power`.

    Raises ValueError for an effect of 0 and where more than 100,000 would be needed.
    """
    check_level(power)
    if effect == 0:
        raise ValueError("expected an effect other than 0: no number of seeds finds a difference that is not there")
    guess = int(2 * ((normal_quantile(1 - alpha / 2) + normal_quantile(power)) / effect) ** 2) - 2
    for n in range(max(2, guess), MOST_SEEDS):
        if student_power(effect, n, alpha=alpha) >= power:
            return n
    raise ValueError(f"expected an effect that {MOST_SEEDS} seeds can find, got {effect}")


def fisher_power(rate_a: float, rate_b: float, runs: int, *, alpha: float = 0.05) -> float:
    """Chance that Fisher's exact test tells two success rates apart with `runs` seeds an arm. Exact."""
    rejected = fisher_table(runs, runs) <= alpha * (1.0 + 1e-9)
    return float(binomial_pmf(runs, rate_a) @ rejected @ binomial_pmf(runs, rate_b))


def seeds_for_rates(rate_a: float, rate_b: float, *, power: float = 0.8, alpha: float = 0.05, most: int = 2_000) -> int:
    """Seeds an arm at which Fisher's exact test tells two success rates apart with `power`.

    The smallest number from which on the power stays at or above it for the next five: the power of an exact test
    goes up in a saw. Raises ValueError for equal rates and where more than `most` would be needed.
    """
    for rate in (rate_a, rate_b):
        if not 0.0 <= rate <= 1.0:
            raise ValueError(f"expected rates from 0 to 1, got {rate!r}")
    if rate_a == rate_b:
        raise ValueError("expected two rates that differ: no number of seeds finds a difference that is not there")
    guess = seeds_for_rates_normal(rate_a, rate_b, power=power, alpha=alpha)
    enough = 0
    for n in range(max(2, guess - 1), most + 1):
        enough = enough + 1 if fisher_power(rate_a, rate_b, n, alpha=alpha) >= power else 0
        if enough == 6:
            return n - 5
    raise ValueError(f"expected rates that {most} seeds can tell apart, got {rate_a} and {rate_b}")


def seeds_for_rates_normal(rate_a: float, rate_b: float, *, power: float = 0.8, alpha: float = 0.05) -> int:
    """What the textbook's normal approximation would plan (Cohen 1988, effect size h); too few, as
    `seeds_for_rates` shows."""
    h = 2 * (asin(sqrt(rate_a)) - asin(sqrt(rate_b)))
    return ceil(2 * ((normal_quantile(1 - alpha / 2) + normal_quantile(power)) / h) ** 2)


def seeds_for_least_p(alpha: float = 0.05) -> int:
    """Seeds an arm below which no permutation or rank test can be significant at `alpha`: 4 at 5 %."""
    n = np.arange(1, 40)
    ways = np.cumprod((2.0 * n) * (2.0 * n - 1) / n**2)
    return int(n[np.argmax(2.0 / ways <= alpha)])
