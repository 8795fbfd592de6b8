"""Rule L508: a recurrent policy's state runs on from one episode into the next."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import EnvStep, Role, Source
from lifesigns.lints.source.library import MODULE
from lifesigns.lints.source.role_names import last_part
from lifesigns.lints.source.tree import dotted
from lifesigns.rules import Likelihood

STATE = re.compile(
    r"(?:\w+_)?(?:hidden|hiddens|h|c|hx|cx|hc|lstm_state|rnn_state|memory|carry|recurrent_state)(?:_state)?s?$"
)
ENDS = (Role.DONE, Role.TERMINATED, Role.TRUNCATED, Role.MASK)


class HiddenStateSurvivesReset(LintRule):
    """The loop resets the environment, and nothing resets the state that the network carries along.

    What it detects
    ---------------
    `action, hidden = net(obs, hidden)` in a loop that calls `env.reset()`, with `hidden` set to zero before that loop
    alone.

    Why it matters
    --------------
    The first steps of each episode are decided by the memory of the last one. In the update, where states usually start
    at zero, the same steps get other actions.

    How it decides
    --------------
    In a loop that steps and resets one environment, a name that says hidden state goes into the call of a network and
    is set by its result; nothing else sets it in that loop, and no flag of an end goes into the call.

    When it is wrong
    ----------------
    The network is told of ends in another way; one episode is all there is.

    What to do
    ----------
    Set it to zeros where the environment is reset; multiply it by `1 - done` with several environments.

    References
    ----------
    Hausknecht and Stone, Deep Recurrent Q-Learning (2015).
    """

    code = "L508"
    since = "0.2"
    severity = "warning"
    looks_at = ("LSTM", "GRU", "RNN", "LSTMCell", "GRUCell", "RNNCell", "hidden", "lstm_state")
    causes = {"memory-crosses-episodes": Likelihood(0.2, source="judgement")}
    false_alarm = Likelihood(0.003, source="judgement; see benchmarks/lint")
    wrong = {
        "one loop": """
            cell = nn.GRUCell(4, 8)
            obs, _ = env.reset()
            hidden = torch.zeros(1, 8)
            for step in range(10000):
                hidden = cell(torch.as_tensor(obs)[None], hidden)
                obs, reward, terminated, truncated, _ = env.step(head(hidden).argmax())
                if terminated or truncated:
                    obs, _ = env.reset()
            """,
        "episodes": """
            class Net(nn.Module):
                def forward(self, x, h):
                    return self.gru(x, h)
            net, hidden = Net(), None
            for episode in range(500):
                obs, _ = env.reset()
                done = False
                while not done:
                    logits, hidden = net(obs, hidden)
                    obs, reward, terminated, truncated, _ = env.step(logits.argmax())
                    done = terminated or truncated
            """,
    }
    right = {
        "reset": """
            cell = nn.GRUCell(4, 8)
            for episode in range(500):
                obs, _ = env.reset()
                hidden = torch.zeros(1, 8)
                while not done:
                    hidden = cell(obs, hidden)
                    obs, reward, terminated, truncated, _ = env.step(head(hidden).argmax())
            """,
        "masked": """
            class Net(nn.Module):
                def forward(self, x, h, done):
                    return self.gru(x, h * (1 - done))
            net, lstm_state = Net(), None
            for step in range(500):
                logits, lstm_state = net(obs, lstm_state, done)
                obs, reward, terminated, truncated, _ = env.step(logits.argmax())
                done = terminated or truncated
                if done:
                    obs, _ = env.reset()
            """,
        "one episode": """
            cell = nn.GRUCell(4, 8)
            obs, _ = env.reset()
            hidden = torch.zeros(1, 8)
            while not done:
                hidden = cell(obs, hidden)
                obs, reward, terminated, truncated, _ = env.step(head(hidden).argmax())
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the call."""
        for step in source.env_steps():
            around = source.loops(step.call)
            resets = [c for c in source.env_resets() if dotted(source.receiver(c) or c) == dotted(step.env)]
            outer = [loop for loop in around if any(any(p is loop for p in source.parents(r)) for r in resets)]
            if outer:
                yield from self._carried(source, step, outer[-1])

    def _carried(self, source: Source, step: EnvStep, loop: ast.AST) -> Iterable[Spot]:
        for node in source.nodes(ast.Assign):
            assert isinstance(node, ast.Assign)
            call = node.value
            if not isinstance(call, ast.Call) or not any(p is loop for p in source.parents(node)):
                continue
            if not source.is_a(call.func, MODULE) or source.scope(node) is not source.scope(step.call):
                continue
            target = node.targets[0]
            names = {dotted(e) for e in (target.elts if isinstance(target, ast.Tuple) else [target])} - {None}
            carried = [a for a in call.args if dotted(a) in names and STATE.match(last_part(dotted(a) or ""))]
            told = any(source.role(n) in ENDS for a in call.args for n in ast.walk(a) if isinstance(n, ast.expr))
            if carried and not told and not _set_elsewhere(source, dotted(carried[0]) or "", node, loop):
                yield self.at(carried[0], f"`{dotted(carried[0])}` is not reset where the environment is")


def _set_elsewhere(source: Source, name: str, node: ast.Assign, loop: ast.AST) -> bool:
    """Whether another assignment in the loop sets the state or an element of it."""
    for one in ast.walk(loop):
        if isinstance(one, ast.Name | ast.Attribute | ast.Subscript) and isinstance(one.ctx, ast.Store):
            base = one.value if isinstance(one, ast.Subscript) else one
            if dotted(base) == name and source.statement(one) is not node:
                return True
        func = one.func if isinstance(one, ast.Call) else None
        if isinstance(func, ast.Attribute) and dotted(func.value) == name and func.attr.endswith("_"):
            return True
    return False
