"""Rule L219: a column of numbers, (N, 1), meets a row, (N,), and becomes a square."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.columns import Form, form
from lifesigns.rules import Likelihood

LOSSES = ("mse_loss", "smooth_l1_loss", "huber_loss", "l1_loss", "binary_cross_entropy", "gaussian_nll_loss")
PER_ROW = frozenset(
    {
        Role.REWARD, Role.VALUE, Role.TARGET, Role.RETURN, Role.ADVANTAGE, Role.LOG_PROBABILITY, Role.DONE,
        Role.TERMINATED, Role.MASK, Role.RATIO, Role.ENTROPY,
    }
)  # fmt: skip
"""roles of what has one number for each row of a batch."""


class ColumnAgainstRow(LintRule):
    """Values of shape (N, 1) are subtracted from, or compared with, targets of shape (N,): the result is (N, N).

    What it detects
    ---------------
    `F.mse_loss(q_net(obs).gather(1, actions.unsqueeze(1)), target)` with a `target` of one axis;
    `rewards + gamma * next_values` with rewards (N,) and values (N, 1).

    Why it matters
    --------------
    Every prediction is pulled towards every target of the batch, that is, towards their mean. The loss falls and looks
    healthy; the values carry next to nothing of the state.

    How it decides
    --------------
    Columns are known from linear layers with one output, `gather` with a column, `unsqueeze(1)`, `view(-1, 1)`,
    `keepdim=True`; rows from `squeeze`, `view(-1)`, `max(dim=1)` of a network's output, storage of shape (n,) that is
    indexed by a batch, and `zip(*batch)`. Both sides of a loss, or of arithmetic with values, rewards and the like,
    must be known.

    When it is wrong
    ----------------
    A square that is meant: each with each other.

    What to do
    ----------
    Bring both to one shape: `.squeeze(-1)` on the values, or `.unsqueeze(-1)` on the targets.

    References
    ----------
    PyTorch documentation, Broadcasting semantics.
    """

    code = "L219"
    since = "0.2"
    severity = "warning"
    looks_at = ("unsqueeze", "gather", "Linear", "view", "reshape", "ReplayBuffer", "RolloutBuffer", "keepdim")
    causes = {"shapes-broadcast": Likelihood(0.3, source="judgement")}
    false_alarm = Likelihood(0.005, source="judgement; see benchmarks/lint")
    wrong = {
        "gathered": """
            net, target_net = nn.Linear(4, 2), nn.Linear(4, 2)
            states, actions, rewards, next_states = buffer.sample(32)
            target = rewards + 0.9 * target_net(next_states).max(dim=1)[0]
            q = net(states).gather(1, actions.unsqueeze(1))
            loss = F.mse_loss(q, target)
            """,
        "rewards of a list": """
            critic = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
            states, actions, rewards, next_states, dones = zip(*random.sample(memory, 32))
            rewards = torch.tensor(rewards, dtype=torch.float32)
            target = rewards + gamma * critic(torch.stack(next_states))
            """,
        "stored": """
            class Buffer:
                def __init__(self, size):
                    self.rewards = np.zeros(size)
                def sample(self, n):
                    ids = np.random.randint(0, self.full, size=n)
                    return self.states[ids], torch.as_tensor(self.rewards[ids])
            critic = nn.Linear(4, 1)
            buffer = Buffer(1000)
            states, rewards = buffer.sample(32)
            values = critic(states)
            advantage = rewards - values
            """,
        "stable-baselines3": """
            from stable_baselines3.common.buffers import ReplayBuffer
            rb = ReplayBuffer(1000, space, actions)
            target_net = nn.Linear(4, 2)
            data = rb.sample(32)
            best, _ = target_net(data.next_observations).max(dim=1)
            target = data.rewards + gamma * best
            """,
    }
    right = {
        "squeezed": """
            net, target_net = nn.Linear(4, 2), nn.Linear(4, 2)
            target = rewards + 0.9 * target_net(next_states).max(dim=1)[0]
            q = net(states).gather(1, actions.unsqueeze(1)).squeeze(1)
            loss = F.mse_loss(q, target)
            """,
        "all columns": """
            net, target_net = nn.Linear(4, 2), nn.Linear(4, 2)
            rewards = torch.tensor(rewards).unsqueeze(1)
            target = rewards + 0.9 * target_net(next_states).max(1, keepdim=True)[0]
            q = net(states).gather(1, actions.unsqueeze(1))
            loss = F.mse_loss(q, target)
            """,
        "one state": """
            critic = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
            advantage = reward + gamma * critic(next_state) - critic(state)
            loss = -dist.log_prob(action).sum(-1) * advantage
            """,
        "stored as columns": """
            states, actions, rewards, next_states, dones = zip(*random.sample(memory, 32))
            memory.append((state, action, [reward], next_state, [done]))
            critic = nn.Linear(4, 1)
            target = torch.tensor(rewards) + gamma * critic(torch.stack(next_states))
            """,
        "each with each": "gaps = x.view(-1, 1) - x.view(-1)",
        "flattened": """
            from stable_baselines3.common.buffers import ReplayBuffer
            rb = ReplayBuffer(1000, space, actions)
            target_net = nn.Linear(4, 2)
            data = rb.sample(32)
            best, _ = target_net(data.next_observations).max(dim=1)
            target = data.rewards.flatten() + gamma * best
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the loss or the sum."""
        for op in source.ops(*LOSSES):
            left, right = form(source, op.input), form(source, op.arg(1, "target"))
            if _clash(left, right):
                yield self.at(op.node, _said(source, op.input, left, op.arg(1, "target")))
        for node in source.nodes(ast.BinOp):
            assert isinstance(node, ast.BinOp)
            if not isinstance(node.op, ast.Add | ast.Sub | ast.Mult) or _square_meant(node):
                continue
            left = form(source, node.left)
            if left is None or left.kind == "number":
                continue
            if _clash(left, form(source, node.right)) and (_per_row(source, node.left) or _per_row(source, node.right)):
                yield self.at(node, _said(source, node.left, left, node.right))


def _clash(left: Form | None, right: Form | None) -> bool:
    if left is None or right is None or {left.kind, right.kind} != {"row", "column"}:
        return False
    return left.sure or right.sure


def _square_meant(node: ast.BinOp) -> bool:
    """Whether a side gets its new axis right here: `x[:, None] - y`."""
    for side in (node.left, node.right):
        if isinstance(side, ast.Subscript) and isinstance(side.slice, ast.Tuple):
            return True
        if isinstance(side, ast.Call) and isinstance(side.func, ast.Attribute) and side.func.attr == "unsqueeze":
            return True
    return False


def _per_row(source: Source, node: ast.expr) -> bool:
    """Whether a value, reward or the like is in it."""
    return any(source.role(n) in PER_ROW for n in (node, *ast.walk(node)) if isinstance(n, ast.expr))


def _said(source: Source, first: ast.AST | None, left: Form | None, second: ast.AST | None) -> str:
    column, row = (first, second) if left is not None and left.kind == "column" else (second, first)
    texts = [source.unparse(n, 40) if n is not None else "?" for n in (column, row)]
    return f"`{texts[0]}` is a column, (N, 1), and `{texts[1]}` a row, (N,): together (N, N)"
