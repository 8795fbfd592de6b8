"""Optimisers: learning rate and order of calls at each step; norms of parameters, gradients and updates in
samples.

Flows in: torch's global optimiser step hooks (official), taps on `Optimizer.__init__` and `zero_grad`. Flows
out: optimizer/* subjects and series, network.unowned_gradient_norm. A sample clones the parameters (a strided
part of big ones) before the step and compares after it; on an accelerator nothing is read back before a later
flush.
"""

from __future__ import annotations

import math
import sys
import weakref
from collections.abc import Callable
from functools import wraps
from time import perf_counter
from typing import Any

from .. import callsite, taps
from ..budget import DENSE, GROWTH
from ..recorder import Recorder, on_fork
from . import bootstrap, optimizer_noise, torch_copies, torch_networks
from . import optimizer_values as values

MAX_TENSORS = 512
RECENT_UPDATES = 50
"""An optimiser is active if it is among those that made the last so many steps."""
FIRST_UPDATES, WINDOW = 100, 6
LOOK_S, SHARE, MAX_REST_S = 80e-6, 0.003, 0.5
"""Steps of the process that are all looked at, and for each active optimiser in a later window; what a look at one
step and the calls before it costs (benchmarks/overhead), the share of time that looks may cost, and the longest rest
between two windows. In between, steps are counted and no more."""


class Watched:
    """One optimiser: its parameters and names, its counters since the last step and the last sample."""

    def __init__(self, optimizer: weakref.ref[Any], subject: str, parameters: list[Any], names: list[str]) -> None:
        self.subject, self.parameters, self.names = subject, parameters, names
        self.optimizer = optimizer
        self.steps = self.samples = self.sure_at = 0
        self.backwards_at_step = self.zero_grads = 0
        self.calls_zero_grad = False
        self.cleared_steps = self.backward_steps = self.since_sample = 0
        self.last_step_at = self.window = 0
        self.due = True  # whether its next step is sampled
        self.before: list[Any] | None = None
        self.first: tuple[Any, Any, Any] | None = None
        self.cost_s = 0.0


class Optimizers:
    """All optimisers of the process."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self._turns: dict[tuple[str, int], int] = {}
        self.watched: dict[int, Watched] = {}
        self.version = 0  # of `watched`
        self.resting = False  # while steps are only counted
        self.rest_until, self._window_ends, self._windows = 0, FIRST_UPDATES, 0
        self._window_began = (0, perf_counter())
        self.cleared_by: weakref.WeakKeyDictionary[Any, tuple[int, list[Watched]]] = weakref.WeakKeyDictionary()
        self.made_at: weakref.WeakKeyDictionary[Any, tuple[Any, str]] = weakref.WeakKeyDictionary()

    def made(self, optimizer: Any, frame: Any) -> None:
        """Notes where an optimiser was constructed, and which parameters it owns."""
        at, names = callsite.maker(frame, "/torch/", optimizer)
        self.made_at[optimizer] = (at, callsite.next_name(at, names, self._turns))
        self._own(optimizer)

    def _own(self, optimizer: Any) -> None:
        torch_networks.owned.update(id(p) for group in optimizer.param_groups for p in group["params"])

    def get(self, optimizer: Any) -> Watched:
        """The record of an optimiser, introduced at its first step."""
        found = self.watched.get(id(optimizer))
        if found is None or found.optimizer() is not optimizer:
            found = self.watched[id(optimizer)] = self._introduce(optimizer)
        return found

    def _forget(self, gone: weakref.ref[Any]) -> None:
        for key, watched in list(self.watched.items()):
            if watched.optimizer is gone:
                del self.watched[key]
                self.version += 1
                self.recorder.looking.discard(watched.subject)

    def _introduce(self, optimizer: Any) -> Watched:
        every = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
        parameters = every if len(every) <= MAX_TENSORS else every[:: len(every) // MAX_TENSORS + 1]
        located = [torch_networks.registry.name_of(p) for p in parameters]
        networks = sorted({network for _, network in located if network})
        names = [
            values.label(i, name, network, p, networks, self.recorder)
            for i, ((name, network), p) in enumerate(zip(located, parameters, strict=True))
        ]
        at, name = self.made_at.get(optimizer, (None, ""))
        subject = self.recorder.subject(
            "optimizer",
            name or type(optimizer).__name__,
            at,
            {
                "class": type(optimizer).__name__,
                "parameters": sum(p.numel() for p in every),
                "tensors": len(every),
                "kept_tensors": len(parameters),
                "networks": networks,
            },
        )
        self._own(optimizer)
        torch_copies.copies.look_for(torch_networks.owned)
        self.version += 1
        self.recorder.looking.add(subject)  # until its `zero_grad` is called
        watched = Watched(weakref.ref(optimizer, self._forget), subject, parameters, names)
        watched.backwards_at_step = self.recorder.backward
        return watched

    def before_step(self, optimizer: Any) -> None:
        """Takes the first half of a sample if one is due."""
        watched = self.get(optimizer)
        if watched.due and not values.capturing(watched.parameters):
            started = perf_counter()
            self._first_half(watched)
            watched.cost_s = perf_counter() - started

    def _next_due(self, watched: Watched, now: float) -> bool:
        if not self.recorder.budget.admit("optimizer", now, overdue=watched.steps >= watched.sure_at):
            return False
        return DENSE or watched.samples <= min((w.samples for w in self._active()), default=0) + 1

    def _active(self) -> list[Watched]:
        return [w for w in list(self.watched.values()) if self.recorder.update - w.last_step_at <= RECENT_UPDATES]

    def _first_half(self, watched: Watched) -> None:
        import torch

        if watched.samples % 4 == 0:
            torch_copies.copies.sample(self.recorder.deferred)
        with torch.no_grad():
            parts = [values.part(p) for p in watched.parameters]
            gradients = [p.grad for p in watched.parameters]
            watched.before = values.clone(parts)
            present = [float(g is not None) for g in gradients]
            watched.first = (values.norms(parts), values.gradient_norms(gradients), present)

    def after_step(self, optimizer: Any) -> None:
        """Counts the step, ends a sample that was begun, decides about the next one and the next forward pass.

        A forward pass is seen until every active optimiser has stepped; where environment steps lay before this
        step, from the last of those expected before the next.
        """
        started, recorder, budget, layers = perf_counter(), self.recorder, self.recorder.budget, torch_networks.layers
        charged, watched = budget.spent_s, self.watched.get(id(optimizer))
        if watched is None or watched.optimizer() is not optimizer:
            watched = self.get(optimizer)
        recorder.update = update = recorder.update + 1
        if self.resting:
            self._wake(update, started)
        if watched.window != self._windows:  # what came before this step was not counted
            watched.window = self._windows
            watched.backwards_at_step, watched.zero_grads = recorder.backward, 0
        elif watched.steps:
            watched.backward_steps += recorder.backward - watched.backwards_at_step
            watched.cleared_steps += watched.zero_grads > 0
            watched.since_sample += 1
            watched.backwards_at_step, watched.zero_grads = recorder.backward, 0
        watched.steps += 1
        watched.last_step_at = update
        if watched.before is not None:
            self._second_half(watched, optimizer)
            budget.charge("optimizer", watched.cost_s + perf_counter() - started)
        watched.due = self._next_due(watched, started)
        gap = recorder.env_step - recorder.env_step_at_update
        recorder.env_step_at_update = recorder.env_step
        if gap:
            recorder.rollout = gap
        if layers is not None:
            if layers.armed:
                layers.stepped(watched)
            elif budget.admit("layers", started, overdue=update >= layers.sure_at):
                layers.sure_at = int(update * GROWTH) + 1
                layers.waiting = set(self._active())
                if gap and update > 1:
                    recorder.arm_at = recorder.env_step + gap
                else:
                    layers.arm()
        now = perf_counter()
        if update >= self._window_ends:
            self._rest(update, now)
        budget.taps_s += max(now - started - (budget.spent_s - charged), 0.0)
        if now >= recorder.next_flush:
            recorder.flush()

    def _wake(self, update: int, now: float) -> None:
        """A window begins; what its optimisers did since the last one was not counted."""
        self.resting = False
        self._windows += 1
        self._window_began = (update, now)
        self._window_ends = update + WINDOW * max(len(self._active()), 1)

    def _rest(self, update: int, now: float) -> None:
        """At the end of a window: steps until the next are only counted, as many as keep looks under `SHARE`."""
        layers, recorder = torch_networks.layers, self.recorder
        if DENSE or recorder.looking or recorder.arm_at != math.inf or (layers is not None and layers.armed):
            return
        if any(w.before is not None or w.due for w in self._active()):
            return
        steps = max(update - self._window_began[0], 1)
        share = SHARE * recorder.budget.detail()
        each_s = max((now - self._window_began[1]) / steps, 1e-6)
        rest = int(min(steps * LOOK_S / share / recorder.budget.pace, MAX_REST_S) / each_s)
        rest = min(rest, int(update * (GROWTH - 1.0)))
        self._window_ends = self.rest_until = update + rest
        self.resting = rest > 0

    def _second_half(self, watched: Watched, optimizer: Any) -> None:
        import torch

        recorder, at = self.recorder, watched.steps
        before, first = watched.before, watched.first
        watched.before = watched.first = None
        assert before is not None
        assert first is not None
        with torch.no_grad():
            change = torch._foreach_sub([values.part(p) for p in watched.parameters], before)
            update_norms = values.norms(change)
        parameter_norms, gradient_norms, present = first
        watched.samples += 1
        watched.sure_at = int(at * GROWTH)
        names, subject = watched.names, watched.subject
        put = self.recorder.deferred.put
        put(parameter_norms, recorder.series("optimizer.parameter_norm", subject, names), at)
        put(gradient_norms, recorder.series("optimizer.gradient_norm", subject, names), at)
        put(update_norms, recorder.series("optimizer.update_norm", subject, names), at)
        recorder.series("optimizer.gradient_present", subject, names).add_row(at, present)
        rate = max((values.number(g.get("lr")) for g in optimizer.param_groups), default=float("nan"))
        recorder.series("optimizer.learning_rate", subject).add(at, rate)
        if watched.since_sample:
            steps = watched.since_sample
            recorder.series("optimizer.backwards_per_step", subject).add(at, watched.backward_steps / steps)
            recorder.series("optimizer.zero_grads_per_step", subject).add(at, watched.cleared_steps / steps)
        watched.since_sample = watched.backward_steps = watched.cleared_steps = 0
        if watched.samples % 4 == 1:
            self._unowned()
        elif (
            watched.samples % 4 == 3
            and (ratio := optimizer_noise.noise_ratio(optimizer, watched.parameters)) is not None
        ):
            put([ratio], recorder.series("optimizer.gradient_noise_ratio", subject), at)

    def _unowned(self) -> None:
        for module, network in torch_networks.registry.roots():
            loose = [
                (n, p) for n, p in module.named_parameters() if p.requires_grad and id(p) not in torch_networks.owned
            ]
            if len(loose) > MAX_TENSORS:
                continue
            if loose:
                self.recorder.describe(network, loaded=torch_networks.registry.was_loaded(module))
            column = self.recorder.series("network.unowned_gradient_norm", network, [n for n, _ in loose] or ["(none)"])
            if column.width == max(len(loose), 1):
                norms = values.gradient_norms([p.grad for _, p in loose]) or [0.0]
                self.recorder.deferred.put(norms, column, self.recorder.update)

    def before_backward(self) -> None:
        """Sees gradients that were cleared by hand since the last step; looks where no `zero_grad` was
        called."""
        for watched in list(self.watched.values()):
            if (
                not (watched.zero_grads or watched.calls_zero_grad)
                and watched.steps
                and watched.backwards_at_step == self.recorder.backward - 1
            ):
                watched.zero_grads += values.cleared(watched.parameters)


optimizers: Optimizers
is_compiling: Callable[[], bool]
is_traced: Callable[[], bool]
"""torch's own checks; a step inside a compiled function is left alone, since the hooks are compiled with it."""


def install(torch: Any, recorder: Recorder) -> None:
    """Registers the global step hooks and the two taps; called when torch has been imported."""
    global is_compiling, is_traced
    is_compiling = torch.compiler.is_compiling
    is_traced = getattr(torch.compiler, "is_dynamo_compiling", is_compiling)
    _reset(recorder)
    on_fork(_reset)
    module = sys.modules["torch.optim.optimizer"]
    module.register_optimizer_step_pre_hook(_before_step)
    module.register_optimizer_step_post_hook(_after_step)
    taps.observe(torch.optim.Optimizer, "__init__", _on_init)
    _tap_zero_grad(torch.optim.Optimizer)
    taps.observe(torch.nn.Module, "zero_grad", _on_module_zero_grad)


def _reset(recorder: Recorder) -> None:
    global optimizers
    optimizers = Optimizers(recorder)
    torch_copies.reset(recorder)
    bootstrap.reset(recorder)


def _before_step(optimizer: Any, args: Any, kwargs: Any) -> None:
    if is_traced() or optimizers.resting:
        return
    watched = optimizers.watched.get(id(optimizer))
    if (watched is not None and not watched.due) or is_compiling():
        return
    try:
        optimizers.before_step(optimizer)
    except Exception as error:
        taps.failed("optimizers", error)


def _after_step(optimizer: Any, args: Any, kwargs: Any) -> None:
    if is_traced():
        return
    held = optimizers
    if held.resting and held.recorder.update < held.rest_until - 1:
        watched, recorder = held.watched.get(id(optimizer)), held.recorder
        if watched is not None:  # counted, and no more
            recorder.update = watched.last_step_at = recorder.update + 1
            watched.steps += 1
            if recorder.env_step != recorder.env_step_at_update:
                recorder.rollout = recorder.env_step - recorder.env_step_at_update
                recorder.env_step_at_update = recorder.env_step
            return
    if is_compiling():
        return
    try:
        optimizers.after_step(optimizer)
    except Exception as error:
        taps.failed("optimizers", error)


def _on_init(args: Any, kwargs: Any, result: Any) -> None:
    optimizers.made(args[0], callsite.here(2))


def _tap_zero_grad(cls: type) -> None:
    original = cls.__dict__["zero_grad"]

    @wraps(original)
    def zero_grad(self: Any, *args: Any, **kwargs: Any) -> Any:
        if is_traced() or optimizers.resting or is_compiling():
            return original(self, *args, **kwargs)
        result = original(self, *args, **kwargs)
        try:
            _on_zero_grad((self,), kwargs, result)
        except Exception as error:
            taps.failed("zero_grad", error)
        return result

    taps.replace(cls, "zero_grad", zero_grad)


def _on_zero_grad(args: Any, kwargs: Any, result: Any) -> None:
    watched = optimizers.watched.get(id(args[0]))
    if watched is not None and watched.optimizer() is args[0]:
        watched.zero_grads += 1
        if not watched.calls_zero_grad:
            watched.calls_zero_grad = True
            optimizers.recorder.looking.discard(watched.subject)


def _on_module_zero_grad(args: Any, kwargs: Any, result: Any) -> None:
    version, owners = optimizers.cleared_by.get(args[0], (0, []))
    if version != optimizers.version:
        cleared = {id(p) for p in args[0].parameters()}
        owners = [w for w in list(optimizers.watched.values()) if any(id(p) in cleared for p in w.parameters)]
        optimizers.cleared_by[args[0]] = (optimizers.version, owners)
    for watched in owners:
        watched.zero_grads += 1
