"""Rule L202: the value of the next state is added without a mask for terminal states."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source, Term
from lifesigns.lints.value.td_sums import made_of
from lifesigns.rules import Likelihood

ENDS = {Role.DONE, Role.TERMINATED, Role.MASK, Role.TRUNCATED}
NEXT = {Role.VALUE, Role.TARGET}


class BootstrapWithoutMask(LintRule):
    """A target adds γ times the next state's value in terminal states as well.

    What it detects
    ---------------
    `target = reward + gamma * next_value` with no `1 - terminated` among the factors.

    Why it matters
    --------------
    A terminal state has no future: with its value added, ends cost and pay nothing, and values drift upwards.

    How it decides
    --------------
    A sum of a reward and a product of a discount and something computed from a next observation, none of whose factors
    or what they are computed from is an end of an episode, one minus something or a choice; in a file that has such an
    end somewhere. A table read at the next state is left out: a terminal state is never updated and keeps its zero.

    When it is wrong
    ----------------
    Tasks that never end, or where ends are masked in what the value function returns.

    What to do
    ----------
    Multiply the next value by `1 - terminated`.

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), section 6.1.
    """

    code = "L202"
    since = "0.2"
    severity = "warning"
    looks_at = ("gamma", "discount", "discount_factor", "GAMMA")
    causes = {"terminal-state-bootstrapped": Likelihood(0.4, source="judgement")}
    false_alarm = Likelihood(0.01, source="judgement; see benchmarks/lint")
    wrong = {
        "dqn": """
            gamma = 0.99
            states, actions, rewards, next_states, dones = buffer.sample(32)
            with torch.no_grad():
                target = rewards + gamma * target_net(next_states).max(1)[0]
            loss = F.mse_loss(net(states).gather(1, actions), target)
            """,
        "td(0)": """
            def update(self, obs, reward, next_obs, terminated):
                next_value = self.critic(next_obs)
                target = reward + self.gamma * next_value
                return (target - self.critic(obs)) ** 2
            """,
    }
    right = {
        "masked": "target = rewards + gamma * (1 - dones) * q(next_states)",
        "masked before": """
            next_values = q(next_states)
            next_values[dones] = 0.0
            target = rewards + gamma * next_values
            """,
        "masked before, under other names": """
            q1_ = self.target_critic_1(next_states, target_actions)
            q2_ = self.target_critic_2(next_states, target_actions)
            q1_[done] = 0.0
            q2_[done] = 0.0
            critic_value_ = torch.min(q1_.view(-1), q2_.view(-1))
            target = reward + self.gamma * critic_value_
            """,
        "one minus a flag of any name": """
            def learn(self, obs, action, r, next_obs, dw):
                return r + self.gamma * (1 - dw) * self.critic(next_obs)
            done, dw = True, False
            """,
        "a table": """
            def update(self, Q, state, action, reward, next_state):
                target = reward + gamma * np.max(Q[next_state])
                Q[state][action] += alpha * (target - Q[state][action])
            done = terminated or truncated
            """,
        "no next state, no value": """
            def update(self, reward, done, next_state=None):
                future = self.net(next_state).max() if next_state is not None else 0
                return reward + gamma * future
            """,
        "masked after": """
            target = rewards + gamma * q(next_states).max(1)[0]
            target = torch.where(dones, rewards, target)
            """,
        "chosen by a branch": """
            if done:
                target = reward
            else:
                target = reward + gamma * q(next_state).max()
            """,
        "returns": "for r in reversed(rewards):\n    R = r + gamma * R\n    returns.insert(0, R)\ndone = True",
        "a sum that runs on": """
            def trace(self, rewards, next_obs, done):
                Q = 0.0 if done else self.value(next_obs)
                for r in reversed(rewards):
                    Q = r + self.gamma * Q
            """,
        "no ends in sight": "target = rewards + gamma * q(next_states)",
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the sum."""
        if not source.mentions(*ENDS):
            return
        for node in source.nodes(ast.BinOp):
            assert isinstance(node, ast.BinOp)
            if not isinstance(node.op, ast.Add) or isinstance(source.parent(node), ast.BinOp):
                continue
            parts = source.terms(node, follow=False)
            rewards = [t for t in parts if any(source.role(f.node) is Role.REWARD for f in t.factors)]
            futures = [t for t in parts if t not in rewards and _is_future(source, t)]
            if rewards and len(futures) == 1 and not (_runs_on(source, node) or _masked(source, node, futures[0])):
                yield self.at(
                    futures[0].node, "the next state's value is added in terminal states too: no mask in sight"
                )


def _runs_on(source: Source, node: ast.BinOp) -> bool:
    """`R = r + gamma * R`: a sum that carries itself on, from a last value set before."""
    at = source.parent(node)
    names = {t.id for t in at.targets if isinstance(t, ast.Name)} if isinstance(at, ast.Assign) else set()
    return any(isinstance(n, ast.Name) and n.id in names for n in ast.walk(node))


def _is_future(source: Source, term: Term) -> bool:
    found = [source.role(f.node) for f in term.factors]
    if Role.DISCOUNT not in found or any(r in ENDS for r in found):
        return False
    others = [f.node for f, r in zip(term.factors, found, strict=True) if r is not Role.DISCOUNT]
    if any(_complement(source, f) for f in others):
        return False
    return any(source.role(n) is Role.NEXT_OBSERVATION for f in others for n in _given(source, f))


def _complement(source: Source, node: ast.expr) -> bool:
    """`1 - x` of something that is no number, `~x`, `not x`: a mask, whatever it is called."""
    made = source.value(node) or node
    if isinstance(made, ast.UnaryOp):
        return isinstance(made.op, ast.Invert | ast.Not)
    if not isinstance(made, ast.BinOp) or not isinstance(made.op, ast.Sub):
        return False
    one = isinstance(made.left, ast.Constant) and made.left.value == 1
    return one and source.number(made.right) is None


def _given(source: Source, node: ast.expr, most: int = 120) -> Iterator[ast.AST]:
    """What an expression is computed from; what only says where a table is read is none of it."""
    todo: list[ast.AST] = [node]
    seen: set[ast.AST] = set()
    while todo and len(seen) < most:
        one = todo.pop(0)
        if one in seen:
            continue
        seen.add(one)
        yield one
        if isinstance(one, ast.Name | ast.Attribute | ast.Subscript):
            todo += [b.value for b in source.bindings(one) if b.value is not None]
        if isinstance(one, ast.Call) and (target := source.function(one)) is not None and target[0] is source:
            todo += target[1].returns
        index = one.slice if isinstance(one, ast.Subscript) else None
        todo += [c for c in ast.iter_child_nodes(one) if isinstance(c, ast.expr | ast.keyword) and c is not index]


def _masked(source: Source, node: ast.AST, term: Term) -> bool:
    """An end or a choice upstream, a branch on an end around, or a masked assignment to what is added or to the sum."""
    parts = [n for f in term.factors for n in made_of(source, f.node)]
    if any(source.role(n) in ENDS for n in parts if isinstance(n, ast.expr)):
        return True
    if any(isinstance(n, ast.IfExp) and _of_none(n.test) for n in parts):
        return True
    for at in source.parents(node):
        test = at.test if isinstance(at, ast.If | ast.IfExp | ast.While) else None
        if test is not None and (_of_none(test) or any(source.role(n) in ENDS for n in ast.walk(test))):
            return True
    near = {n.id for f in term.factors for n in ast.walk(f.node) if isinstance(n, ast.Name)}
    far = {n.id for n in parts if isinstance(n, ast.Name)} | _set_by(source, node)
    stores = [n for n in source.nodes(ast.Subscript) if isinstance(n, ast.Subscript) and isinstance(n.ctx, ast.Store)]
    for one in stores:
        name = one.value.id if isinstance(one.value, ast.Name) else ""
        if name in near or (name in far and source.role(one.slice) in ENDS):
            return True
    return any(_chosen(source, call, _set_by(source, node)) for call in source.calls("torch.where", "numpy.where"))


def _of_none(test: ast.expr) -> bool:
    sides = test.comparators if isinstance(test, ast.Compare) else []
    return any(isinstance(c, ast.Constant) and c.value is None for c in sides)


def _set_by(source: Source, node: ast.AST) -> set[str]:
    """Names that the statement of a sum sets."""
    at = source.statement(node)
    return {t.id for t in at.targets if isinstance(t, ast.Name)} if isinstance(at, ast.Assign) else set()


def _chosen(source: Source, call: ast.Call, names: set[str]) -> bool:
    """`torch.where(dones, rewards, target)` of a name among these."""
    return (
        len(call.args) == 3
        and any(isinstance(n, ast.Name) and n.id in names for a in call.args[1:] for n in ast.walk(a))
        and any(source.role(n) in ENDS for n in ast.walk(call.args[0]))
    )
