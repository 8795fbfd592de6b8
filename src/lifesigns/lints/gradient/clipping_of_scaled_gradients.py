"""Rule L307: gradients are clipped while they are still scaled for mixed precision."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.lints.base import LintRule, Spot
from lifesigns.lints.source import Source
from lifesigns.rules import Likelihood

SCALERS = ("torch.cuda.amp.GradScaler", "torch.amp.GradScaler", "torch.cuda.amp.grad_scaler.GradScaler")
CLIPS = ("clip_grad_norm_", "clip_grad_value_")


class ClippingOfScaledGradients(LintRule):
    """With mixed precision, gradients are clipped before they are scaled back.

    What it detects
    ---------------
    `scaler.scale(loss).backward()`, then `clip_grad_norm_`, then `scaler.step(optimizer)`, with no `unscale_` anywhere.

    Why it matters
    --------------
    Gradients are 65,536 times too large at that point, so nearly every step is clipped; after the step divides by the
    scale, updates are thousands of times too small.

    How it decides
    --------------
    The scaler is a known `GradScaler`, its `step` and the clipping are in one function, and the word `unscale_` does
    not occur in the file.

    When it is wrong
    ----------------
    The bound is multiplied by the scale by hand.

    What to do
    ----------
    `scaler.unscale_(optimizer)` before clipping.

    References
    ----------
    PyTorch documentation, Automatic Mixed Precision examples: Gradient clipping.
    """

    code = "L307"
    since = "0.2"
    severity = "error"
    looks_at = ("GradScaler",)
    causes = {
        "optimizer-loop-wrong": Likelihood(0.05, source="judgement"),
        "learning-rate-too-low": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.002, source="judgement; see benchmarks/lint")
    wrong = {
        "loop": """
            scaler = torch.cuda.amp.GradScaler()
            for x, y in data:
                scaler.scale(F.mse_loss(net(x), y)).backward()
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                scaler.step(opt)
                scaler.update()
            """,
        "new name": """
            def train(net, opt, data):
                scaler = torch.amp.GradScaler("cuda")
                for x, y in data:
                    loss = F.mse_loss(net(x), y)
                    scaler.scale(loss).backward()
                    torch.nn.utils.clip_grad_value_(net.parameters(), 0.5)
                    scaler.step(opt)
            """,
    }
    right = {
        "unscaled": """
            scaler = torch.cuda.amp.GradScaler()
            for x, y in data:
                scaler.scale(F.mse_loss(net(x), y)).backward()
                scaler.unscale_(opt)
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                scaler.step(opt)
            """,
        "no clipping": """
            scaler = torch.cuda.amp.GradScaler()
            scaler.scale(F.mse_loss(net(x), y)).backward()
            scaler.step(opt)
            """,
        "bound is scaled": """
            scaler = torch.cuda.amp.GradScaler()
            scaler.scale(F.mse_loss(net(x), y)).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0 * scaler.get_scale())
            scaler.step(opt)
            """,
    }

    def look(self, source: Source) -> Iterable[Spot]:
        """At the clipping."""
        if not source.words.isdisjoint({"unscale_", "get_scale", "unscale_gradients"}):
            return
        steps = [s for s in source.method_calls("step") if source.kind(source.receiver(s)) in SCALERS]
        for clip in (c for word in CLIPS for c in source.index.calls.get(word, ())):
            if any(source.before(clip, s) and source.loops(clip)[:1] == source.loops(s)[:1] for s in steps):
                yield self.at(clip, "gradients are still multiplied by the scaler's factor here: `unscale_` first")
