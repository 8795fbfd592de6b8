"""Rule L601: a scaler or a selector is fitted on all data before they are split."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source, position
from lifesigns.rules import Likelihood

FITTED = ("sklearn.preprocessing.", "sklearn.decomposition.", "sklearn.impute.", "sklearn.feature_selection.")
HARMLESS = (
    "LabelEncoder",
    "LabelBinarizer",
    "OneHotEncoder",
    "OrdinalEncoder",
    "Binarizer",
    "Normalizer",
    "PolynomialFeatures",
)
"""transformers that learn only which categories there are, or nothing."""


class FittedBeforeTheSplit(LintRule):
    """Statistics of the test data enter the training data: fitted on everything, split afterwards.

    What it detects
    ---------------
    `X = StandardScaler().fit_transform(X)` followed by `train_test_split(X, y)`.

    Why it matters
    --------------
    Means, components or selected features are learned from the test rows too. The test score is too high, by little
    for a scaler, by a lot for feature selection.

    How it decides
    --------------
    The data given to `train_test_split` are followed back to a `fit_transform` of a scikit-learn transformer that
    learns from values.

    When it is wrong
    ----------------
    The split is for tuning only and a test set was put aside before.

    What to do
    ----------
    Split first, then `fit_transform` on the training part and `transform` on the test part, or use a `Pipeline`.

    References
    ----------
    scikit-learn documentation, Common pitfalls: data leakage; Kapoor and Narayanan, Leakage and the reproducibility
    crisis (2023).
    """

    code = "L601"
    since = "0.2"
    severity = "warning"
    looks_at = ("train_test_split",)
    causes = {"validation-leak": Likelihood(0.3, source="judgement")}
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "scaler": """
            from sklearn.preprocessing import StandardScaler
            from sklearn.model_selection import train_test_split
            X = StandardScaler().fit_transform(X)
            a, b, c, d = train_test_split(X, y)
            """,
        "selector held in a name": """
            from sklearn.feature_selection import SelectKBest
            from sklearn.model_selection import train_test_split
            select = SelectKBest(k=10)
            chosen = select.fit_transform(data, labels)
            a, b, c, d = train_test_split(chosen, labels, random_state=0)
            """,
    }
    right = {
        "split first": """
            from sklearn.preprocessing import StandardScaler
            from sklearn.model_selection import train_test_split
            a, b, c, d = train_test_split(X, y)
            scaler = StandardScaler()
            a = scaler.fit_transform(a)
            b = scaler.transform(b)
            """,
        "labels encoded": """
            from sklearn.preprocessing import LabelEncoder
            from sklearn.model_selection import train_test_split
            y = LabelEncoder().fit_transform(y)
            a, b, c, d = train_test_split(X, y)
            """,
        "unknown transformer": """
            from sklearn.model_selection import train_test_split
            X = tokenizer.fit_transform(X)
            a, b, c, d = train_test_split(X, y)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the fit."""
        for split in source.calls("sklearn.model_selection.train_test_split"):
            for given in split.args:
                for node in source.upstream(given, 200):
                    if isinstance(node, ast.Call) and _fits(source, node):
                        line = position(split)[0]
                        yield self.at(node, f"fitted on all rows; they are split into training and test in line {line}")


def _fits(source: Source, call: ast.Call) -> bool:
    if not isinstance(call.func, ast.Attribute) or call.func.attr != "fit_transform":
        return False
    kind = source.kind(call.func.value) or ""
    return kind.startswith(FITTED) and not kind.endswith(HARMLESS)
