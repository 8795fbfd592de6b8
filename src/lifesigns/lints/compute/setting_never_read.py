"""Rule L807: a setting that should shape the training is declared and never read."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood

SHAPES = re.compile(
    r"(?:\w+_)?gamma|discount(?:_factor)?|(?:gae_)?(?:lambda|lam|lmbda)|(?:ent|entropy|vf|value|clip|kl)_(?:coef|coeff|"
    r"range|eps|epsilon|param|loss_coef)|eps_clip|tau|polyak|lr|(?:\w+_)?learning_rate|weight_decay|momentum|"
    r"(?:\w+_)?dropout|label_smoothing|eps(?:ilon)?_(?:decay|end|final|min|start|steps)|(?:end|start|final|min)_"
    r"eps(?:ilon)?|exploration_\w+|(?:max_)?grad_(?:norm|clip)|batch_size|buffer_size|n_?steps?|(?:update_)?epochs|"
    r"target_(?:update|network)_(?:freq\w*|interval|every|rate)|learning_starts|warmup_steps|\w*noise(?:_\w+)?|seed|"
    r"reward_scale|frame_(?:skip|stack)|action_repeat"
)
"""names of settings that change what is learned; assumed."""
HARMLESS = frozenset(
    {"vars", "print", "str", "repr", "asdict", "dumps", "dump", "pformat", "pprint", "add_text", "init", "isinstance"}
)
"""calls that are given all settings to show or keep them."""
PARSERS = frozenset({"parse_args", "parse_known_args", "cli", "parse", "parse_args_into_dataclasses"})


class SettingNeverRead(LintRule):
    """A setting of the learning rule is declared and nothing reads it: the run does not do what its settings say.

    What it detects
    ---------------
    `parser.add_argument("--gamma", ...)`, or a field `gae_lambda: float = 0.95` of the settings, or a constant
    `EPS_DECAY = 200` at the top of a script, that occurs nowhere else.

    Why it matters
    --------------
    The discount is 1, exploration never ends, a library's default applies; whoever tunes the setting tunes nothing.

    How it decides
    --------------
    The name is one of those that shape training; the file parses the settings itself; no attribute, text or keyword of
    that name is read in it or in the local modules that it imports; and the settings are not handed as a whole to a
    function that could not be read.

    When it is wrong
    ----------------
    The name is put together at run time.

    What to do
    ----------
    Use it where it was meant, or remove it.

    References
    ----------
    Henderson et al., Deep Reinforcement Learning that Matters (2018), on unreported settings.
    """

    code = "L807"
    since = "0.2"
    severity = "warning"
    looks_at = ("add_argument", "dataclass", "backward", "learn")
    causes = {
        "discounting-differs": Likelihood(0.1, source="judgement"),
        "exploration-wrong": Likelihood(0.1, source="judgement"),
        "seed-ignored": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement; see benchmarks/lint")
    wrong = {
        "argument": """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--gamma", type=float, default=0.99)
            parser.add_argument("--lr", type=float, default=0.1)
            args = parser.parse_args()
            opt = optim.Adam(net.parameters(), lr=args.lr)
            target = rewards + (1 - dones) * next_q
            """,
        "field": """
            from dataclasses import dataclass
            @dataclass
            class Args:
                lr: float = 1e-3
                gae_lambda: float = 0.95
            args = Args()
            opt = optim.Adam(net.parameters(), lr=args.lr)
            """,
        "constant": """
            EPS_START, LR = 1.0, 0.1
            EPS_DECAY = 200
            opt = optim.Adam(net.parameters(), lr=LR)
            if random.random() < EPS_START:
                action = 0
            loss.backward()
            """,
    }
    right = {
        "read": """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--gamma", type=float, default=0.99)
            args = parser.parse_args()
            target = rewards + args.gamma * (1 - dones) * next_q
            """,
        "handed on": """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--gamma", type=float, default=0.99)
            args = parser.parse_args()
            agent = make_agent(args)
            """,
        "by name": """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--gamma", type=float, default=0.99)
            args = parser.parse_args()
            value = getattr(args, "gamma")
            """,
        "splat": """
            from dataclasses import dataclass
            @dataclass
            class Args:
                gamma: float = 0.99
            agent = Agent(**vars(Args()))
            """,
        "settings for others": """
            import argparse
            def get_args():
                parser = argparse.ArgumentParser()
                parser.add_argument("--gamma", type=float, default=0.99)
                args = parser.parse_args()
                return args
            """,
        "options for others": """
            def add_options(parser):
                parser.add_argument("--gamma", type=float, default=0.99)
                return parser
            """,
        "not of the learning": """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--verbose", action="store_true")
            args = parser.parse_args()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the declaration."""
        unread = [(name, node) for name, node in _declared(source) if not _is_read(source, name)]
        if unread and _parsed_here(source) and not _handed_on(source):
            for name, node in unread:
                yield self.at(node, f"the setting `{name}` is declared and never read")
        if "backward" in source.index.calls:
            for name, node in _constants(source):
                yield self.at(node, f"`{name}` is set and never read")


def _declared(source: Source) -> Iterator[tuple[str, ast.AST]]:
    for call in source.index.calls.get("add_argument", ()):
        flags = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        names = [f.lstrip("-").replace("-", "_") for f in flags if f.startswith("--") or not f.startswith("-")]
        given = source.argument(call, -1, "dest")
        if isinstance(given, ast.Constant):
            names = [str(given.value)]
        if names and SHAPES.fullmatch(names[0]):
            yield names[0], call
    for node in source.nodes(ast.ClassDef):
        assert isinstance(node, ast.ClassDef)
        decorators = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
        if any((source.name(d) or "").endswith("dataclass") for d in decorators):
            fields = [s for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.value, ast.Constant)]
            for one in fields:
                if isinstance(one.target, ast.Name) and SHAPES.fullmatch(one.target.id):
                    yield one.target.id, one


def _is_read(source: Source, name: str) -> bool:
    if _mentions(source, name):
        return True
    for full in dict.fromkeys(source.imports.values()):
        parts = full.split(".")
        for cut in range(len(parts), 0, -1):
            other = source.project.module(source, ".".join(parts[:cut]))
            if other is not None:
                if other is not source and _mentions(other, name):
                    return True
                break
    return False


def _mentions(source: Source, name: str) -> bool:
    at = source.index
    read = any(isinstance(n.ctx, ast.Load) for n in at.attributes.get(name, ()))
    return read or name in at.strings or (name.isupper() and name in at.names)


def _parsed_here(source: Source) -> bool:
    """Whether the file makes its settings, and not only describes them for others."""
    return any(True for _ in _whole(source))


def _whole(source: Source) -> Iterator[ast.expr]:
    """Calls that give all settings: `parser.parse_args()`, `tyro.cli(Args)`, `Args()`, and of functions that do."""
    held = {n.name for n in source.nodes(ast.ClassDef) if isinstance(n, ast.ClassDef) and n.decorator_list}
    for tail in (*PARSERS, *held, "cls"):
        for call in source.index.calls.get(tail, ()):
            scope = source.enclosing_function(call)
            inside = scope is not None and isinstance(source.statement(call), ast.Return)
            if scope is None or not inside:
                yield call
            else:
                yield from source.callers(scope)
                name = scope.name
                yield from (c for c in source.index.calls.get(name, ()) if name not in PARSERS)


def _handed_on(source: Source) -> bool:
    """Whether all settings go, as one object, to something that may read any of them."""
    for call in _whole(source):
        at = source.parent(call)
        if not isinstance(at, ast.Assign | ast.AnnAssign):
            if not isinstance(at, ast.Expr | ast.Attribute | ast.Return) and not _shows(source, call):
                return True
            continue
        target = at.targets[0] if isinstance(at, ast.Assign) else at.target
        name = dotted(target)
        if name is None:
            return True
        last = name.rpartition(".")[2]
        reads: list[ast.AST] = [*source.index.names.get(last, ())]
        reads += [n for n in source.index.attributes.get(last, ()) if isinstance(n.ctx, ast.Load)]
        if any(not _plain(source, r) for r in reads):
            return True
    return False


def _plain(source: Source, read: ast.AST) -> bool:
    at = source.parent(read)
    if isinstance(at, ast.Return):
        scope = source.enclosing_function(at)
        return scope is None or bool(source.callers(scope))  # else whoever calls it elsewhere may read any of them
    if isinstance(at, ast.Attribute | ast.FormattedValue):
        return True
    if isinstance(at, ast.Assign):
        return True
    if isinstance(at, ast.keyword):
        at = source.parent(at)
    if isinstance(at, ast.Call) and at.func is not read:
        return _shows(source, read) or source.function(at) is not None
    return False


def _shows(source: Source, node: ast.AST) -> bool:
    """Whether the call around only shows or keeps the settings; with `**` it hands them on."""
    call = source.parent(node)
    if isinstance(call, ast.keyword):
        if call.arg is None:
            return False
        call = source.parent(call)
    if not isinstance(call, ast.Call):
        return False
    tail = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if tail == "vars" or tail == "asdict":
        outer = source.parent(call)
        return not (isinstance(outer, ast.keyword) and outer.arg is None)
    return tail in HARMLESS


def _constants(source: Source) -> Iterator[tuple[str, ast.AST]]:
    """Constants in capitals at the top of a script that nothing here reads."""
    for name, held in source.index.module.bindings.items():
        if not name.isupper() or not SHAPES.fullmatch(name.lower()) or len(held) != 1 or held[0].how != "assign":
            continue
        if source.number(held[0].value) is not None and not source.uses(held[0]) and not _mentions(source, name):
            yield name, held[0].node
