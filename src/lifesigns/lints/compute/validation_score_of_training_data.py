"""Rule L808: what is called a validation score is computed on the training data."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.role_names import last_part
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood

SCORE = re.compile(
    r"(?:val|valid|validation|test|eval|held_?out)_(?:\w+_)?(?:acc|accuracy|loss|score|f1|auc|error|mae|rmse|mse|ppl|"
    r"perplexity|metrics?|return|reward)s?$"
)
TRAIN = re.compile(
    r"(?:x_|y_|X_)?train(?:ing)?(?:_(?:loader|dataloader|dl|set|ds|dataset|data|x|y|iter|batches|split))?$"
)
HELD_OUT = re.compile(r"(?:^|_)(?:val|valid|validation|test|eval|dev|held_?out)(?:_|$|loader|set)")


class ValidationScoreOfTrainingData(LintRule):
    """A score named after validation or test is computed from the training data alone.

    What it detects
    ---------------
    `val_acc = evaluate(model, train_loader)`.

    Why it matters
    --------------
    The score says how well the network remembers. It cannot show that nothing general was learned.

    How it decides
    --------------
    By names: every target of the assignment says validation, test or evaluation and a metric; among the arguments of
    the call is one that says training data, and none says held-out data.

    When it is wrong
    ----------------
    The variable called training data holds another split by then.

    What to do
    ----------
    Evaluate on data that were not trained on.

    References
    ----------
    Kapoor and Narayanan, Leakage and the reproducibility crisis in machine-learning-based science (2023).
    """

    code = "L808"
    since = "0.2"
    severity = "warning"
    looks_at = ("train_loader", "train_dataloader", "train_dl", "train_set", "train_dataset", "train_data", "x_train",
                "X_train", "train_x", "train_ds", "train_iter", "train")  # fmt: skip
    causes = {"evaluation-misleads": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "function": "val_acc = evaluate(model, train_loader)",
        "two": "test_loss, test_acc = run_epoch(net, train_dataloader, train=False)",
    }
    right = {
        "held out": "val_acc = evaluate(model, val_loader)\ntrain_acc = evaluate(model, train_loader)",
        "both given": "test_score = fit_and_score(model, X_train, X_test)",
        "training score": "train_acc = evaluate(model, train_loader)",
        "a split": "val_set = hold_out(train_set, 0.1)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the argument."""
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            target, call = node.targets[0], node.value
            names = [dotted(e) or "" for e in (target.elts if isinstance(target, ast.Tuple) else [target])]
            if not isinstance(call, ast.Call) or not all(SCORE.match(last_part(n)) for n in names):
                continue
            given = [*call.args, *(k.value for k in call.keywords)]
            said = [last_part(dotted(g) or "") for g in given]
            training = [g for g, s in zip(given, said, strict=True) if TRAIN.match(s)]
            if training and not any(HELD_OUT.search(s) for s in said):
                yield self.at(training[0], f"`{names[0]}` is computed on the training data")
