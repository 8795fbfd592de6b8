"""Networks: which modules exist, what each parameter is called, what layers put out in sampled updates.

Flows in: torch's official registration hooks, `copy.deepcopy` of modules, and for the span of a sampled
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
from .deferred import Deferred

HOOK_COST_S = 20e-6
"""What a registered global forward hook costs a module call outside its own body (INSTRUMENTATION 1d)."""
MAX_ELEMENTS, MAX_ROWS, MAX_DIMS = 2048, 256, 128
OUTPUT_SERIES = (
    "layer.zero_share",
    "layer.saturated_share",
    "layer.output_rms",
    "layer.output_max_abs",
    "layer.output_row_std",
    "layer.dormant_share",
)
DORMANT, FEWEST_ROWS = 0.025, 8
"""E|h_i| over its mean over a layer's units up to which a unit is dormant (Sokar et al. 2023, τ = 0.025), and rows of a
batch before rows are compared."""


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

    def arm(self) -> None:
        """Registers the global forward hook, until the optimisers in `waiting` have stepped."""
        self.recorder.arm_at = math.inf
        if self.armed or self.compiled:
            return
        import torch

        self.armed = True
        self.recorder.looking.add("layers")
        self._calls, self._own_s = 0, 0.0
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

        if not torch.is_grad_enabled() or not readable(output) or not output.is_floating_point():
            return
        self._seen.add(id(module))
        name, network = self._where(module)
        if not network:
            return
        self._rows.setdefault(network, {})[name] = _output_stats(module, output)
        first: Any = inputs[0] if inputs else None
        if (
            network not in self._inputs
            and readable(first)
            and first.is_floating_point()
            and not first.requires_grad
            and first.dim() >= 2
            and list(module.parameters(recurse=False))
        ):
            stats = _input_stats(first, getattr(module, "in_channels", None))
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
            blank = (float("nan"),) * len(OUTPUT_SERIES)
            for i, series in enumerate(OUTPUT_SERIES):
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
        self._rows, self._inputs = {}, {}


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


def _output_stats(module: Any, output: Any) -> tuple[Any, ...]:
    """The numbers of `OUTPUT_SERIES` of at most `MAX_ELEMENTS` strided elements, NaN for those that do not apply; on a
    device 0-dimensional tensors, which are not waited for."""
    import numpy as np

    flat = output.detach().reshape(-1)
    if flat.numel() > MAX_ELEMENTS:
        flat = flat[:: flat.numel() // MAX_ELEMENTS + 1]
    kind = type(module).__name__
    if flat.device.type != "cpu":
        return (*_device_output_stats(kind, flat.float()), *_of_rows(output))
    values = flat.float().numpy()
    size = np.abs(values)
    saturated = float("nan")
    if kind == "Tanh":
        saturated = float((size >= 0.99).mean())
    elif kind == "Sigmoid":
        saturated = float(((values <= 0.01) | (values >= 0.99)).mean())
    with np.errstate(all="ignore"):
        rms = float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))
    return float((values == 0).mean()), saturated, rms, float(size.max()), *_of_rows(output)


def _of_rows(output: Any) -> tuple[Any, Any]:
    """(standard deviation over the rows of a batch, mean over units; share of dormant units), of outputs [rows, units]
    with rows enough; NaN otherwise."""
    nan = float("nan")
    if output.dim() != 2 or output.shape[0] < FEWEST_ROWS:
        return nan, nan
    rows = output.detach()[: max(MAX_ELEMENTS // output.shape[1], FEWEST_ROWS), :MAX_ELEMENTS].float()
    size = rows.abs().mean(dim=0)
    found = rows.std(dim=0, unbiased=False).mean(), (size <= DORMANT * size.mean()).float().mean()
    return found if rows.device.type != "cpu" else (float(found[0]), float(found[1]))


def _device_output_stats(kind: str, flat: Any) -> tuple[Any, Any, Any, Any]:
    """The same four as 0-dimensional tensors, computed where the data are."""
    size = flat.abs()
    saturated: Any = float("nan")
    if kind == "Tanh":
        saturated = (size >= 0.99).float().mean()
    elif kind == "Sigmoid":
        saturated = ((flat <= 0.01) | (flat >= 0.99)).float().mean()
    return (flat == 0).float().mean(), saturated, flat.square().mean().sqrt(), size.max()


def _input_stats(batch: Any, channels: int | None) -> tuple[Any, Any, Any] | None:
    """(mean, std, largest |x|) by component: by channel for images, else by the last dimension."""
    import numpy as np

    if batch.shape[0] < 2:
        return None
    if batch.shape[0] > MAX_ROWS:
        batch = batch[:: batch.shape[0] // MAX_ROWS + 1]
    values = batch.detach().float()
    if channels is not None and values.dim() > 2 and values.shape[1] == channels:
        values = values.movedim(1, -1)
    values = values.reshape(-1, values.shape[-1])[:4096]
    if values.shape[1] > MAX_DIMS:
        values = values[:, :: values.shape[1] // MAX_DIMS + 1]
    if values.device.type != "cpu":
        return values.mean(dim=0), values.std(dim=0, unbiased=False), values.abs().amax(dim=0)
    array = values.numpy().astype(np.float64)
    with np.errstate(all="ignore"):
        return array.mean(axis=0), array.std(axis=0), np.abs(array).max(axis=0)


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
    taps.observe(copy, "deepcopy", _on_deepcopy)
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


def _on_deepcopy(args: Any, kwargs: Any, result: Any) -> None:
    torch = sys.modules["torch"]
    if args and isinstance(result, torch.nn.Module):
        frame = callsite.here(2)
        for module in result.modules():
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
