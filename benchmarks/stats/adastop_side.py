"""Decisions of AdaStop on saved scores, in AdaStop's own environment; no part of lifesigns is imported here.

`python adastop_side.py SCORES.npz OUT.json PERMUTATIONS`; each array of SCORES.npz is [simulation, arm, look, run]. For
each simulation: the decision and the look at which it came, once of AdaStop as it is and once with the absolute values
of the permuted statistic in place of the signed ones.
"""

import json
import sys
from importlib.metadata import version

import numpy as np
from adastop import MultipleAgentsComparator


class Absolute(MultipleAgentsComparator):
    """Compares the size of the observed difference with the sizes of the permuted ones."""

    def compute_mean_diffs(self, k, Z):
        return {pair: np.abs(found) for pair, found in super().compute_mean_diffs(k, Z).items()}


def decided(kind, scores, permutations, seed):
    """(decision, look) of one simulation, scores [arm, look, run]."""
    _, looks, runs = scores.shape
    test = kind(n=runs, K=looks, B=permutations, alpha=0.05, seed=seed)
    for look in range(1, looks + 1):
        test.partial_compare({"a": scores[0, :look].ravel(), "b": scores[1, :look].ravel()}, verbose=False)
        if test.is_finished:
            break
    (decision,) = test.decisions.values()
    return decision, look


def main():
    scores_file, out, permutations = sys.argv[1:]
    found = {"version": version("adastop"), "cases": {}}
    for name, cases in np.load(scores_file).items():
        found["cases"][name] = {
            kind.__name__: [decided(kind, s, int(permutations), i) for i, s in enumerate(cases)]
            for kind in (MultipleAgentsComparator, Absolute)
        }
    with open(out, "w") as file:
        json.dump(found, file)


if __name__ == "__main__":
    main()
