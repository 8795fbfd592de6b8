"""Losses: the value of every backward call, by the line that called it; gradient norms that clipping
returned.

`Tensor.backward` goes through `torch.autograd.backward`, so one patch sees both. In sampled updates the
targets that the graph saved are compared with the bare rewards of time-limit steps before they are freed.
"""

from __future__ import annotations

import math
import re
import sys
from collections import deque
from functools import wraps
from time import perf_counter, process_time
from typing import Any, NamedTuple

from .. import callsite, taps
from ..budget import DENSE
from ..recorder import Recorder, Thinned, on_fork
from . import bootstrap, class_targets, torch_networks, torch_optimizers

_CALLED = re.compile(r"([A-Za-z_]\w*)\.backward\(|backward\(\s*([A-Za-z_]\w*)")
COST_S, SHARE, MAX_STRIDE = 60e-6, 0.002, 32
"""What one loss that is taken, and the norm that goes with it, costs where the caches hold the learner's code
(measured in place, by lot: 60 µs, many times what it costs in a loop of its own), the share of
time that losses may cost, and how far they are thinned."""
TARGET_SERIES = ("loss.target_mean", "loss.target_max_abs", "loss.target_negative_share")
CLASS_SERIES = ("loss.classes", "loss.ignored_share", "loss.cross_entropy")
FIRST_BACKWARDS = 8
"""Backward calls before the first optimiser step whose graphs are looked at, whatever is sampled."""
CONTEXT = 20
"""Frames kept before the first non-finite value (DETECTORS D01)."""
MAX_LIMITS = 4
"""Different limits of clipping that are told of."""


class Losses:
    """Loss sites of the process, and what came just before now."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.sites: dict[tuple[Any, int], tuple[str, Thinned]] = {}
        self.calls: dict[tuple[int, int], tuple[Any, str, Thinned]] = {}
        self.recent: deque[tuple[int, int, int, float]] = deque(maxlen=CONTEXT)
        self.reported: set[str] = set()
        self.clip: Thinned | None = None
        self.limits: set[float] = set()
        self.next = self.took = 0  # the backward call whose loss is taken next, and the one whose was last
        self._stride, self._noise, self._review = 1, 1, 1
        self.tensor_backward = sys.modules["torch"].Tensor.backward.__code__
        self._then = (recorder.wall_s(), process_time(), recorder.backward)

    def taken(self) -> None:
        """Says when the next loss is taken: at the next call, unless they come too often; then one in `stride`,
        irregularly, so that several losses in turn are all seen."""
        self.took = self.recorder.backward
        if self.took >= self._review:  # flushes come too late for a short run
            self._review = 4 * self.took + 60
            self.adapt()
        self.next = self.took + 1
        if self._stride > 1:
            self._noise = (self._noise * 1_103_515_245 + 12_345) & 0x7FFFFFFF
            self.next += (self._noise >> 16) % (2 * self._stride - 1)

    def adapt(self) -> None:
        """At a flush, and early on: the stride at which what is taken costs no more than `SHARE` at the latest rate.

        The rate by the processor's time where that is less: beside other programs the script's share counts.
        """
        wall, cpu, calls = self.recorder.wall_s(), process_time(), self.recorder.backward
        rate = (calls - self._then[2]) / max(min(wall - self._then[0], cpu - self._then[1]), 1e-3)
        self._then = (wall, cpu, calls)
        if not DENSE:
            self._stride = min(max(math.ceil(rate * COST_S / (SHARE * self.recorder.budget.detail())), 1), MAX_STRIDE)

    def site(self, frame: Any) -> tuple[str, Thinned]:
        """(subject, column) of the user's line that called backward."""
        if frame.f_code is self.tensor_backward:
            frame = frame.f_back
        found = self.calls.get((id(frame.f_code), frame.f_lasti))
        return self._look(frame) if found is None else found[1:]

    def _look(self, frame: Any) -> tuple[str, Thinned]:
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
        return found[1:]

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
        if loss.is_cpu:
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
    original, is_compiling = torch.autograd.backward, torch.compiler.is_compiling
    is_traced = getattr(torch.compiler, "is_dynamo_compiling", is_compiling)

    @wraps(original)
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        if is_traced():
            return original(tensors, *args, **kwargs)
        recorder = losses.recorder
        recorder.backward += 1
        if not (recorder.backward >= losses.next or recorder.looking) or is_compiling():
            return original(tensors, *args, **kwargs)
        before = _before(tensors)
        result = original(tensors, *args, **kwargs)
        try:
            _after(tensors, before, sys._getframe(1))
        except Exception as error:
            taps.failed("losses", error)
        return result

    taps.replace(torch.autograd, "backward", backward)
    module = sys.modules.get("torch.nn.utils.clip_grad")
    if module is not None:
        _tap_clip(module, is_traced, is_compiling)


def _tap_clip(module: Any, is_traced: Any, is_compiling: Any) -> None:
    original = module.clip_grad_norm_

    @wraps(original)
    def clip_grad_norm_(*args: Any, **kwargs: Any) -> Any:
        if is_traced() or losses.took != losses.recorder.backward or is_compiling():
            return original(*args, **kwargs)
        result = original(*args, **kwargs)
        try:
            _on_clip(args, kwargs, result)
        except Exception as error:
            taps.failed("clip_grad_norm_", error)
        return result

    taps.named_after(clip_grad_norm_, module, "clip_grad_norm_")
    taps.replace(module, "clip_grad_norm_", clip_grad_norm_)
    taps.replace(sys.modules["torch.nn.utils"], "clip_grad_norm_", clip_grad_norm_)


def _reset(recorder: Recorder) -> None:
    global losses
    losses = Losses(recorder)
    recorder.on_flush.append(losses.adapt)


class Graph(NamedTuple):
    """What the graph of a loss says, where it does: see `bare_rows`, `target_values`, `class_values`."""

    rows: tuple[int, int] | None = None
    targets: tuple[float, float, float] | None = None
    classes: tuple[float, float, Any] | None = None


def _before(tensors: Any) -> Graph | None:
    """What only the graph and the gradients before the call can tell; None where the graph is not looked at."""
    try:
        torch_optimizers.optimizers.before_backward()
        tracker, layers, recorder = bootstrap.tracker, torch_networks.layers, losses.recorder
        if tracker is None or layers is None:
            return None
        if layers.armed:
            rows, targets = tracker.bare_rows(tensors), tracker.target_values(tensors)
            return Graph(rows, targets, None if recorder.env_step else class_targets.class_values(tensors))
        if not (recorder.update or recorder.env_step) and recorder.backward <= FIRST_BACKWARDS:
            return Graph(classes=class_targets.class_values(tensors))
    except Exception as error:
        taps.failed("backward", error)
    return None


def _after(tensors: Any, graph: Graph | None, frame: Any) -> None:
    started, recorder = perf_counter(), losses.recorder
    looked_at_graph = graph is not None
    charged = recorder.budget.spent_s
    subject = ""
    if recorder.backward >= losses.next or looked_at_graph:
        loss = tensors if hasattr(tensors, "numel") else tensors[0]
        if loss.numel() == 1:
            subject = losses.add(loss, frame)
        losses.taken()
    if torch_networks.layers is not None:
        torch_networks.layers.after_backward()
    if graph is not None and subject:
        _write(graph, subject, recorder)
    now, budget = perf_counter(), recorder.budget
    budget.taps_s += max(now - started - (budget.spent_s - charged), 0.0)
    if now >= recorder.next_flush:
        recorder.flush()


def _write(graph: Graph, subject: str, recorder: Recorder) -> None:
    at = recorder.update
    if graph.rows is not None:
        for name, value in zip(("bootstrap.bare_rows", "bootstrap.rows"), graph.rows, strict=True):
            recorder.series(name, subject).add(at, value)
    if graph.targets is not None:
        for name, value in zip(TARGET_SERIES, graph.targets, strict=True):
            recorder.series(name, subject).add(at, value)
    if graph.classes is not None:
        for name, value in zip(CLASS_SERIES, graph.classes, strict=True):
            recorder.deferred.put([value], recorder.series(name, subject), at)
        registry = torch_networks.registry
        if not at and not any(registry.was_loaded(module) for module, _ in registry.roots()):
            put = recorder.deferred.put
            put([graph.classes[2]], recorder.series("loss.initial_cross_entropy", subject), recorder.backward)


def _on_clip(args: Any, kwargs: Any, result: Any) -> None:
    """Takes the norm that goes with a loss that was taken."""
    recorder = losses.recorder
    if losses.clip is None:
        losses.clip = Thinned(recorder.series("gradient.total_norm"))
    limit = args[1] if len(args) > 1 else kwargs.get("max_norm")
    if isinstance(limit, (int, float)) and limit not in losses.limits and len(losses.limits) < MAX_LIMITS:
        losses.limits.add(limit)
        recorder.event("gradient_clip", "run", {"max_norm": float(limit)})
    if result.is_cpu:
        losses.clip.add(recorder.backward, result.item())
    elif recorder.backward % 16 == 0:
        recorder.deferred.put([result.detach()], losses.clip._column, recorder.backward)
