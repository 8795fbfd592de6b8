"""Where the first value comes from that is not a number."""

from __future__ import annotations

from typing import Any

import pytest

from lifesigns.diagnose import diagnose
from lifesigns.model import Trace
from lifesigns.paired.outcome import add_to
from lifesigns.rules import all_rules

LOOP = """
import torch
torch.manual_seed(0)
{define}
net = torch.nn.Linear(4, 4)
optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
for update in range(6):
    x = torch.randn(8, 4)
    {loss}
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
ATTENTION = """
class Attention(torch.nn.Module):
    def forward(self, scores):
        hidden = torch.ones(4, 4).tril(diagonal={diagonal}) == 0
        scores = scores[:4].masked_fill(hidden, float("-inf"))
        return scores.softmax(-1)
attention = Attention()
"""


def found(scripts: Any, define: str, loss: str) -> dict[str, Any] | None:
    target = scripts.write(LOOP.format(define=define, loss=loss), world=False)
    (log,) = scripts.runs(target, [{"not_a_number": True}])
    return log.notes.get("not_a_number")


@pytest.mark.parametrize(
    ("define", "loss", "line", "expected"),
    [
        ("", "loss = (net(x) / (x[:, :1] * 0 + 1 - 1)).mul(0).sum()", "loss = (net(x)", {"kind": "operation"}),
        ("", "loss = net(x).log().mean()", ".log()", {"kind": "operation", "operation": "log"}),
        ("", "d = net(x - x).pow(2).sum() * 0; loss = (d.sqrt() * net(x)).sum()", "d.sqrt()", {"kind": "gradient"}),
        ("", "h = (net(x) * 1e4).exp(); loss = (h - h).sum()", "h - h", {"infinite": True}),
        ("", "x = torch.tensor([[float('nan')] * 4]); loss = net(x).sum()", "'nan'", {"kind": "data"}),
        (ATTENTION.format(diagonal=-1), "loss = attention(net(x)).sum()", "softmax", {"operation": "softmax"}),
    ],
)
def test_the_operation_and_its_line(scripts: Any, define: str, loss: str, line: str, expected: dict[str, Any]) -> None:
    told = found(scripts, define, loss)
    assert told is not None
    assert told["line"] == scripts.line(line)
    assert expected.items() <= told.items()


def test_infinities_that_stay_apart_are_none(scripts: Any) -> None:
    """A causal mask holds infinities, and unfilled memory may hold anything."""
    define = ATTENTION.format(diagonal=0) + "held = torch.empty(8, 4)"
    assert found(scripts, define, "held[:] = x; loss = attention(net(held)).square().sum()") is None


def test_a_script_that_ends_with_an_exception_because_of_one(scripts: Any) -> None:
    define = "from torch.distributions import Categorical"
    loss = "spread = net(x).sum(0).std() * 0; loss = Categorical(logits=net(x) * (spread / spread)).entropy().sum()"
    target = scripts.write(LOOP.format(define=define, loss=loss), world=False)
    facts = scripts.traced(target).facts
    rules = [r for r in all_rules() if r.per == "dye"]
    (finding,) = [f for f in diagnose(add_to(Trace({}), facts, target.cwd), rules).findings if f.code == "Y303"]
    assert finding.location is not None
    assert finding.location.line == scripts.line("spread / spread")
    assert "divides by 0 in 1 place" in finding.message
