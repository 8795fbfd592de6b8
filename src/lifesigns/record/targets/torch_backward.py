"""Losses: the value of every backward call, by the line that called it; gradient norms that clipping
returned.

`Tensor.backward` goes through `torch.autograd.backward`, so one patch sees both. In sampled updates the
targets that the graph saved are compared with the bare rewards of time-limit steps before they are freed.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from functools import wraps
from time import perf_counter
from typing import Any

from .. import callsite, taps
from ..budget import DENSE
from ..recorder import Recorder, Thinned, on_fork
from . import bootstrap, torch_networks, torch_optimizers

_CALLED = re.compile(r"([A-Za-z_]\w*)\.backward\(|backward\(\s*([A-Za-z_]\w*)")
TAPS_SHARE, MAX_STRIDE = 0.01, 16
"""Share of wall time that the always-on taps may cost before losses are thinned, and how far they are."""
CONTEXT = 20
"""Frames kept before the first non-finite value (DETECTORS D01)."""


class Losses:
    """Loss sites of the process, and what came just before now."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.sites: dict[tuple[Any, int], tuple[str, Thinned]] = {}
        self.calls: dict[tuple[int, int], tuple[Any, str, Thinned]] = {}
        self.recent: deque[tuple[int, int, int, float]] = deque(maxlen=CONTEXT)
        self.reported: set[str] = set()
        self.clip: Thinned | None = None
        self._stride, self._next, self._noise = 1, 0, 1
        self._taps_then = (recorder.wall_s(), recorder.budget.taps_s)

    def due(self) -> bool:
        """Whether this call's value is taken: all, unless the taps cost too much; then one in `stride`, irregularly,
        so that several losses in turn are all seen."""
        self.recorder.backward += 1
        if self.recorder.backward < self._next:
            return False
        self._noise = (self._noise * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        self._next = self.recorder.backward + 1 + (self._noise >> 16) % (2 * self._stride - 1)
        return True

    def adapt(self) -> None:
        """At a flush: a larger stride while the taps cost more than `TAPS_SHARE`, a smaller one below half of it."""
        budget = self.recorder.budget
        wall, taps = self.recorder.wall_s(), budget.taps_s
        share = (taps - self._taps_then[1]) / max(wall - self._taps_then[0], 1e-9)
        self._taps_then = (wall, taps)
        if share > TAPS_SHARE and not DENSE:
            self._stride = min(2 * self._stride, MAX_STRIDE)
        elif share < TAPS_SHARE / 2:
            self._stride = max(self._stride // 2, 1)

    def site(self, frame: Any) -> tuple[str, Thinned]:
        """(subject, column) of the user's line that called backward."""
        while frame is not None and (
            "/torch/" in frame.f_code.co_filename or callsite.kind_of(frame.f_code.co_filename) == callsite.OURS
        ):
            frame = frame.f_back
        if frame is None:
            raise LookupError("backward was called from nowhere")
        # by identity and instruction: the hash of a code object and its line table take time in proportion to it
        found = self.calls.get((id(frame.f_code), frame.f_lasti))
        if found is None:
            found = self._introduce(frame)
            self.calls[(id(frame.f_code), frame.f_lasti)] = found
        return found[1], found[2]

    def _introduce(self, frame: Any) -> tuple[Any, str, Thinned]:
        key = (frame.f_code, frame.f_lineno)
        found = self.sites.get(key)
        if found is None:
            line = callsite.location(frame) or {}
            match = _CALLED.search(line.get("text", ""))
            name = next((g for g in match.groups() if g), "") if match else ""
            at = callsite.location(callsite.user_frame(frame))
            subject = self.recorder.subject("loss", name or "loss", at, {"called_at": line})
            found = self.sites[key] = (subject, Thinned(self.recorder.series("loss.value", subject)))
        return (frame.f_code, *found)

    def add(self, loss: Any, frame: Any) -> str:
        """Records one backward call; a value on a device is read at a later flush."""
        recorder = self.recorder
        subject, column = self.site(frame)
        if loss.device.type == "cpu":
            value = loss.item()
            column.add(recorder.backward, value)
            self._remember(subject, value)
        elif (
            recorder.backward % max(len(self.sites), 1) == 0 or recorder.backward < 1000 or recorder.backward % 16 == 0
        ):
            self.recorder.deferred.put([loss.detach()], column._column, recorder.backward)
        return subject

    def _remember(self, subject: str, value: float) -> None:
        if value - value != 0 and subject not in self.reported:
            self.reported.add(subject)
            context = [dict(zip(("backward", "update", "env_step", "loss"), r, strict=True)) for r in self.recent]
            self.recorder.event("nonfinite", subject, {"subject": subject, "what": "loss.value", "context": context})
        recorder = self.recorder
        self.recent.append((recorder.backward, recorder.update, recorder.env_step, value))


losses: Losses


def install(torch: Any, recorder: Recorder) -> None:
    """Patches the one function every backward goes through; called when torch has been imported."""
    _reset(recorder)
    on_fork(_reset)
    original = torch.autograd.backward
    is_compiling = torch.compiler.is_compiling
    tensor_type = torch.Tensor

    @wraps(original)
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        if is_compiling():
            return original(tensors, *args, **kwargs)
        started = perf_counter()
        rows = _before(tensors)
        before_s = perf_counter() - started
        result = original(tensors, *args, **kwargs)
        try:
            started, budget = perf_counter(), losses.recorder.budget
            charged = budget.spent_s
            loss = tensors if isinstance(tensors, tensor_type) else tensors[0]
            _after(loss, rows, sys._getframe(1))
            budget.taps_s += max(before_s + perf_counter() - started - (budget.spent_s - charged), 0.0)
            losses.recorder.tick()
        except Exception as error:
            taps.failed("losses", error)
        return result

    taps.replace(torch.autograd, "backward", backward)
    module = sys.modules.get("torch.nn.utils.clip_grad")
    if module is not None:
        tapped = taps.observe(module, "clip_grad_norm_", _on_clip)
        taps.replace(sys.modules["torch.nn.utils"], "clip_grad_norm_", tapped)


def _reset(recorder: Recorder) -> None:
    global losses
    losses = Losses(recorder)
    recorder.on_flush.append(losses.adapt)


def _before(tensors: Any) -> tuple[int, int] | None:
    """What only the graph and the gradients before the call can tell."""
    try:
        torch_optimizers.optimizers.before_backward()
        if bootstrap.tracker is not None and torch_networks.layers is not None and torch_networks.layers.armed:
            return bootstrap.tracker.bare_rows(tensors)
    except Exception as error:
        taps.failed("backward", error)
    return None


def _after(loss: Any, rows: tuple[int, int] | None, frame: Any) -> None:
    torch_optimizers.optimizers.backwards += 1
    subject = losses.add(loss, frame) if (losses.due() or rows is not None) and loss.numel() == 1 else ""
    if torch_networks.layers is not None:
        torch_networks.layers.after_backward()
    if rows is not None and subject:
        recorder = losses.recorder
        recorder.series("bootstrap.bare_rows", subject).add(recorder.update, rows[0])
        recorder.series("bootstrap.rows", subject).add(recorder.update, rows[1])


def _on_clip(args: Any, kwargs: Any, result: Any) -> None:
    recorder = losses.recorder
    if losses.clip is None:
        losses.clip = Thinned(recorder.series("gradient.total_norm"))
    if result.device.type == "cpu":
        losses.clip.add(recorder.backward, result.item())
    elif recorder.backward % 16 == 0:
        recorder.deferred.put([result.detach()], losses.clip._column, recorder.backward)
