"""Rule L306: gradients are clipped where it has no effect."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source, position
from lifesigns.lints.source.library import OPTIMIZER
from lifesigns.lints.source.loops import same_block
from lifesigns.rules import Likelihood

CLIPS = ("clip_grad_norm_", "clip_grad_value_", "clip_grad_norm")


class ClippingOutOfPlace(LintRule):
    """Gradients are clipped after the step, or before `backward` has made them.

    What it detects
    ---------------
    `backward`, `step`, `clip_grad_norm_` in this order in one block; or `clip_grad_norm_`, `backward`, `step`.

    Why it matters
    --------------
    The step uses unclipped gradients. A single bad batch can undo a run that was meant to be protected from it.

    How it decides
    --------------
    The order of the three in one block; nothing that differentiates stands on the other side of the clipping.

    When it is wrong
    ----------------
    Gradients are gathered over several rounds and clipped before the next one's step.

    What to do
    ----------
    `backward`, then clip, then `step`.

    References
    ----------
    PyTorch documentation, torch.nn.utils.clip_grad_norm_.
    """

    code = "L306"
    since = "0.2"
    severity = "error"
    looks_at = CLIPS
    causes = {"optimizer-loop-wrong": Likelihood(0.15, source="judgement")}
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "after the step": """
            opt = optim.Adam(net.parameters())
            for x, y in data:
                opt.zero_grad()
                F.mse_loss(net(x), y).backward()
                opt.step()
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            """,
        "before backward": """
            opt = optim.Adam(net.parameters())
            for x, y in data:
                loss = F.mse_loss(net(x), y)
                opt.zero_grad()
                nn.utils.clip_grad_value_(net.parameters(), 0.5)
                loss.backward()
                opt.step()
            """,
    }
    right = {
        "between": """
            opt = optim.Adam(net.parameters())
            for x, y in data:
                opt.zero_grad()
                F.mse_loss(net(x), y).backward()
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                opt.step()
            """,
        "two optimisers": """
            a, b = optim.Adam(p), optim.Adam(q)
            loss_a.backward()
            nn.utils.clip_grad_norm_(p, 1.0)
            a.step()
            loss_b.backward()
            nn.utils.clip_grad_norm_(q, 1.0)
            b.step()
            """,
        "accumulated": """
            opt = optim.Adam(net.parameters())
            for i, x in enumerate(data):
                loss(x).backward()
                if i % 4 == 3:
                    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                    opt.step()
                    opt.zero_grad()
            """,
        "norm is logged before the next step": """
            opt = optim.Adam(net.parameters())
            loss_a.backward()
            opt.step()
            loss_b.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the clipping."""
        backwards = source.method_calls("backward")
        steps = source.calls(f"{OPTIMIZER}.step")
        for clip in _clips(source):
            near = sorted(
                (position(c)[0], kind)
                for kind, calls in (("backward", backwards), ("step", steps))
                for c in calls
                if same_block(source, c, clip)
            )
            line = position(clip)[0]
            above, below = [k for at, k in near if at < line], [k for at, k in near if at > line]
            if above[-2:] == ["backward", "step"] and not below and _unconditional(source, clip):
                yield self.at(clip, "gradients are clipped after the step that should have used them")
            elif not above and below[:2] == ["backward", "step"] and _zeroed(source, clip):
                yield self.at(clip, f"gradients are clipped before `backward` (line {near[0][0]}) makes them")


def _clips(source: Source) -> list[ast.Call]:
    return [c for word in CLIPS for c in source.index.calls.get(word, ())]


def _unconditional(source: Source, clip: ast.Call) -> bool:
    """Whether gradients do not live on: they are cleared before the next `backward` in the same loop."""
    around = source.loops(clip)
    zeros = source.method_calls("zero_grad")
    return not around or any(around[0] in source.loops(z) for z in zeros)


def _zeroed(source: Source, clip: ast.Call) -> bool:
    """Whether they were cleared right above, or nothing in the file gathers them over rounds."""
    return any(same_block(source, z, clip) for z in source.method_calls("zero_grad"))
