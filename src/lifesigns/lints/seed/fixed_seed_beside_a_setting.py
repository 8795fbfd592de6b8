"""Rule L703: A generator is seeded with a constant although the script has a seed setting."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.seed.settings import has_seed_setting
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood

SEEDERS = ("torch.manual_seed", "numpy.random.seed", "random.seed")


class FixedSeedBesideASetting(LintRule):
    """The script takes a seed and gives a generator a constant: that part of the run is the same for all seeds.

    What it detects
    ---------------
    `torch.manual_seed(0)` in a script with `--seed`, or in the constructor of a network.

    Why it matters
    --------------
    Runs under different seeds share initial weights or episodes: the spread between them is understated.

    How it decides
    --------------
    `torch.manual_seed`, `np.random.seed` or `random.seed` with a literal in a file that reads a setting `seed` of
    a parser or dataclass of its own, outside functions whose names say evaluation or test, with that setting given
    to no call of the same function; or with a literal in the `__init__` of a module.

    When it is wrong
    ----------------
    Weights that shall be alike, to compare other sources of chance.

    What to do
    ----------
    Seed it with the setting, once, at the start.

    References
    ----------
    Henderson et al., Deep Reinforcement Learning that Matters (2018).

    """

    code = "L703"
    since = "0.2"
    severity = "warning"
    looks_at = (
        "manual_seed",
        "seed",
    )
    causes = {
        "seed-ignored": Likelihood(0.2, source="judgement"),
    }
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "setting unused here": """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--seed", type=int, default=1)
            args = parser.parse_args()
            np.random.seed(args.seed)
            torch.manual_seed(0)
            """,
        "of the environment": """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--seed", type=int, default=1)
            args = parser.parse_args()
            torch.manual_seed(args.seed)
            env = gym.make("CartPole-v1")
            obs, _ = env.reset(seed=0)
            obs, reward, terminated, truncated, _ = env.step(0)
            """,
        "in a module": """
            class Net(nn.Module):
                def __init__(self):
                    super().__init__()
                    torch.manual_seed(0)
                    self.layer = nn.Linear(4, 2)
            """,
    }
    right = {
        "setting": """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--seed", type=int, default=1)
            args = parser.parse_args()
            torch.manual_seed(args.seed)
            """,
        "no setting": "torch.manual_seed(0)\nnet = nn.Linear(4, 2)",
        "evaluation": """
            import argparse
            parser = argparse.ArgumentParser()
            parser.add_argument("--seed", type=int, default=1)
            args = parser.parse_args()
            torch.manual_seed(args.seed)
            def evaluate():
                torch.manual_seed(0)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the call."""
        calls = source.calls(*SEEDERS)
        has_setting = has_seed_setting(source)
        given = {source.name(c.func) for c in calls if c.args and not isinstance(c.args[0], ast.Constant)}
        for call in calls:
            if len(call.args) != 1 or not isinstance(call.args[0], ast.Constant):
                continue
            scope = source.enclosing_function(call)
            name = scope.qualname.lower() if scope is not None else ""
            if _is_aside(name):
                continue
            if scope is not None and scope.name == "__init__" and scope.parent in _modules(source):
                yield self.at(call, "each network made starts from the same weights, whatever the script's seed")
            elif has_setting and source.name(call.func) not in given:
                yield self.at(call, "a constant, although the script has a setting `seed`")
        resets = [(c, s) for c in source.env_resets() if (s := source.argument(c, -1, "seed")) is not None]
        if not has_setting or any(not isinstance(s, ast.Constant) for _, s in resets):
            return
        for call, seed in resets:
            scope = source.enclosing_function(call)
            aside = scope is not None and (scope.name in ("reset", "step") or _is_aside(scope.qualname.lower()))
            if isinstance(seed, ast.Constant) and isinstance(seed.value, int) and not aside:
                yield self.at(call, "the environment's seed is a constant, although the script has a setting `seed`")


def _is_aside(name: str) -> bool:
    return any(w in name for w in ("eval", "test", "valid", "demo", "plot"))


def _modules(source: Source) -> list[object]:
    return [info.scope for info in source.classes("torch.nn.Module")]
