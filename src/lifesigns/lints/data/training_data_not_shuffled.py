"""Rule L603: the training data are not shuffled."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood

ORDERED = frozenset({"sampler", "batch_sampler", "worker_init_fn"})


class TrainingDataNotShuffled(LintRule):
    """The training loader goes through the examples in the same order in each epoch.

    What it detects
    ---------------
    `train_loader = DataLoader(TensorDataset(...), batch_size=64)` without `shuffle=True` and without a sampler.

    Why it matters
    --------------
    Data sets are often sorted by class or by source. Batches of one class pull the network to and fro; batch
    normalisation sees one class at a time.

    How it decides
    --------------
    The loader's name says training, neither argument is given (or `shuffle=False`), and its set is a `TensorDataset`
    or a set of torchvision; for those nothing has been shuffled before.

    When it is wrong
    ----------------
    The tensors were shuffled when the set was made, or order matters (sequences with a state that is carried over).

    What to do
    ----------
    `shuffle=True` for training, never needed for evaluation.

    References
    ----------
    Bengio, Practical recommendations for gradient-based training of deep architectures (2012), section 3.1.
    """

    code = "L603"
    since = "0.2"
    severity = "warning"
    looks_at = ("DataLoader",)
    causes = {"optimizer-loop-wrong": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "tensors": """
            from torch.utils.data import TensorDataset
            train_loader = DataLoader(TensorDataset(x, y), batch_size=32)
            """,
        "torchvision": """
            from torchvision import datasets
            train_set = datasets.MNIST("data", train=True)
            train_loader = torch.utils.data.DataLoader(train_set, batch_size=64, shuffle=False)
            """,
    }
    right = {
        "shuffled": """
            from torch.utils.data import TensorDataset
            train_loader = DataLoader(TensorDataset(x, y), batch_size=32, shuffle=True)
            test_loader = DataLoader(TensorDataset(a, b))
            """,
        "sampler": """
            from torch.utils.data import TensorDataset
            train_loader = DataLoader(TensorDataset(x, y), batch_size=32, sampler=sampler)
            """,
        "shuffled before": """
            from torch.utils.data import TensorDataset
            order = torch.randperm(len(x))
            train_loader = DataLoader(TensorDataset(x[order], y[order]), batch_size=32)
            """,
        "unknown set": "train_loader = DataLoader(train_set, batch_size=32)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the loader."""
        if not source.words.isdisjoint({"randperm", "permutation", "train_test_split", "random_split"}):
            return
        for call in source.calls("torch.utils.data.DataLoader"):
            at = source.parent(call)
            name = dotted(at.targets[0]) if isinstance(at, ast.Assign) and len(at.targets) == 1 else None
            if name is None or "train" not in name.rpartition(".")[2].lower() or len(call.args) > 2 or not call.args:
                continue
            if any(k.arg is None or k.arg in ORDERED for k in call.keywords):
                continue
            flag = source.argument(call, 2, "shuffle")
            off = flag is None or (isinstance(flag, ast.Constant) and flag.value is False)
            kind = source.kind(call.args[0]) or ""
            if off and (kind == "torch.utils.data.TensorDataset" or kind.startswith("torchvision.datasets.")):
                yield self.at(call, f"`{name}` gives the examples in the same order in each epoch")
