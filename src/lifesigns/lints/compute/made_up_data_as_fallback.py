"""Rule L802: data that cannot be loaded are replaced by random or constant ones."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood

RANDOM = frozenset(
    {
        "torch.rand", "torch.randn", "torch.randint", "numpy.random.rand", "numpy.random.randn", "numpy.random.randint",
        "numpy.random.normal", "numpy.random.random", "numpy.random.uniform", "random.random",
    }
)  # fmt: skip
BLANK = frozenset({"torch.zeros", "torch.ones", "numpy.zeros", "numpy.ones"})


class MadeUpDataAsFallback(LintRule):
    """Where loading fails, the run goes on with made-up data.

    What it detects
    ---------------
    `try: x = load(...)` with `except ...: x = np.random.rand(...)` (or `torch.zeros(...)`).

    Why it matters
    --------------
    A wrong path gives a full run with losses, curves and a result, none of which is about the data.

    How it decides
    --------------
    The handler assigns random numbers, or zeros and ones, to a name that the `try` assigns the result of a call to, and
    does not raise.

    When it is wrong
    ----------------
    An optional input that may be blank, or a demonstration that says so.

    What to do
    ----------
    Let the error through: it names the file that is missing.

    References
    ----------
    Sculley et al., Hidden Technical Debt in Machine Learning Systems (2015).
    """

    code = "L802"
    since = "0.2"
    severity = "warning"
    looks_at = ("rand", "randn", "randint", "normal", "uniform", "random", "zeros", "ones")
    causes = {"failure-hidden": Likelihood(0.15, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "random": """
            try:
                data = np.load(path)
            except FileNotFoundError:
                data = np.random.rand(1000, 8)
            """,
        "zeros": """
            def read(path):
                try:
                    rewards = torch.load(path)
                except Exception as e:
                    print(e)
                    rewards = torch.zeros(100)
                return rewards
            """,
        "several": """
            try:
                X, y = fetch(name)
            except OSError:
                X = np.random.normal(size=(500, 10))
                y = np.random.randint(0, 2, 500)
            """,
    }
    right = {
        "raised": """
            try:
                data = np.load(path)
            except FileNotFoundError:
                data = np.zeros(3)
                raise
            """,
        "another source": """
            noise = np.random.rand(3)
            try:
                data = np.load(path)
            except FileNotFoundError:
                data = download(path)
            """,
        "a seed": """
            try:
                seed = int(os.environ["SEED"])
            except KeyError:
                seed = np.random.randint(1000)
            """,
        "something else": """
            try:
                data = np.load(path)
            except FileNotFoundError:
                mean = np.zeros(3)
                data = fetch(path)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the replacement."""
        for node in source.nodes(ast.Try):
            assert isinstance(node, ast.Try)
            loaded = {name for s in node.body for name in _names(source, s)}
            for handler in node.handlers if loaded else ():
                if any(isinstance(n, ast.Raise) for n in ast.walk(handler)):
                    continue
                for statement in handler.body:
                    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
                        name = dotted(statement.targets[0])
                        if name in loaded and _made_up(source, statement.value):
                            yield self.at(statement, f"if loading fails, `{name}` is made up and the run goes on")


def _names(source: Source, statement: ast.stmt) -> Iterable[str]:
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call) and _loads(source, statement.value):
        for target in statement.targets:
            parts = target.elts if isinstance(target, ast.Tuple) else [target]
            yield from (n for p in parts if (n := dotted(p)) is not None)


def _loads(source: Source, call: ast.Call) -> bool:
    """A call that reads something in, by its name."""
    func = call.func
    tail = func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ""
    return any(w in tail.lower() for w in ("load", "read", "fetch", "download", "open", "get_data", "dataset"))


def _made_up(source: Source, call: ast.Call) -> bool:
    return bool(call.args or call.keywords) and source.name(call.func) in RANDOM | BLANK
