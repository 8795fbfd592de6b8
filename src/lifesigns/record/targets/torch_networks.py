"""Networks: which modules exist, what each parameter is called, what layers put out in sampled updates.

Flows in: torch's official registration hooks, `Module.__setstate__` (deep copies), and for the span of a sampled
forward pass the global forward hook. Flows out: network/* subjects, layer.* and network.input_* series, names
for the others.
"""

from __future__ import annotations

import copy
import math
import sys
import weakref
from collections.abc import Callable
from time import perf_counter
from typing import Any

from .. import callsite, taps
from ..recorder import Recorder, on_fork
from . import layer_outputs
from .deferred import Deferred

HOOK_COST_S = 20e-6
"""What a registered global forward hook costs a module call outside its own body (INSTRUMENTATION 1d)."""
RANK_EVERY = 4
"""Windows for one in which ranks are measured."""
MODES = ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "BatchNorm1d", "BatchNorm2d", "BatchNorm3d")
"""Layers that put out something else in training mode."""


class Registry:
    """Modules by identity, where each was made, and the roots among them."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.modules: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
        self.made_at: dict[int, tuple[dict[str, Any] | None, list[str]]] = {}
        self._made_on: dict[tuple[str, int], int] = {}
        self.loaded: weakref.WeakSet[Any] = weakref.WeakSet()
        self.changed = True
        self.version = 0
        self._roots: list[tuple[Any, str]] = []
        self._names: dict[int, tuple[str, str]] = {}

    def saw(self, module: Any, frame: Any) -> None:
        """Notes a module when its first parameter or child is registered."""
        self.changed = True
        key = id(module)
        if self.modules.get(key) is module:
            return
        self.modules[key] = module
        self.made_at[key] = callsite.maker(frame, "/torch/", module)

    def roots(self) -> list[tuple[Any, str]]:
        """(module, network id) of the modules that are no other module's child, and have parameters."""
        if self.changed:
            self._refresh()
        return self._roots

    def name_of(self, parameter: Any) -> tuple[str, str]:
        """(dotted name, network id) of a parameter; empty strings for one that no module holds."""
        if self.changed:
            self._refresh()
        return self._names.get(id(parameter), ("", ""))

    def _refresh(self) -> None:
        self.changed = False
        self.version += 1
        live = list(self.modules.values())
        children = {id(c) for m in live for c in m._modules.values() if c is not None}
        known = {id(m): network for m, network in self._roots}
        self._roots, self._names = [], {}
        for module in live:
            if id(module) in children or _is_loss(module):
                continue
            named = list(module.named_parameters())
            if not named:
                continue
            network = known.get(id(module)) or self._introduce(module, len(named))
            self._roots.append((module, network))
            for name, parameter in named:
                self._names.setdefault(id(parameter), (name, network))

    def was_loaded(self, module: Any) -> bool:
        """Whether its values, or those of a part of it, came from a state dict or from a hub's checkpoint."""
        return bool(getattr(module, "name_or_path", "")) or any(m in self.loaded for m in module.modules())

    def _introduce(self, module: Any, tensors: int) -> str:
        lazy = sys.modules["torch"].nn.parameter.UninitializedParameter
        at, names = self.made_at.get(id(module), (None, []))
        line = (at["file"], at["line"]) if at else ("", 0)
        turn = self._made_on[line] = self._made_on.get(line, -1) + 1
        name = names[min(turn, len(names) - 1)] if names else type(module).__name__
        size = sum(p.numel() for p in module.parameters() if not isinstance(p, lazy))
        return self.recorder.subject(
            "network", name, at, {"class": type(module).__name__, "parameters": size, "tensors": tensors}
        )


def _is_loss(module: Any) -> bool:
    return type(module).__module__.startswith("torch.nn.modules.loss")


registry: Registry
owned: set[int] = set()
"""Identities of the parameters that some optimiser holds."""


class Layers:
    """One sampled forward pass at a time: statistics of each leaf module's output, and of each network's
    input."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.armed = False
        self.compiled = False
        self.sure_at = 0  # the update from which a forward pass is sampled whatever the credit
        self.waiting: set[Any] = set()
        self._handle: Any = None
        self._calls = 0
        self._own_s = 0.0
        self._seen: set[int] = set()
        self._rows: dict[str, dict[str, tuple[Any, ...]]] = {}
        self._inputs: dict[str, tuple[Any, Any, Any]] = {}
        self._leaves: dict[int, tuple[str, str]] = {}
        self._leaves_version = -1
        self._columns: dict[str, list[str]] = {}
        self._windows = 0
        self._inference: dict[str, bool] = {}

    def arm(self) -> None:
        """Registers the global forward hook, until the optimisers in `waiting` have stepped."""
        self.recorder.arm_at = math.inf
        if self.armed or self.compiled:
            return
        import torch

        self.armed = True
        self.recorder.looking.add("layers")
        self._calls, self._own_s = 0, 0.0
        self._windows += 1
        self._seen.clear()
        self._handle = torch.nn.modules.module.register_module_forward_hook(self._hook)

    def stepped(self, optimizer: Any) -> None:
        """An optimiser has stepped while the hook is registered."""
        self.waiting.discard(optimizer)
        if not self.waiting:
            self.disarm()

    def after_backward(self) -> None:
        """A backward has ended: if one optimiser is waited for, its forward pass is over."""
        if self.armed and len(self.waiting) <= 1:
            self.disarm()

    def disarm(self) -> None:
        """Removes the hook and writes what was seen."""
        if not self.armed:
            return
        self.armed = False
        self.recorder.looking.discard("layers")
        self._handle.remove()
        started = perf_counter()
        taps.guarded(self._write)()
        self.recorder.budget.charge("layers", self._own_s + perf_counter() - started + self._calls * HOOK_COST_S)

    def leave(self) -> None:
        """Removes the hook, if it is registered, and forgets what was seen."""
        if self.armed:
            self.armed = False
            self.recorder.looking.discard("layers")
            self._handle.remove()

    def _hook(self, module: Any, inputs: Any, output: Any) -> None:
        started = perf_counter()
        self._calls += 1
        if self._calls > 5000:
            self.disarm()
        elif not module._modules and id(module) not in self._seen:
            try:
                self._leaf(module, inputs, output)
            except Exception as error:
                taps.failed("layers", error)
        self._own_s += perf_counter() - started

    def _leaf(self, module: Any, inputs: Any, output: Any) -> None:
        import torch

        if not torch.is_grad_enabled():
            if type(module).__name__ in MODES and (network := self._where(module)[1]):
                self._inference[network] = self._inference.get(network, False) or module.training
            return
        if not readable(output) or not output.is_floating_point():
            return
        self._seen.add(id(module))
        name, network = self._where(module)
        if not network:
            return
        rank = layer_outputs.effective_rank(output) if self._windows % RANK_EVERY == 1 else float("nan")
        self._rows.setdefault(network, {})[name] = (*layer_outputs.output_stats(module, output), rank)
        first: Any = inputs[0] if inputs else None
        if (
            network not in self._inputs
            and readable(first)
            and first.is_floating_point()
            and not first.requires_grad
            and first.dim() >= 2
            and list(module.parameters(recurse=False))
        ):
            stats = layer_outputs.input_stats(first, getattr(module, "in_channels", None))
            if stats is not None:
                self._inputs[network] = stats

    def _where(self, module: Any) -> tuple[str, str]:
        roots = registry.roots()
        if self._leaves_version != registry.version:
            self._leaves_version = registry.version
            self._leaves = {
                id(m): (name, network) for root, network in roots for name, m in root.named_modules() if not m._modules
            }
        return self._leaves.get(id(module), ("", ""))

    def _write(self) -> None:
        at = self.recorder.update
        for network, rows in self._rows.items():
            names = self._columns.setdefault(network, [n for n, net in self._leaves.values() if net == network])
            blank = (float("nan"),) * len(layer_outputs.OUTPUT_SERIES)
            for i, series in enumerate(layer_outputs.OUTPUT_SERIES):
                column = self.recorder.series(series, network, names)
                self.recorder.deferred.put([rows.get(n, blank)[i] for n in names], column, at)
        for network, stats in self._inputs.items():
            columns = [f"x{i}" for i in range(len(stats[0]))]
            for series, values in zip(
                ("network.input_mean", "network.input_std", "network.input_max_abs"), stats, strict=True
            ):
                column = self.recorder.series(series, network, columns)
                if column.width != len(values):
                    continue
                if hasattr(values, "detach") and values.device.type != "cpu":
                    self.recorder.deferred.put_row(values, column, at)
                else:
                    column.add_row(at, values)
        for network, is_training in self._inference.items():
            self.recorder.series("network.inference_in_training_mode", network).add(at, float(is_training))
        self._rows, self._inputs, self._inference = {}, {}, {}


def readable(value: Any) -> bool:
    """Whether a value is an ordinary tensor with numbers: not traced, transformed, fake, of a subclass, or
    empty."""
    torch = sys.modules["torch"]
    if torch.jit.is_tracing() or torch.compiler.is_compiling():
        return False  # before anything is asked of the tensor: a tracer would note the question
    return (
        type(value) in (torch.Tensor, torch.nn.Parameter)
        and value.numel() > 0
        and value.layout is torch.strided
        and value.device.type != "meta"
        and not torch._C._functorch.is_functorch_wrapped_tensor(value)
    )


layers: Layers | None = None
on_compile: list[Callable[[], None]] = []
"""What other targets remove before a first `torch.compile`."""


def install(torch: Any, recorder: Recorder) -> None:
    """Registers the hooks; called when torch has been imported."""
    _reset(recorder)
    on_fork(_reset)
    hooks = torch.nn.modules.module
    hooks.register_module_parameter_registration_hook(_on_parameter)
    hooks.register_module_module_registration_hook(_on_child)
    taps.observe(hooks.Module, "__setstate__", _on_setstate)
    taps.observe(torch.nn.Module, "load_state_dict", _on_load)
    taps.observe(torch, "compile", _on_compile)
    recorder.meta(torch=str(torch.__version__))


def _reset(recorder: Recorder) -> None:
    global registry, layers
    if layers is not None:
        layers.leave()
    registry, layers = Registry(recorder), Layers(recorder)
    owned.clear()
    recorder.deferred = Deferred(recorder)
    recorder.on_flush.append(recorder.deferred.collect)


def _on_parameter(module: Any, name: str, parameter: Any) -> None:
    try:
        registry.saw(module, sys._getframe(1))
    except Exception as error:
        taps.failed("networks", error)


def _on_child(module: Any, name: str, child: Any) -> None:
    try:
        frame = sys._getframe(1)
        registry.saw(module, frame)
        if child is not None and id(child) not in registry.modules:
            registry.saw(child, frame)
    except Exception as error:
        taps.failed("networks", error)


def _on_setstate(args: Any, kwargs: Any, result: Any) -> None:
    """Sees a module that `copy.deepcopy` was asked for, with its parts; no shallow copy, pickle or other thing's part.

    (A tap on `deepcopy` would cost: vector environments call it at every step.)
    """
    frame = callsite.here(2)
    while frame is not None and frame.f_code.co_name == "__setstate__":  # of derived classes
        frame = frame.f_back
    path: list[str] = []
    while frame is not None and frame.f_code.co_filename == copy.__file__:
        path.append(frame.f_code.co_name)
        frame = frame.f_back
    if path == ["_reconstruct", "deepcopy"]:
        for module in args[0].modules():
            registry.saw(module, frame)


def _on_load(args: Any, kwargs: Any, result: Any) -> None:
    registry.loaded.add(args[0])


def _on_compile(args: Any, kwargs: Any, result: Any) -> None:
    """Hooks that come and go would make the compiler start anew, so layers are left alone from here on."""
    if layers is not None and not layers.compiled:
        layers.disarm()
        layers.compiled = True
        for leave in on_compile:
            leave()
        layers.recorder.event(
            "compiled", "run", {"what": "torch.compile"}, callsite.location(callsite.user_frame(callsite.here(2)))
        )
