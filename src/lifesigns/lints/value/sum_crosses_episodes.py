"""Rule L220: a sum over later steps runs on into the next episode."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Binding, Source
from lifesigns.lints.source.loops import same_block
from lifesigns.lints.source.role_names import role_of_name
from lifesigns.lints.source.tree import Scope
from lifesigns.lints.value.backward_loops import ENDS, BackwardSum, backward_sums, is_end, knows_ends, runs_backward
from lifesigns.rules import Likelihood


class SumCrossesEpisodes(LintRule):
    """A running sum of returns or advantages has no mask, while the value of the next state in it has one.

    What it detects
    ---------------
    `last = delta + gamma * lam * last` in a loop from the last step to the first, where `delta` is masked at the ends
    of episodes, or where the function is given those ends and does not read them.

    Why it matters
    --------------
    A rollout holds several episodes. Without the mask, the first rewards of the next one are credited to the last
    actions of the one before: a fall is praised for the restart.

    How it decides
    --------------
    The sum carries itself on, times a discount. Neither what is carried nor a condition or assignment in the loop has a
    flag of an end in it; the terms of the present step have, or a parameter named as such a flag is never read.

    When it is wrong
    ----------------
    A rollout that never holds more than one episode, with a mask for its last step alone.

    What to do
    ----------
    Multiply what is carried on by `1 - done` of the same step as in `delta`.

    References
    ----------
    Schulman et al., High-Dimensional Continuous Control Using Generalized Advantage Estimation (2016), equation 16.
    """

    code = "L220"
    since = "0.2"
    severity = "warning"
    looks_at = ("gamma", "discount", "discount_factor", "GAMMA")
    causes = {"credit-crosses-episodes": Likelihood(0.3, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "one half": """
            def gae(rewards, values, dones, gamma, lam):
                last = 0
                for t in reversed(range(len(rewards))):
                    delta = rewards[t] + gamma * values[t + 1] * (1 - dones[t]) - values[t]
                    last = delta + gamma * lam * last
                    advantages[t] = last
                return advantages
            """,
        "two targets": """
            for t in reversed(range(T)):
                delta = rewards[t] + gamma * values[t + 1] * (1 - dones[t]) - values[t]
                advantages[t] = last = delta + gamma * lam * last
            """,
        "beforehand": """
            deltas = rewards + gamma * next_values * (1.0 - terminated) - values
            for t in range(T - 1, -1, -1):
                last = deltas[t] + gamma * 0.95 * last
                advantages[t] = last
            """,
        "lambda-return": """
            for t in reversed(range(T)):
                alive = 1.0 - dones[t + 1]
                returns[t] = rewards[t] + gamma * (lam * returns[t + 1] + (1 - lam) * values[t + 1] * alive)
            """,
        "never read": """
            def discounted(rewards, dones, gamma):
                out, running = [], 0.0
                for r in reversed(rewards):
                    running = r + gamma * running
                    out.insert(0, running)
                return out
            """,
    }
    right = {
        "both": """
            for t in reversed(range(T)):
                mask = 1 - dones[t]
                delta = rewards[t] + gamma * values[t + 1] * mask - values[t]
                last = delta + gamma * lam * mask * last
            """,
        "lambda-return": """
            for t in reversed(range(T)):
                alive = 1.0 - dones[t + 1]
                returns[t] = rewards[t] + gamma * (lam * returns[t + 1] + (1 - lam) * values[t + 1]) * alive
            """,
        "by a branch": """
            for t in reversed(range(T)):
                if dones[t]:
                    last = 0.0
                delta = rewards[t] + gamma * values[t + 1] * (1 - dones[t]) - values[t]
                last = delta + gamma * lam * last
            """,
        "one episode": """
            while not done:
                obs, reward, terminated, truncated, _ = env.step(action)
                done = terminated or truncated
            for r in reversed(rewards):
                R = r + gamma * R
            """,
        "masked afterwards": """
            for t in reversed(range(T)):
                delta = rewards[t] + gamma * values[t + 1] * (1 - dones[t]) - values[t]
                last = delta + gamma * lam * last
                last = last * (1 - dones[t])
            """,
        "rollouts that end with the episode": """
            class Agent(nn.Module):
                def learn(self):
                    s, r, s_next, mask = self.batch()
                    delta = r + gamma * self.v(s_next) * mask - self.v(s)
                    advantage = 0.0
                    for d in delta.detach().numpy()[::-1]:
                        advantage = gamma * lam * advantage + d[0]
                        advantages.append(advantage)
                def batch(self):
                    masks = [0 if done else 1 for done in self.dones]
                    return s, r, s_next, masks
            def main():
                env, agent = gym.make("CartPole-v1"), Agent()
                for episode in range(1000):
                    s, _ = env.reset()
                    done = False
                    while not done:
                        for t in range(20):
                            s, r, done, truncated, info = env.step(agent.act(s))
                            agent.put(s, r, done)
                            if done or truncated:
                                break
                        agent.learn()
            """,
        "one that is called an episode": """
            def add_advantages(episode, gamma, lam):
                adv = 0.0
                for step in reversed(episode):
                    delta = step["reward"] + gamma * step["nonterminal"] * step["next_value"] - step["value"]
                    adv = delta + gamma * lam * adv
            """,
        "through another": """
            def returns(rewards, dones, gamma):
                for t in reversed(range(len(rewards))):
                    R = rewards[t] + gamma * R * f(dones, t)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the sum."""
        for loop in source.nodes(ast.For):
            assert isinstance(loop, ast.For)
            for half in _half_masked(source, loop) if runs_backward(source, loop.iter) else ():
                yield self.at(half, "of the sum carried on and the value of the next state, one alone is masked")
        for held in backward_sums(source):
            scope = source.enclosing_function(held.loop)
            if (unread := _unread_end(source, scope)) is not None:
                text = f"`{unread.name}` is given to this function, which sums over steps, and never read"
                yield self.at(held.binding.statement, text)
            elif not _masked(source, held) and any(_has_end(source, f.node) for t in held.now for f in t.factors):
                if _of_one_episode(source, scope):
                    continue
                text = "the value of the next state is masked at ends and the sum over later steps is not"
                yield self.at(held.binding.statement, text)


def _of_one_episode(source: Source, scope: Scope | None) -> bool:
    """Whether every call of the function follows a loop of environment steps that is left where an episode ends, so
    that no rollout holds parts of two (`for t in range(20): …; if done: break`, then `learn()`)."""
    calls = source.callers(scope) if scope is not None else []
    played = [loops[0] for step in source.env_steps() if (loops := source.loops(step.call))]
    if not calls or not played or not all(_left_at_end(source, loop) for loop in played):
        return False
    return all(any(same_block(source, loop, call) and source.before(loop, call) for loop in played) for call in calls)


def _left_at_end(source: Source, loop: ast.AST) -> bool:
    if isinstance(loop, ast.While) and any(is_end(source, n) for n in ast.walk(loop.test)):
        return True
    branches = [n for n in ast.walk(loop) if isinstance(n, ast.If) and any(isinstance(b, ast.Break) for b in n.body)]
    return any(is_end(source, n) for branch in branches for n in ast.walk(branch.test))


def _half_masked(source: Source, loop: ast.For) -> Iterable[ast.AST]:
    """`x[t] = r[t] + gamma * (lam * x[t + 1] + (1 - lam) * v[t + 1] * mask)`: the sum in brackets, if so."""
    for node in ast.walk(loop):
        target = node.targets[0] if isinstance(node, ast.Assign) else None
        if not isinstance(node, ast.Assign) or not isinstance(target, ast.Subscript):
            continue
        name = ast.dump(target.value).replace("Store()", "Load()")
        for inner in ast.walk(node.value):
            if not isinstance(inner, ast.BinOp) or not isinstance(inner.op, ast.Add):
                continue
            around = source.parent(inner)
            sides = (inner.left, inner.right)
            carried = [
                any(isinstance(n, ast.Subscript) and ast.dump(n.value) == name for n in ast.walk(s)) for s in sides
            ]
            masked = [any(is_end(source, n) for n in ast.walk(s)) for s in sides]
            if not isinstance(around, ast.BinOp) or not isinstance(around.op, ast.Mult):
                continue
            outside = any(is_end(source, n) for n in (around.left, around.right) if n is not inner)
            if not outside and carried.count(True) == 1 and masked.count(True) == 1:
                yield inner


def _has_end(source: Source, node: ast.AST) -> bool:
    """Whether a flag goes into it, also through the assignment of elements (`deltas[t]`)."""
    if knows_ends(source, node):
        return True
    return isinstance(node, ast.Subscript) and knows_ends(source, node.value)


def _masked(source: Source, held: BackwardSum) -> bool:
    name = held.binding.name
    others = [f.node for f in held.carried.factors if not (isinstance(f.node, ast.Name) and f.node.id == name)]
    if any(knows_ends(source, n) for n in others):
        return True
    for node in ast.walk(held.loop):
        if isinstance(node, ast.If | ast.IfExp | ast.While) and any(is_end(source, n) for n in ast.walk(node.test)):
            return True
        if isinstance(node, ast.Call) and any(
            is_end(source, n) for a in (*node.args, *node.keywords) for n in ast.walk(a)
        ) and any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(node)):  # fmt: skip
            return True
        bound = source.index.bound.get(node) if isinstance(node, ast.Name | ast.Subscript) else None
        if bound is not None and bound is not held.binding and bound.name.split("[")[0] == name:
            return True
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and (
            isinstance(node.value, ast.Name) and node.value.id == name
        ):  # fmt: skip
            return True
    return False


def _unread_end(source: Source, scope: Scope | None) -> Binding | None:
    for name, held in (scope.bindings if scope is not None else {}).items():
        if len(held) == 1 and held[0].how == "param" and role_of_name(name) in ENDS and not source.uses(held[0]):
            return held[0]
    return None
