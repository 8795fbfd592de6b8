"""Rule L706: one of the script's generators takes its seed from the operating system."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.seed.settings import has_seed_setting
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood

UNSEEDED = ("numpy.random.default_rng", "numpy.random.RandomState", "torch.seed", "random.seed", "numpy.random.seed",
            "random.Random")  # fmt: skip
ASIDE = ("eval", "test", "valid", "demo", "plot", "render", "video", "uuid", "name")


class SeedLeftToChance(LintRule):
    """The script takes a seed, and makes a generator without one.

    What it detects
    ---------------
    `np.random.default_rng()`, `torch.seed()` or `random.seed()` without an argument, in a script with a setting `seed`;
    a `torch.Generator()` that nothing seeds and that a split or a loader draws from.

    Why it matters
    --------------
    No run can be repeated, although all look as if they could: two runs with one seed differ.

    How it decides
    --------------
    The call has no argument; the file has an argument `--seed`, or a field `seed` of its settings, that it reads.
    Functions named after evaluation are left out.

    When it is wrong
    ----------------
    What is drawn from it does not touch training, such as the name of a folder.

    What to do
    ----------
    Pass the setting: `np.random.default_rng(args.seed)`.

    References
    ----------
    PyTorch documentation, Reproducibility.
    """

    code = "L706"
    since = "0.2"
    severity = "warning"
    looks_at = ("default_rng", "RandomState", "seed", "Generator", "Random")
    causes = {"not-reproducible": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "numpy": """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--seed", type=int, default=1)
            args = parser.parse_args()
            torch.manual_seed(args.seed)
            rng = np.random.default_rng()
            """,
        "no argument": """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--seed", type=int, default=1)
            args = parser.parse_args()
            torch.manual_seed(args.seed)
            random.seed()
            """,
    }
    right = {
        "seeded": """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--seed", type=int, default=1)
            args = parser.parse_args()
            rng = np.random.default_rng(args.seed)
            """,
        "no setting": "rng = np.random.default_rng()\nnet = nn.Linear(4, 2)",
        "evaluation": """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--seed", type=int, default=1)
            args = parser.parse_args()
            torch.manual_seed(args.seed)
            def evaluate():
                return np.random.default_rng().normal()
            """,
        "seeded afterwards": """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--seed", type=int, default=1)
            args = parser.parse_args()
            generator = torch.Generator()
            generator.manual_seed(args.seed)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the call."""
        if not has_seed_setting(source):
            return
        for call in source.calls(*UNSEEDED, "torch.Generator"):
            scope = source.enclosing_function(call)
            name = scope.qualname.lower() if scope is not None else ""
            if any(w in name for w in ASIDE):
                continue
            if source.name(call.func) == "torch.Generator":
                if isinstance(source.parent(call), ast.Attribute) or "manual_seed" in _methods(source):
                    continue
            elif call.args or call.keywords:
                continue
            text = source.unparse(call, 40)
            yield self.at(call, f"`{text}` takes its seed from the operating system, although the script has a setting")


def _methods(source: Source) -> set[str]:
    """Methods that the file calls on something that is no module."""
    return {
        c.func.attr
        for c in source.method_calls("manual_seed")
        if isinstance(c.func, ast.Attribute) and source.name(c.func) is None
    }
