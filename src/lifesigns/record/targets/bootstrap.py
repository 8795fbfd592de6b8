"""Evidence of what the learner does with a time limit: is a truncated episode's last observation ever valued?

Two readings. Off-policy: rows of a sampled target vector that equal, bit for bit, the reward of a time-limit step and
of no terminating step (the bootstrap was masked). On-policy: when the step before the cut is trained on, has the final
observation reached a network since the cut?
"""

from __future__ import annotations

from collections import deque
from time import perf_counter
from typing import Any

from .. import taps
from ..recorder import Recorder
from . import torch_networks

MAX_WATCHES = 12
MAX_ROWS = 8192
PATIENCE = 64
"""Updates waited for after the step before the cut was trained on: a replayed batch may hold it for another reason."""
_LOSS_NODES = ("MseLossBackward0", "SmoothL1LossBackward0", "HuberLossBackward0")


class Tracker:
    """Rewards of steps that ended episodes, and the watch on one truncated episode at a time."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.cut: deque[float] = deque(maxlen=4096)
        self.ended: deque[float] = deque(maxlen=4096)
        self.watches = 0
        self._pair: tuple[Any, Any, str, int] | None = None
        self._seen_before = self._seen_final = False
        self._handle: Any = None
        self._own_s, self._calls = 0.0, 0
        self._updates_at_start = 0

    def episode_end(self, reward: float, truncated: bool, before: Any, final: Any, subject: str) -> None:
        """Called by the environment taps at each end of an episode; `before` may be None."""
        (self.cut if truncated else self.ended).append(reward)
        if truncated and before is not None and final is not None and self._pair is None \
                and torch_networks.layers is not None and not torch_networks.layers.compiled and self.watches < MAX_WATCHES and self.recorder.update > 0 and self.recorder.budget.admit("bootstrap") \
                and _has_critic():
            self._watch(before, final, subject)

    def bare_rows(self, tensors: Any) -> tuple[int, int] | None:
        """(rows equal to the bare reward of a time-limit step only, rows) of the targets in a graph; None without."""
        import numpy as np

        if not self.cut:
            return None
        cut = np.array(list(self.cut), dtype=np.float32)
        cut = np.setdiff1d(cut, np.array([*self.ended, 0.0], dtype=np.float32))
        bare = rows = 0
        for target in _targets(tensors):
            values = target.detach().to("cpu").float().reshape(-1).numpy()[:MAX_ROWS]
            bare += int(np.isin(values, cut).sum())
            rows += len(values)
        return (bare, rows) if rows else None

    def _watch(self, before: Any, final: Any, subject: str) -> None:
        import numpy as np
        import torch

        pair = [np.asarray(o, dtype=np.float32).reshape(-1) for o in (before, final)]
        if pair[0].size > 4096 or np.array_equal(*pair):
            return
        self.watches += 1
        self._pair = (pair[0], pair[1], subject, self.recorder.env_step)
        self._seen_before = self._seen_final = False
        self._updates_at_start = self.recorder.update
        self._own_s, self._calls = 0.0, 0
        self._handle = torch.nn.modules.module.register_module_forward_hook(self._hook)

    def _hook(self, module: Any, inputs: Any, output: Any) -> None:
        started = perf_counter()
        self._calls += 1
        try:
            if inputs and not module._modules:
                self._look(inputs[0], module, output)
            if self._done():
                self._conclude()
        except Exception as error:
            taps.failed("bootstrap", error)
        self._own_s += perf_counter() - started

    def _look(self, given: Any, module: Any, output: Any) -> None:
        """Is either observation a row of what a layer is given? Trained on: by a layer that an optimiser holds."""
        if self._pair is None or not torch_networks.readable(given) or given.dim() < 1 \
                or given.numel() % self._pair[0].size or given.requires_grad or not given.is_floating_point():
            return
        if given.numel() > MAX_ROWS * self._pair[0].size or given.device.type != "cpu":
            return
        rows = given.detach().float().reshape(-1, self._pair[0].size).numpy()
        if not self._seen_final:
            self._seen_final = bool((rows == self._pair[1]).all(axis=1).any())
        weight = getattr(module, "weight", None)
        if not self._seen_before and weight is not None and getattr(output, "requires_grad", False) \
                and id(weight) in torch_networks.owned:
            self._seen_before = bool((rows == self._pair[0]).all(axis=1).any())
            self._updates_at_start = self.recorder.update

    def give_up(self) -> None:
        """Ends the watch, if there is one, without an answer."""
        if self._pair is not None:
            self._seen_before = False
            self._conclude()

    def _done(self) -> bool:
        waited = self.recorder.update - self._updates_at_start
        return self._pair is not None and (
            (self._seen_before and self._seen_final) or self._calls > 20_000
            or waited >= (PATIENCE if self._seen_before else 4 * PATIENCE))

    def _conclude(self) -> None:
        assert self._pair is not None
        _, _, subject, at = self._pair
        self._pair = None
        self._handle.remove()
        self.recorder.budget.charge("bootstrap", self._own_s + self._calls * torch_networks.HOOK_COST_S)
        if self._seen_before:
            self.recorder.series("bootstrap.final_observation_valued", subject).add(at, float(self._seen_final))
            self.recorder.series("bootstrap.next_observation_valued", subject).add(at, 1.0)


def _targets(tensors: Any) -> list[Any]:
    """Target tensors that the loss nodes near the root of a graph saved."""
    import torch

    roots = [tensors] if isinstance(tensors, torch.Tensor) else list(tensors)
    queue = deque((r.grad_fn, 0) for r in roots)
    seen: set[Any] = set()
    found: list[Any] = []
    while queue and len(seen) < 200:
        node, depth = queue.popleft()
        if node is None or node in seen or depth > 8:
            continue
        seen.add(node)
        if type(node).__name__ in _LOSS_NODES:
            found.append(node._saved_target)
        else:
            queue.extend((child, depth + 1) for child, _ in node.next_functions)
    return [t for t in found if not t.requires_grad and t.dim() >= 1]


def _has_critic() -> bool:
    """Whether some network ends in a single output: a value head."""
    return any(getattr(m, "out_features", 0) == 1 for root, _ in torch_networks.registry.roots() for m in root.modules())


tracker: Tracker | None = None


def reset(recorder: Recorder) -> None:
    """Forgets everything; called at the start and in a forked worker."""
    global tracker
    if tracker is not None:
        tracker.give_up()
    tracker = Tracker(recorder)
    torch_networks.on_compile[:] = [tracker.give_up]
