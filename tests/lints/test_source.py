"""What the core says of names, flows, kinds, roles, sums and gradients."""

from __future__ import annotations

import ast

import pytest

from lifesigns.lints.base import snippet
from lifesigns.lints.source import Role, Source
from lifesigns.lints.source.library import ENV, MODULE, OPTIMIZER


def last(source: Source, name: str) -> ast.Name:
    return source.index.names[name][-1]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("from torch import nn as N\nN.functional.cross_entropy(a, b)", "torch.nn.functional.cross_entropy"),
        ("import torch.nn.functional as G\nG.cross_entropy(a, b)", "torch.nn.functional.cross_entropy"),
        ("from torch.nn.functional import cross_entropy as ce\nce(a, b)", "torch.nn.functional.cross_entropy"),
        ("import gym as g\ng.make('x')", "gymnasium.make"),
        ("from torch.nn.modules.loss import MSELoss\nMSELoss()", "torch.nn.MSELoss"),
        ("from torch.utils.data.dataloader import DataLoader\nDataLoader(d)", "torch.utils.data.DataLoader"),
    ],
)
def test_aliases_lead_to_canonical_names(code: str, name: str) -> None:
    assert len(snippet(code).calls(name)) == 1


def test_a_local_name_shadows_an_import() -> None:
    source = snippet("def f(torch):\n    return torch.softmax(x, 1)\ntorch.softmax(x, 1)")
    assert len(source.calls("torch.softmax")) == 1


def test_bindings_follow_order_branches_and_loops() -> None:
    source = snippet("x = 1\nx = 2\nif c:\n    x = 3\nuse(x)\nfor i in r:\n    after(x)\n    x = 4\nend(x)")
    lines = {c.func.id: sorted(b.node.lineno for b in source.bindings(c.args[0])) for c in source.index.module.calls}  # pyright: ignore
    assert lines == {"use": [3, 5], "after": [3, 5, 9], "end": [3, 5, 9]}


def test_what_follows_a_return_is_not_reached() -> None:
    source = snippet("def f(c):\n    x = 1\n    if c:\n        x = 2\n        return x\n    return use(x)")
    (call,) = source.index.calls["use"]
    assert [b.node.lineno for b in source.bindings(call.args[0])] == [3]


def test_unpacked_steps() -> None:
    source = snippet("obs, r, term, trunc, info = env.step(a)\nif term:\n    pass\no, r2, d, i = old.step(a)")
    five, four = source.env_steps()
    assert (five.width, four.width) == (5, 4)
    assert five.truncated is not None
    assert not source.uses(five.truncated)
    assert five.terminated is not None
    assert len(source.uses(five.terminated)) == 1
    assert source.role(last(source, "term")) is Role.TERMINATED


def test_optimisers_step_is_no_environments_step() -> None:
    source = snippet("opt = optim.Adam(p)\na, b, c, d = opt.step(closure)")
    assert source.env_steps() == []


CLASSES = """
class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(4, 8)
class Net(Base):
    def forward(self, x):
        return torch.softmax(self.body(x), -1), x
class Agent:
    def __init__(self, env: gym.Env):
        self.env = env
        self.actor = Net().to("cpu")
        self.actor_target = copy.deepcopy(self.actor)
        self.opt = torch.optim.Adam(self.actor.parameters())
    def update(self, obs):
        probs, _ = self.actor(obs)
        loss = F.nll_loss(probs, y)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
"""


def test_attributes_have_kinds_and_roles() -> None:
    source = snippet(CLASSES)
    (step,) = source.calls(f"{OPTIMIZER}.step")
    receiver = source.receiver(step)
    assert source.kind(receiver) == "torch.optim.Adam"
    agent = next(c for c in source.classes() if c.name.endswith("Agent"))
    made = {name: b[0] for name, b in agent.attributes.items()}
    assert source.is_a(made["actor_target"].value, MODULE)
    assert source.is_a(made["env"].value, ENV)
    assert source.role(made["actor_target"].node) is Role.TARGET_NETWORK
    assert {c.name.rpartition(".")[2] for c in source.classes(MODULE)} == {"Base", "Net"}


def test_roles_pass_through_forward_and_unpacking() -> None:
    source = snippet(CLASSES)
    (loss,) = source.ops("nll_loss")
    assert source.proven_role(loss.input) is Role.PROBABILITY
    assert source.proven_role(last(source, "loss")) is Role.LOSS


@pytest.mark.parametrize(
    ("expression", "role"),
    [
        ("1 - dones", Role.MASK),
        ("~terminated", Role.MASK),
        ("torch.logical_or(terminated, truncated)", Role.DONE),
        ("terminated | truncated", Role.DONE),
        ("(logp_new - logp_old).exp()", Role.RATIO),
        ("dist.log_prob(a).sum(-1)", Role.LOG_PROBABILITY),
        ("batch['next_observations']", Role.NEXT_OBSERVATION),
        ("data.rewards.flatten()", Role.REWARD),
        ("F.mse_loss(a, b) * 0.5 + c", Role.LOSS),
        ("something", Role.UNKNOWN),
        ("dist.entropy().mean()", Role.ENTROPY),
    ],
)
def test_roles_of_expressions(expression: str, role: Role) -> None:
    source = snippet(f"x = {expression}\nuse(x)")
    assert source.role(last(source, "x")) is role


def test_disagreeing_values_have_no_role() -> None:
    source = snippet("if c:\n    x = F.softmax(a, 1)\nelse:\n    x = F.log_softmax(a, 1)\nuse(x)")
    assert source.proven_role(last(source, "x")) is Role.UNKNOWN


def test_terms_have_signs_and_factors() -> None:
    source = snippet("pg = -(ratio * adv).mean()\nloss = pg - 0.01 * ent.mean() + vf * v_loss / 2\nuse(loss)")
    found = [(t.sign, [source.unparse(f.node) for f in t.factors]) for t in source.terms(last(source, "loss"))]
    assert found == [
        (-1, ["ratio", "adv"]),
        (-1, ["0.01", "ent"]),
        (1, ["vf", "v_loss", "2"]),
    ]


def test_numbers_come_from_parsers_dataclasses_and_parameters() -> None:
    source = snippet(
        """
        import argparse
        p = argparse.ArgumentParser()
        p.add_argument("--gae-lambda", type=float, default=0.95)
        args = p.parse_args()
        class Config:
            tau: float = 0.005
        def f(k=3):
            return k * 2
        use(args.gae_lambda, cfg.tau, -1 / 4)
        """
    )
    (call,) = source.index.calls["use"]
    assert [source.number(a) for a in call.args] == [0.95, 0.005, -0.25]
    scope = next(s for s in source.functions() if s.name == "f")
    assert source.number(scope.returns[0]) == 6


def test_gradients() -> None:
    source = snippet(
        """
        net = nn.Linear(2, 2)
        with torch.no_grad():
            t = net(x)
        a = net(x)
        b = net(x).detach()
        use(t, a, b, a + t, unknown)
        """
    )
    (call,) = source.index.calls["use"]
    assert [source.has_gradient(a) for a in call.args] == [False, True, False, True, None]


def test_arguments_flow_into_local_functions() -> None:
    source = snippet("def f(p):\n    return F.nll_loss(p, y)\nf(torch.softmax(z, -1))")
    (loss,) = source.ops("nll_loss")
    assert source.proven_role(loss.input) is Role.PROBABILITY


def test_loops_reach_into_local_functions() -> None:
    source = snippet("def step():\n    opt.step()\nfor x in d:\n    step()")
    (loop,) = source.nodes(ast.For)
    (inner,) = source.method_calls("step")
    assert source.runs_in(loop, inner)
