"""Rule L201: `terminated or truncated` masks a bootstrap."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.calling import bound_argument
from lifesigns.lints.source.role_names import last_part
from lifesigns.lints.source.tree import dotted
from lifesigns.lints.value.td_sums import is_merged, td_sums
from lifesigns.rules import Likelihood

STORES = ("add", "push", "store", "append", "put", "remember", "store_transition", "add_transition", "insert", "record")
FLAGS = (Role.TERMINATED, Role.TRUNCATED)


class TimeLimitMasksBootstrap(LintRule):
    """The end by time limit takes the future out of a target, as if the task had ended there.

    What it detects
    ---------------
    `buffer.add(obs, action, reward, next_obs, terminated or truncated)`, or `r + gamma * (1 - done) * V(next_obs)`
    with a `done` that is either flag.

    Why it matters
    --------------
    At a time limit the task goes on, only the recording stops. Targets without a future there tell the agent that
    a good state is worth nothing, for no reason that the observation shows.

    How it decides
    --------------
    An `or` of the two flags of a five-valued `env.step` (through names) is stored beside a reward and a next
    observation, or is a factor of the discounted term of a sum with a reward, or chooses 0 over a network's value.
    Where a flag is stored or used apart, it is silent.

    When it is wrong
    ----------------
    The time left is part of the observation, or the limit belongs to the task.

    What to do
    ----------
    Store `terminated` and mask by it alone; use `terminated or truncated` for the reset only.

    References
    ----------
    Pardo et al., Time Limits in Reinforcement Learning (2018).

    """

    code = "L201"
    since = "0.2"
    severity = "warning"
    looks_at = ("step",)
    causes = {
        "time-limit-treated-as-terminal": Likelihood(0.4, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement; see benchmarks/lint")
    wrong = {
        "stored": """
            obs, reward, terminated, truncated, info = env.step(action)
            buffer.add(prev, action, reward, obs, terminated or truncated)
            """,
        "in a tuple, through a name": """
            next_obs, reward, terminated, truncated, _ = env.step(action)
            done = terminated or truncated
            memory.append((obs, action, reward, next_obs, done))
            """,
        "under another name": """
            for t in range(128):
                next_obs, reward, terminated, truncated, _ = envs.step(action)
                done = terminated | truncated
                terminations[t] = torch.as_tensor(done)
            """,
        "masked": """
            next_obs, reward, terminated, truncated, _ = env.step(action)
            done = float(terminated or truncated)
            target = reward + gamma * (1 - done) * critic(next_obs)
            """,
    }
    right = {
        "named as either": """
            for t in range(128):
                next_obs, reward, terminated, truncated, _ = envs.step(action)
                dones[t] = torch.as_tensor(terminated | truncated)
                terminations[t] = torch.as_tensor(terminated)
            """,
        "terminated alone": """
            next_obs, reward, terminated, truncated, _ = env.step(action)
            buffer.add(obs, action, reward, next_obs, terminated)
            done = terminated or truncated
            """,
        "both": """
            next_obs, reward, terminated, truncated, _ = env.step(action)
            buffer.add(obs, action, reward, next_obs, terminated, terminated or truncated)
            """,
        "old interface": "next_obs, reward, done, info = env.step(a)\nbuffer.add(obs, a, reward, next_obs, done)",
        "time limits made up for elsewhere": """
            next_obs, reward, terminated, truncated, _ = envs.step(action)
            done = terminated | truncated
            reward = reward + gamma * (truncated & ~terminated) * critic(final_obs)
            target = reward + gamma * (1 - done) * critic(next_obs)
            """,
        "episode ends": """
            next_obs, reward, terminated, truncated, _ = env.step(action)
            rollout.append((obs, action, reward, terminated or truncated))
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the flag."""
        steps = [s for s in source.env_steps() if s.width == 5]
        if not steps:
            return
        stored = [(c, one) for c in source.method_calls(*STORES) for one in _flags_stored(source, c)]
        for call, one in stored:
            if not any(_hands_on(source, outer, call, one) for outer, _ in stored):
                yield self.at(one, "an end by time limit is stored as a termination: its future is left out")
        apart = any(not _in_either(source, u) for s in steps if s.truncated for u in source.uses(s.truncated))
        for held in () if apart else td_sums(source):
            for factor in (f for t in held.futures for f in t.factors):
                if source.role(factor.node) is Role.MASK and is_merged(source, factor.node):
                    yield self.at(factor.node, "an end by time limit takes the future out of the target")
        yield from self._misnamed(source)
        for node in source.nodes(ast.IfExp):
            assert isinstance(node, ast.IfExp)
            if source.number(node.body) == 0 and _is_either(source, node.test) and _is_value(source, node.orelse):
                yield self.at(node.test, "the value at an end by time limit is replaced by 0")

    def _misnamed(self, source: Source) -> Iterable[Spot]:
        """Storage, and parameters of functions, that say terminated and are given either flag."""
        text = "an end by time limit goes where the name says termination"
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            target = node.targets[0]
            if isinstance(target, ast.Subscript) and _says_terminated(target.value) and _merged(source, node.value):
                yield self.at(node.value, text)
        for call in source.method_calls("append"):
            held = source.receiver(call)
            if held is not None and call.args and _says_terminated(held) and _merged(source, call.args[0]):
                yield self.at(call.args[0], text)
        for scope in source.functions():
            names = [n for n, b in scope.bindings.items() if b[0].how == "param" and _named_terminated(n)]
            for call in source.callers(scope) if names and not re.search("log|print|eval|test", scope.name) else ():
                for given in (g for n in names if (g := bound_argument(call, scope, n)) is not None):
                    if _merged(source, given):
                        yield self.at(given, text)


def _flags_stored(source: Source, call: ast.Call) -> Iterable[ast.expr]:
    """The merged flags that a call stores beside a reward and a next observation."""
    given = [*call.args, *(k.value for k in call.keywords)]
    if len(given) == 1 and isinstance(given[0], ast.Tuple | ast.List):
        given = given[0].elts
    roles = [source.role(g) for g in given]
    if Role.REWARD not in roles or Role.NEXT_OBSERVATION not in roles or any(r in FLAGS for r in roles):
        return
    for one, role in zip(given, roles, strict=True):
        if role in (Role.DONE, Role.MASK) and is_merged(source, one):
            yield one


def _hands_on(source: Source, outer: ast.Call, call: ast.Call, flag: ast.expr) -> bool:
    """Whether a call runs the function that stores its own parameter: `memory.push(…, done)` and what `push` does."""
    target = source.function(outer)
    if outer is call or target is None or target[1] is not source.enclosing_function(call):
        return False
    return isinstance(flag, ast.Name) and all(b.how == "param" for b in source.bindings(flag))


def _says_terminated(node: ast.AST) -> bool:
    name = dotted(node)
    return name is not None and _named_terminated(name)


def _named_terminated(name: str) -> bool:
    return bool(re.match(r"(?:\w+_)?terminat(?:ed|ions?)(?:_buf|_buffer)?$", last_part(name)))


def _merged(source: Source, node: ast.expr) -> bool:
    return source.role(node) in (Role.DONE, Role.UNKNOWN) and is_merged(source, node)


def _in_either(source: Source, read: ast.AST) -> bool:
    """Whether the flag is read as one side of an `or` (of arrays: `|`, `logical_or`) or as a condition."""
    at = source.parent(read)
    if isinstance(at, ast.Call):
        return (source.name(at.func) or "").endswith("logical_or")
    return isinstance(at, ast.BoolOp | ast.If | ast.While) or (
        isinstance(at, ast.BinOp) and isinstance(at.op, ast.BitOr)
    )


def _is_either(source: Source, test: ast.expr) -> bool:
    return isinstance(test, ast.BoolOp | ast.Name) and is_merged(source, test)


def _is_value(source: Source, node: ast.expr) -> bool:
    return any(
        isinstance(n, ast.Call) and isinstance(n.func, ast.Name | ast.Attribute) and source.role(n.func) is Role.VALUE
        for n in source.upstream(node, 40)
    ) or (source.role(node) is Role.VALUE)
