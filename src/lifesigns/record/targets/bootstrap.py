"""Evidence of what the learner does with a time limit: is a truncated episode's last observation ever valued?

Two readings. Off-policy: rows of a sampled target vector that equal, bit for bit, the reward of a time-limit
step and of no terminating step (the bootstrap was masked). On-policy: when the step before the cut is trained
on, has the final observation reached a network since the cut?
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
PATIENCE = 128
"""Updates waited for: a replayed batch may hold the step before the cut for another reason, as the next
observation of the step before that."""
UPDATE_PHASE_S, CALLS_A_STEP = 0.015, 8
"""What watching the updates costs, and module calls for each environment step before them; guesses, corrected by
what is charged afterwards."""
MAX_CUTS = 8
"""Truncated episodes of one watch."""
_LOSS_NODES = ("MseLossBackward0", "SmoothL1LossBackward0", "HuberLossBackward0")


class Cut:
    """One truncated episode: its last two observations, and whether each has reached a network since."""

    def __init__(self, before: Any, final: Any, subject: str, env_step: int) -> None:
        self.before, self.final, self.subject, self.env_step = before, final, subject, env_step
        self.trained_on = self.valued = False


class Tracker:
    """Rewards of steps that ended episodes, and the watch on a few truncated episodes at a time."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.cut: deque[float] = deque(maxlen=4096)
        self.ended: deque[float] = deque(maxlen=4096)
        self.watches = 0
        self._cuts: list[Cut] = []
        self._handle: Any = None
        self._own_s, self._calls = 0.0, 0
        self._since = self._most_calls = 0

    def episode_end(self, reward: float, truncated: bool, before: Any, final: Any, subject: str) -> None:
        """Called by the environment taps at each end of an episode; `before` may be None."""
        (self.cut if truncated else self.ended).append(reward)
        if truncated and before is not None and final is not None and self._may_watch():
            self._watch(before, final, subject)

    def _may_watch(self) -> bool:
        """Whether a truncated episode can join the watch that is open, or open one.

        A watch lasts until the next updates; one is opened only as late in a rollout as the budget can pay for.
        """
        if self._cuts:
            return len(self._cuts) < MAX_CUTS and self.recorder.update == self._since
        layers, recorder = torch_networks.layers, self.recorder
        to_come = max(recorder.rollout - (recorder.env_step - recorder.env_step_at_update), 0)
        expected_s = UPDATE_PHASE_S + to_come * CALLS_A_STEP * torch_networks.HOOK_COST_S
        return (
            layers is not None
            and not layers.compiled
            and self.watches < MAX_WATCHES
            and recorder.update > 0
            and expected_s <= recorder.budget.left("bootstrap")
            and _has_critic()
        )

    def bare_rows(self, tensors: Any) -> tuple[int, int] | None:
        """(rows equal to the bare reward of a time-limit step only, rows) of the targets in a graph; None
        without."""
        import numpy as np

        if not self.cut:
            return None
        alone = set(self.cut).difference(self.ended, (0.0,))  # mostly none: where every step earns the same
        cut = np.array(sorted(alone), dtype=np.float32)
        if alone:
            cut = np.setdiff1d(cut, np.array([*self.ended, 0.0], dtype=np.float32))
        bare = rows = 0
        for target in _targets(tensors):
            if target.device.type != "cpu":
                continue
            values = target.detach().to("cpu").float().reshape(-1).numpy()[:MAX_ROWS]
            bare += int(np.isin(values, cut).sum()) if alone else 0
            rows += len(values)
        return (bare, rows) if rows else None

    def target_values(self, tensors: Any) -> tuple[float, float, float] | None:
        """(mean, largest size, share below 0) of the targets in a graph; None without, and for those on a device."""
        import numpy as np

        found = [
            t.detach().float().reshape(-1)[:MAX_ROWS].numpy() for t in _targets(tensors, True) if t.device.type == "cpu"
        ]
        values = np.concatenate(found) if found else np.empty(0)
        if not len(values):
            return None
        with np.errstate(all="ignore"):
            return float(values.mean()), float(np.abs(values).max()), float((values < 0).mean())

    def _watch(self, before: Any, final: Any, subject: str) -> None:
        import numpy as np
        import torch

        pair = [np.array(o, dtype=np.float32).reshape(-1) for o in (before, final)]
        if pair[0].size > 4096 or np.array_equal(pair[0], pair[1]) or (self._cuts and pair[0].size != self._size()):
            return
        self._cuts.append(Cut(pair[0], pair[1], subject, self.recorder.env_step))
        if len(self._cuts) == 1:
            self.watches += 1
            self._since = self.recorder.update
            self._own_s, self._calls = 0.0, 0
            most_s = max(self.recorder.budget.left("bootstrap"), UPDATE_PHASE_S)
            self._most_calls = int(most_s / torch_networks.HOOK_COST_S)
            self._handle = torch.nn.modules.module.register_module_forward_hook(self._hook)

    def _size(self) -> int:
        return int(self._cuts[0].final.size)

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
        """Is either observation a row of what a layer is given? Trained on: by a layer that an optimiser
        holds."""
        if (
            not self._cuts
            or not torch_networks.readable(given)
            or given.dim() < 1
            or given.numel() % self._size()
            or given.requires_grad
            or not given.is_floating_point()
        ):
            return
        if given.numel() > MAX_ROWS * self._size() or given.device.type != "cpu":
            return
        rows = given.detach().float().reshape(-1, self._size()).numpy()
        weight = getattr(module, "weight", None)
        trains = weight is not None and getattr(output, "requires_grad", False) and id(weight) in torch_networks.owned
        for cut in self._cuts:
            if not cut.valued:
                cut.valued = bool((rows == cut.final).all(axis=1).any())
            if trains and not cut.trained_on:
                cut.trained_on = bool((rows == cut.before).all(axis=1).any())

    def give_up(self) -> None:
        """Ends the watch, if there is one, without an answer."""
        if self._cuts:
            self._cuts = self._cuts[:1]
            self._cuts[0].trained_on = False
            self._conclude()

    def _done(self) -> bool:
        waited = self.recorder.update - self._since
        return bool(self._cuts) and (
            all(c.trained_on and c.valued for c in self._cuts) or self._calls > self._most_calls or waited >= PATIENCE
        )

    def _conclude(self) -> None:
        cuts, self._cuts = self._cuts, []
        self._handle.remove()
        self.recorder.budget.charge("bootstrap", self._own_s + self._calls * torch_networks.HOOK_COST_S)
        for cut in cuts:
            if cut.trained_on:
                series, at = self.recorder.series, cut.env_step
                series("bootstrap.final_observation_valued", cut.subject).add(at, float(cut.valued))
                series("bootstrap.next_observation_valued", cut.subject).add(at, 1.0)


def _targets(tensors: Any, either_side: bool = False) -> list[Any]:
    """Target tensors that the loss nodes near the root of a graph saved; with `either_side` also what a loss was given
    in the place of the prediction, if it needs no gradient."""
    found: list[Any] = []
    for node in loss_nodes(tensors, _LOSS_NODES):
        found.append(node._saved_target)
        if either_side:
            found.append(node._saved_self)
    return [t for t in found if not t.requires_grad and t.dim() >= 1]


def loss_nodes(tensors: Any, names: tuple[str, ...]) -> list[Any]:
    """The nodes of these names near the root of the graph of a tensor or of several."""
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
        if type(node).__name__ in names:
            found.append(node)
        else:
            queue.extend((child, depth + 1) for child, _ in node.next_functions)
    return found


def _has_critic() -> bool:
    """Whether some network ends in a single output: a value head."""
    return any(
        getattr(m, "out_features", 0) == 1 for root, _ in torch_networks.registry.roots() for m in root.modules()
    )


tracker: Tracker | None = None


def reset(recorder: Recorder) -> None:
    """Forgets everything; called at the start and in a forked worker."""
    global tracker
    if tracker is not None:
        tracker.give_up()
    tracker = Tracker(recorder)
    torch_networks.on_compile[:] = [tracker.give_up]
