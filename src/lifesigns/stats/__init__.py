"""Pure functions on scores [run, task] and curves [run, step]; randomness is an argument.

The public names can be had from here (`from lifesigns.stats import iqm, bootstrap_interval`); each is imported from its
module when it is first used, since most of them need scipy and the detectors, which need none, share this package.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lifesigns.stats.aggregates import aggregate, iqm, mean, median, optimality_gap
    from lifesigns.stats.bootstrap import aggregate_intervals, bootstrap_interval, difference_interval
    from lifesigns.stats.curves import aligned, area_under_curve, curve_band, final_scores, smoothed
    from lifesigns.stats.equivalence import equivalence_test
    from lifesigns.stats.evalues import sign_evalues, success_evalues
    from lifesigns.stats.improvement import improvement_interval, probability_of_improvement
    from lifesigns.stats.interval import Band, Interval, Significance
    from lifesigns.stats.multiplicity import adjusted
    from lifesigns.stats.normalised import frames_to_hours, human_normalised, normalised
    from lifesigns.stats.paired import paired_interval, paired_t_test, paired_test, pairing, same_seed_test
    from lifesigns.stats.permutation import least_p, permutation_test, sign_flip_test
    from lifesigns.stats.pilots import bootstrap_power, seeds_from_pilots
    from lifesigns.stats.power import fisher_power, seeds_for_effect, seeds_for_rates, student_power
    from lifesigns.stats.profiles import even_thresholds, performance_profile, profile_band
    from lifesigns.stats.selection import expected_best, opposite_share, split_honesty, winners_curse
    from lifesigns.stats.sequential import sequential_plan, sequential_test
    from lifesigns.stats.spanning import spanning_interval
    from lifesigns.stats.spread import (
        bimodality_coefficient,
        cvar,
        failure_share,
        quantile_interval,
        tolerance_interval,
        two_groups,
    )
    from lifesigns.stats.success import (
        failure_bound,
        fisher_test,
        rate_difference_interval,
        runs_without_failure,
        success_interval,
    )
    from lifesigns.stats.survival import kaplan_meier, log_rank_test, restricted_mean, steps_to_threshold
    from lifesigns.stats.two_sample import (
        brunner_munzel_test,
        distribution_test,
        effect_size,
        mean_difference_interval,
        mean_interval,
        rank_test,
        student_test,
        welch_test,
    )
    from lifesigns.stats.within_run import (
        dispersion_across,
        dispersion_within,
        drawdown,
        end_below_peak,
        long_term_risk,
        risk_across,
        short_term_risk,
    )

PLACES = {
    "aggregates": ("aggregate", "iqm", "mean", "median", "optimality_gap"),
    "bootstrap": ("aggregate_intervals", "bootstrap_interval", "difference_interval"),
    "curves": ("aligned", "area_under_curve", "curve_band", "final_scores", "smoothed"),
    "equivalence": ("equivalence_test",),
    "evalues": ("sign_evalues", "success_evalues"),
    "improvement": ("improvement_interval", "probability_of_improvement"),
    "interval": ("Band", "Interval", "Significance"),
    "multiplicity": ("adjusted",),
    "normalised": ("frames_to_hours", "human_normalised", "normalised"),
    "paired": ("paired_interval", "paired_t_test", "paired_test", "pairing", "same_seed_test"),
    "permutation": ("least_p", "permutation_test", "sign_flip_test"),
    "pilots": ("bootstrap_power", "seeds_from_pilots"),
    "power": ("fisher_power", "seeds_for_effect", "seeds_for_rates", "student_power"),
    "profiles": ("even_thresholds", "performance_profile", "profile_band"),
    "selection": ("expected_best", "opposite_share", "split_honesty", "winners_curse"),
    "sequential": ("sequential_plan", "sequential_test"),
    "spanning": ("spanning_interval",),
    "spread": (
        "bimodality_coefficient",
        "cvar",
        "failure_share",
        "quantile_interval",
        "tolerance_interval",
        "two_groups",
    ),
    "success": (
        "failure_bound",
        "fisher_test",
        "rate_difference_interval",
        "runs_without_failure",
        "success_interval",
    ),
    "survival": ("kaplan_meier", "log_rank_test", "restricted_mean", "steps_to_threshold"),
    "two_sample": (
        "brunner_munzel_test",
        "distribution_test",
        "effect_size",
        "mean_difference_interval",
        "mean_interval",
        "rank_test",
        "student_test",
        "welch_test",
    ),
    "within_run": (
        "dispersion_across",
        "dispersion_within",
        "drawdown",
        "end_below_peak",
        "long_term_risk",
        "risk_across",
        "short_term_risk",
    ),
}
"""Module → public names in it; a test compares it with the imports above."""
WHERE = {name: module for module, names in PLACES.items() for name in names}

__all__ = [
    "Band",
    "Interval",
    "Significance",
    "adjusted",
    "aggregate",
    "aggregate_intervals",
    "aligned",
    "area_under_curve",
    "bimodality_coefficient",
    "bootstrap_interval",
    "bootstrap_power",
    "brunner_munzel_test",
    "curve_band",
    "cvar",
    "difference_interval",
    "dispersion_across",
    "dispersion_within",
    "distribution_test",
    "drawdown",
    "effect_size",
    "end_below_peak",
    "equivalence_test",
    "even_thresholds",
    "expected_best",
    "failure_bound",
    "failure_share",
    "final_scores",
    "fisher_power",
    "fisher_test",
    "frames_to_hours",
    "human_normalised",
    "improvement_interval",
    "iqm",
    "kaplan_meier",
    "least_p",
    "log_rank_test",
    "long_term_risk",
    "mean",
    "mean_difference_interval",
    "mean_interval",
    "median",
    "normalised",
    "opposite_share",
    "optimality_gap",
    "paired_interval",
    "paired_t_test",
    "paired_test",
    "pairing",
    "performance_profile",
    "permutation_test",
    "probability_of_improvement",
    "profile_band",
    "quantile_interval",
    "rank_test",
    "rate_difference_interval",
    "restricted_mean",
    "risk_across",
    "runs_without_failure",
    "same_seed_test",
    "seeds_for_effect",
    "seeds_for_rates",
    "seeds_from_pilots",
    "sequential_plan",
    "sequential_test",
    "short_term_risk",
    "sign_evalues",
    "sign_flip_test",
    "smoothed",
    "spanning_interval",
    "split_honesty",
    "steps_to_threshold",
    "student_power",
    "student_test",
    "success_evalues",
    "success_interval",
    "tolerance_interval",
    "two_groups",
    "welch_test",
    "winners_curse",
]


def __getattr__(name: str) -> Any:
    """The public name, from its module."""
    if name not in WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{WHERE[name]}"), name)
