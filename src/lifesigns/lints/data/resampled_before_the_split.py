"""Rule L605: examples are resampled or augmented before the split."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source, position
from lifesigns.rules import Likelihood

SPLITS = ("sklearn.model_selection.train_test_split", "torch.utils.data.random_split")
COPIES = ("augment", "oversample", "upsample", "smote")


class ResampledBeforeTheSplit(LintRule):
    """Copies of one example end up on both sides of the split.

    What it detects
    ---------------
    `fit_resample` (SMOTE, random oversampling) or a function with `augment` in its name, followed by a random split of
    what it returns.

    Why it matters
    --------------
    A copy in the training set tells the label of its twin in the test set. Scores of 99 % on hard problems often come
    from this.

    How it decides
    --------------
    The data given to the split are followed back to such a call.

    When it is wrong
    ----------------
    The function only undersamples, or returns one changed version of each example.

    What to do
    ----------
    Split first, resample or augment the training part only.

    References
    ----------
    imbalanced-learn documentation, Common pitfalls: Data leakage.
    """

    code = "L605"
    since = "0.2"
    severity = "warning"
    looks_at = ("train_test_split", "random_split")
    causes = {"validation-leak": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.004, source="judgement; see benchmarks/lint")
    wrong = {
        "resampled": """
            from imblearn.over_sampling import SMOTE
            from sklearn.model_selection import train_test_split
            X, y = SMOTE().fit_resample(X, y)
            a, b, c, d = train_test_split(X, y)
            """,
        "augmented": """
            from sklearn.model_selection import train_test_split
            images, labels = augment_images(images, labels, copies=5)
            a, b, c, d = train_test_split(np.array(images), labels)
            """,
    }
    right = {
        "split first": """
            from imblearn.over_sampling import SMOTE
            from sklearn.model_selection import train_test_split
            a, b, c, d = train_test_split(X, y)
            a, c = SMOTE().fit_resample(a, c)
            """,
        "undersampled": """
            from imblearn.under_sampling import RandomUnderSampler
            from sklearn.model_selection import train_test_split
            X, y = RandomUnderSampler().fit_resample(X, y)
            a, b, c, d = train_test_split(X, y)
            """,
        "a flag": """
            from torch.utils.data import random_split
            data = Pictures(root, augment=True)
            train, test = random_split(data, [0.8, 0.2])
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the resampling."""
        for split in source.calls(*SPLITS):
            for given in split.args[:1]:
                for node in source.upstream(given, 150):
                    if isinstance(node, ast.Call) and _copies(source, node) and position(node) < position(split):
                        line = position(split)[0]
                        yield self.at(node, f"copies made here are dealt out to both sides of the split in line {line}")


def _copies(source: Source, call: ast.Call) -> bool:
    func = call.func
    tail = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    if tail == "fit_resample" and isinstance(func, ast.Attribute):
        kind = source.kind(func.value) or ""
        return "over_sampling" in kind or "combine" in kind
    return tail[:1].islower() and any(w in tail.lower() for w in COPIES)
