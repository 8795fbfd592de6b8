"""The distribution functions that the tests and intervals need, typed; each is scipy's or a sum over scipy's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

Array = NDArray[np.float64]


def normal_cdf(z: float) -> float:
    """P(Z <= z) of the standard normal."""
    return float(special.ndtr(z))


def normal_quantile(p: float) -> float:
    """z with P(Z <= z) = p."""
    return float(special.ndtri(p))


def normal_cdfs(z: Array) -> Array:
    """P(Z <= z), element by element."""
    return np.asarray(special.ndtr(z), dtype=np.float64)


def student_cdf(t: float, df: float) -> float:
    """P(T <= t) of Student's t with `df` degrees of freedom (need not be whole)."""
    return float(special.stdtr(df, t))


def student_cdfs(t: Array, df: float) -> Array:
    """P(T <= t), element by element."""
    return np.asarray(special.stdtr(df, t), dtype=np.float64)


def student_quantile(p: float, df: float) -> float:
    """t with P(T <= t) = p."""
    return float(special.stdtrit(df, p))


def student_two_sided(t: Any, df: Any) -> Array:
    """P(|T| >= |t|), element by element."""
    return np.asarray(2.0 * special.stdtr(df, -np.abs(t)), dtype=np.float64)


def noncentral_student_cdf(t: float, df: float, shift: float) -> float:
    """P(T <= t) of the noncentral t with noncentrality `shift`.

    Where the series does not converge (large shifts) by the normal approximation of Johnson and Welch 1940, which is
    good to three digits there.
    """
    found = float(special.nctdtr(df, shift, t))
    if found == found:
        return found
    return normal_cdf((t * (1.0 - 0.25 / df) - shift) / (1.0 + 0.5 * t * t / df) ** 0.5)


def beta_quantile(p: float, a: float, b: float) -> float:
    """x with P(B <= x) = p of the Beta(a, b) distribution."""
    return float(special.betaincinv(a, b, p))


def chi_square_tail(x: float, df: float) -> float:
    """P(X >= x) of the chi-square distribution."""
    return float(special.chdtrc(df, x))


def log_beta(a: float, b: float) -> float:
    """Logarithm of the beta function."""
    return float(special.betaln(a, b))


def binomial_pmf(n: int, p: float) -> Array:
    """P(K = k) for k = 0…n."""
    k = np.arange(n + 1, dtype=np.float64)
    logs = special.xlogy(k, p) + special.xlog1py(n - k, -p) + log_choose(np.full_like(k, n), k)
    return np.asarray(np.exp(logs), dtype=np.float64)


def log_choose(n: Any, k: Any) -> Array:
    """Logarithm of the number of ways to choose `k` of `n`, element by element."""
    return np.asarray(special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0))
