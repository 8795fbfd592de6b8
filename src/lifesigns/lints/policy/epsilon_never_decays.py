"""Rule L111: ε is computed anew in each turn of the loop, from values that never change."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.role_names import last_part
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood

EPSILON = re.compile(r"(?:self\.)?(?:eps|epsilon|eps_threshold|exploration_rate|explore_rate)$")
LEFT_OVER = 0.5
"""share of ε's range that is left at the end of a loop of known length, from which the schedule counts as broken."""


class EpsilonNeverDecays(LintRule):
    """The exploration rate has a schedule that leaves it where it started.

    What it detects
    ---------------
    `epsilon = max(EPS_END, EPS_START * EPS_DECAY)` in the loop, where none of the three changes; a factor per step that
    is applied per episode: `epsilon *= 0.9999` in a loop of 500 episodes.

    Why it matters
    --------------
    The agent acts at random to the end of the run; its return says nothing of what it has learned.

    How it decides
    --------------
    A name that says ε is set inside a loop, and no name in its new value is set in that loop. Or it is multiplied by a
    known factor in a loop over a known `range`, outside inner loops, from a known start, and more than half of it is
    left at the end.

    When it is wrong
    ----------------
    A function that is called with other arguments, or a loop that is entered many times.

    What to do
    ----------
    `epsilon = max(EPS_END, epsilon * EPS_DECAY)`, once per step that the schedule counts.

    References
    ----------
    Mnih et al., Human-level control through deep reinforcement learning (2015), extended data table 1.
    """

    code = "L111"
    since = "0.2"
    severity = "warning"
    looks_at = ("eps", "epsilon", "eps_threshold", "exploration_rate", "explore_rate")
    causes = {"exploration-wrong": Likelihood(0.1, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "from the start": """
            START, END, DECAY = 1.0, 0.05, 0.99
            for episode in range(500):
                epsilon = max(END, START * DECAY)
                if random.random() < epsilon:
                    action = 0
            """,
        "per episode": """
            epsilon = 1.0
            for episode in range(500):
                while not done:
                    action = 0 if random.random() < epsilon else 1
                    done = step(action)
                epsilon *= 0.9999
            """,
    }
    right = {
        "from itself": """
            epsilon = 1.0
            for episode in range(500):
                epsilon = max(0.05, epsilon * 0.99)
                if random.random() < epsilon:
                    action = 0
            """,
        "of the step": """
            for step in range(500):
                epsilon = max(0.05, 1 - step / 200)
                if random.random() < epsilon:
                    action = 0
            """,
        "a schedule": """
            for step in range(500):
                epsilon = schedule.value()
                if random.random() < epsilon:
                    action = 0
            """,
        "per step": """
            epsilon = 1.0
            for step in range(100_000):
                action = 0 if random.random() < epsilon else 1
                epsilon *= 0.9999
            """,
        "numerical": "for x in rows:\n    eps = 1e-8\n    y = x / (x.std() + eps)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the assignment."""
        for node in (*source.nodes(ast.Assign), *source.nodes(ast.AugAssign)):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target  # pyright: ignore
            name = dotted(target)
            around = source.loops(node)
            if name is None or not around or not EPSILON.match(name) or not _explores(source, name):
                continue
            value = node.value  # pyright: ignore
            if isinstance(node, ast.AugAssign):
                left = _left(source, node, name, around)
                if left is not None and left > LEFT_OVER:
                    yield self.at(node, f"after all turns of this loop, {left:.0%} of `{name}` are left")
            elif isinstance(value, ast.BinOp | ast.Call) and _never_changes(source, value, around):
                yield self.at(node, f"`{name}` is the same in each turn: nothing in its value changes in the loop")


def _explores(source: Source, name: str) -> bool:
    """Whether it is compared with a random number."""
    for node in source.nodes(ast.Compare):
        assert isinstance(node, ast.Compare)
        sides = (node.left, *node.comparators)
        drawn = any(isinstance(s, ast.Call) and "rand" in source.unparse(s.func) for s in sides)
        if any(last_part(dotted(s) or "") == last_part(name) for s in sides) and (
            drawn or any("rand" in source.unparse(source.value(s) or s) or dotted(s) == "sample" for s in sides)
        ):
            return True
    return False


def _never_changes(source: Source, value: ast.expr, around: list[ast.AST]) -> bool:
    """Whether everything in a value is a number, or a name that no loop around sets."""
    for one in ast.walk(value):
        if isinstance(one, ast.Call):
            if source.name(one.func) not in ("max", "min", "float", "numpy.exp", "math.exp", "numpy.maximum"):
                return False
        elif isinstance(one, ast.Subscript | ast.NamedExpr | ast.Lambda):
            return False
        elif isinstance(one, ast.Name | ast.Attribute) and isinstance(one.ctx, ast.Load):
            if source.name(one) is not None or isinstance(source.parent(one), ast.Attribute):
                continue
            held = source.bindings(one)
            if not held and isinstance(one, ast.Attribute) and source.number(one) is not None:
                continue
            if not held or any(b.how == "param" or any(p in around for p in source.parents(b.node)) for b in held):
                return False
            if any(b.how == "augment" or source.enclosing_function(b.node) is not source.enclosing_function(one)
                   for b in held) and isinstance(one, ast.Attribute):  # fmt: skip
                return False
    return True


def _left(source: Source, node: ast.AugAssign, name: str, around: list[ast.AST]) -> float | None:
    """What is left of ε after the one loop around, if all numbers are known."""
    loop = around[0]
    factor = source.number(node.value)
    held = [b for b in source.scope(node).bindings.get(name, []) if b.statement is not node]
    if len(around) != 1 or not isinstance(loop, ast.For) or not isinstance(node.op, ast.Mult) or len(held) != 1:
        return None
    turns = loop.iter
    if not isinstance(turns, ast.Call) or source.name(turns.func) != "range" or not turns.args or factor is None:
        return None
    count = source.number(turns.args[-1] if len(turns.args) < 3 else None)
    start = source.number(held[0].value)
    if count is None or start is None or not 0 < factor < 1 or not 0 < start <= 1 or count < 1:
        return None
    return factor**count
