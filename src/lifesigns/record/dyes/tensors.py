"""Tensor operations, networks' calls, losses, gradients and optimiser steps of a dyed run; plants in networks' outputs.

Flows in: torch's function mode, its official hooks, `torch.autograd.backward`. Flows out: records of the session.
"""

from __future__ import annotations

import sys
from functools import wraps
from hashlib import blake2b
from typing import Any

from .. import callsite, taps
from . import makers, operands, owners, recalls, rows
from .oplog import TAG, to_array
from .session import Session
from .steps import Steps

UNINITIALISED = frozenset({"empty", "empty_like", "new_empty", "empty_strided", "rand_like_", "Tensor"})
LONG = 32_768
"""Elements of a tensor from which an assignment is logged by what was assigned."""
SILENT = frozenset(
    (
        "__get__",
        "__set__",
        "detach",
        "requires_grad_",
        "backward",
        "numpy",
        "item",
        "tolist",
        "size",
        "dim",
        "cpu",
        "cuda",
        "type",
        "share_memory_",
        "register_hook",
        "is_floating_point",
        "numel",
        "stride",
        "data_ptr",
        "element_size",
        "is_contiguous",
        "__len__",
        "__repr__",
        "__format__",
        "retain_grad",
        "has_names",
        "_foreach_norm",
        "_foreach_mul_",
        "linalg_vector_norm",
    )
)
"""Operations that put out nothing new (their results keep the number of the operand), or nothing at all."""


def install(torch: Any, session: Session) -> None:
    """Enters the function mode for the rest of the process and registers the hooks."""
    from torch.overrides import TorchFunctionMode

    class Mode(TorchFunctionMode):
        """Logs what every operation put out."""

        def __torch_function__(self, func: Any, kinds: Any, args: Any = (), kwargs: Any = None) -> Any:
            planted = None if session.quiet or not by_row.places else by_row.computed(func, args, kwargs or {})
            result = func(*args, **(kwargs or {})) if planted is None else planted
            if session.light and not session.quiet and getattr(func, "__name__", "") in UNINITIALISED:
                operands.zero(torch, result)
            if not (session.quiet or networks.depth or session.light):
                try:
                    session.quiet += 1
                    _operation(
                        torch, session, func, (*args, *kwargs.values()) if kwargs else args, result, sys._getframe(1)
                    )
                except Exception:
                    session.fail()
                finally:
                    session.quiet -= 1
            return result

    networks = Networks(torch, session)
    by_row = rows.RowByRow(torch, session)
    hooks = torch.nn.modules.module
    hooks.register_module_forward_pre_hook(networks.enter)
    _with_keywords(torch, networks)
    hooks.register_module_forward_hook(networks.leave, always_call=True)
    steps = Steps(torch, session, networks.is_as_first_called)
    session.closing.append(lambda: owners.networks_of(session.notes, steps, networks))
    session.closing.append(lambda: owners.describe(session.notes.get("optimizers", {}), steps, networks))
    optimizer = sys.modules["torch.optim.optimizer"]
    optimizer.register_optimizer_step_pre_hook(steps.before)
    optimizer.register_optimizer_step_post_hook(steps.after)
    _watch_backward(torch, session)
    mode = Mode()
    mode.__enter__()
    if not by_row.places:
        networks.aside = Aside(mode)


def _with_keywords(torch: Any, networks: Any) -> None:
    """Global hooks are not given keyword arguments; `Module.__call__` is."""
    if networks.recalls is None:
        return
    original = torch.nn.Module.__call__

    def __call__(self: Any, *args: Any, **kwargs: Any) -> Any:
        if networks.depth == 0:
            networks.pending = kwargs
        return original(self, *args, **kwargs)

    torch.nn.Module.__call__ = __call__


def _operation(torch: Any, session: Session, func: Any, args: Any, result: Any, frame: Any) -> None:
    name = getattr(func, "__name__", "")
    if name == "__get__" and operands.is_swapped(torch, args, result):
        name = "T"
    if name in SILENT:
        if isinstance(result, torch.Tensor) and args and isinstance(args[0], torch.Tensor):
            operands.tag(torch, result, getattr(args[0], TAG, None))
        return
    if name in UNINITIALISED:
        operands.zero(torch, result)
        return
    if name == "__setitem__":
        result = _written(torch, args)
    outputs = (result,) if isinstance(result, torch.Tensor) else result if isinstance(result, tuple | list) else ()
    site, parents = -1, ()
    for output in outputs:
        if not isinstance(output, torch.Tensor):
            continue
        array = to_array(output)
        if array is None:
            continue
        if site < 0:
            site = session.site(frame)
            parents = operands.of_operation(torch, session, args, site)
        if session.on_tokens is not None and output.dim() == 2 and array.dtype.kind == "i":
            session.on_tokens(output)
        number = session.add("op", name, site, array, parents, bool(output.requires_grad))
        operands.tag(torch, output, number)
        if name == "__setitem__":
            operands.tag(torch, args[0], number)


def _written(torch: Any, args: Any) -> Any:
    """What an assignment to elements put out: the tensor; of a long one (a replay memory) the elements alone, since to
    read all of it at each step takes longer than the script."""
    tensor = args[0]
    if not isinstance(tensor, torch.Tensor) or tensor.numel() <= LONG:
        return tensor
    return tensor[args[1]]


class Aside:
    """Takes the function mode off while a network computes, where nothing is logged: it costs microseconds a call."""

    def __init__(self, mode: Any) -> None:
        overrides = sys.modules["torch.overrides"]
        self.mode, self.off = mode, False
        self._top = getattr(overrides, "_get_current_function_mode", None)
        self._pop, self._push = getattr(overrides, "_pop_mode", None), getattr(overrides, "_push_mode", None)

    def leave(self) -> None:
        """Takes the mode off, if it is the innermost one."""
        if not self.off and self._top and self._pop and self._push and self._top() is self.mode:
            self._pop()
            self.off = True

    def enter(self) -> None:
        """Puts it on again, if it is off."""
        if self.off and self._push:
            self._push(self.mode)
            self.off = False


class Networks:
    """Outermost calls of modules: input, output, the gradient at the output; plants `output` in what they put out."""

    def __init__(self, torch: Any, session: Session) -> None:
        self.torch, self.session = torch, session
        self.depth = 0
        self.labels: dict[int, str] = {}
        self.held: list[Any] = []
        self.first: dict[int, bytes] = {}
        self.called_at: dict[int, tuple[Any, Any, list[str]]] = {}
        self.calls: dict[str, int] = {}
        self.kwargs: dict[str, Any] = {}
        self.pending: dict[str, Any] = {}
        self.plants = session.kinds("output")
        self.aside: Aside | None = None
        self.recalls = recalls.Recalls(torch, session) if session.request.get("recall") else None
        if self.recalls is not None:
            session.on_tokens = self.recalls.saw
        makers.install(torch)
        makers.watch_modes(torch)

    def label(self, module: Any) -> str:
        """`Class#n`, by order of first call."""
        found = self.labels.get(id(module))
        if found is None:
            found = self.labels[id(module)] = f"{type(module).__name__}#{len(self.labels)}"
            self.held.append(module)
            self.session.notes.setdefault("initial", {})[found] = _digest(module)
            makers.note_drawing(self.session.notes, found, module)
            self.first.update({id(p): parameter_digest(p) for p in module.parameters()})
        return found

    def is_as_first_called(self, parameter: Any) -> bool:
        """Whether a parameter is what it was when its network was first called; of one that is not known, True."""
        return self.first.get(id(parameter)) in (None, parameter_digest(parameter))

    def enter(self, module: Any, inputs: Any) -> None:
        """Before a call."""
        if _is_loss(module) or (self.depth == 0 and next(module.parameters(), None) is None):
            return  # what learns nothing (a loss of the script's own) is no network
        self.depth += 1
        if id(module) not in self.called_at:
            user = callsite.user_frame(sys._getframe(1))
            self.called_at[id(module)] = (module, callsite.location(user), owners.known_as(module, user))
        if self.depth == 1:
            self.kwargs = dict(self.pending)
        if self.depth == 1 and not self.session.quiet:
            self._input(module, inputs)
            if self.aside is not None:
                self.aside.leave()

    def _input(self, module: Any, inputs: Any) -> None:
        session = self.session
        if session.lines_only:
            return
        session.quiet += 1
        try:
            if session.loader >= 0:
                modes = session.notes.setdefault("modes", {}).setdefault(str(session.loader), {})
                modes[self.label(module)] = makers.mode_of(module)
            array = _joined([x for x in inputs if isinstance(x, self.torch.Tensor)])
            if array is not None:
                site = session.site(sys._getframe(2))
                session.add("input", self.label(module), site, array, operands.parents(self.torch, inputs))
        except Exception:
            session.fail()
        finally:
            session.quiet -= 1

    def leave(self, module: Any, inputs: Any, output: Any) -> Any:
        """After a call; returns another output where a plant asks for it."""
        if _is_loss(module) or self.depth == 0:
            return None
        self.depth -= 1
        session = self.session
        if self.aside is not None and not self.depth:
            self.aside.enter()
        if self.depth or session.quiet:
            return None
        session.quiet += 1
        try:
            label = self.label(module)
            number = self.calls[label] = self.calls.get(label, -1) + 1
            changed = output
            for plant in self.plants:
                if self._due(plant, label, number, output):
                    changed = self._plant(plant, changed)
            self._record(label, sys._getframe(1), changed)
            if self.recalls is not None:
                self.recalls.look(label, module, inputs, self.kwargs, output)
            return None if changed is output else changed
        except Exception:
            session.fail()
        finally:
            session.quiet -= 1

    def _due(self, plant: dict[str, Any], label: str, number: int, output: Any) -> bool:
        first, last = plant.get("calls", (0, 1 << 60))
        return label in plant["modules"] and first <= number <= last

    def _plant(self, plant: dict[str, Any], output: Any) -> Any:
        """`output` with `delta` added to the chosen part of it, out of place, its graph kept."""
        if isinstance(output, tuple | list):
            which = plant.get("part")
            parts = [
                self._plant(plant, o) if isinstance(o, self.torch.Tensor) and which in (None, i) else o
                for i, o in enumerate(output)
            ]
            return type(output)(*parts) if hasattr(output, "_fields") else type(output)(parts)
        if not isinstance(output, self.torch.Tensor) or not output.is_floating_point():
            return output
        self.session.planted.append({"update": self.session.log.update, "env_step": self.session.log.env_step})
        if plant.get("detach"):
            return output.detach()
        shift = self.torch.zeros_like(output.detach())
        if plant.get("row") is not None and output.dim():
            row = plant["row"]
            shift[tuple(row) if isinstance(row, list) else row] = plant["delta"]
        else:
            shift += plant["delta"]
        return output + shift

    def _record(self, label: str, frame: Any, output: Any) -> None:
        session = self.session
        outputs = () if session.lines_only else output if isinstance(output, tuple | list) else (output,)
        site = session.site(frame)
        for i, held in enumerate(outputs):
            one = _parameter_of(held)
            if not isinstance(one, self.torch.Tensor):
                continue
            array = to_array(one)
            if array is None:
                continue
            name = label if len(outputs) == 1 else f"{label}[{i}]"
            number = session.add("call", name, site, array, (), bool(one.requires_grad))
            operands.tag(self.torch, one, number)
            if one.requires_grad and one.is_floating_point() and not session.light:
                one.register_hook(self._gradient(name, site, number))

    def _gradient(self, name: str, site: int, number: int) -> Any:
        session = self.session

        def hook(gradient: Any) -> None:
            session.quiet += 1
            try:
                array = to_array(gradient)
                if array is not None:
                    session.add("outgrad", name, site, array, (number,))
            except Exception:
                session.fail()
            finally:
                session.quiet -= 1

        return hook


def _parameter_of(output: Any) -> Any:
    """For a distribution, the tensor that says what is likely (logits, probabilities or mean); else the output."""
    distributions = sys.modules.get("torch.distributions")
    if distributions is None or not isinstance(output, distributions.Distribution):
        return output
    while isinstance(output, distributions.Independent | distributions.TransformedDistribution):
        output = output.base_dist
    held = vars(output)
    return next((held[name] for name in ("logits", "probs", "loc") if name in held), None)


def _joined(tensors: list[Any]) -> Any:
    """The first argument [rows, …]; several flat ones of as many rows side by side (observation, action)."""
    import numpy as np

    if not tensors:
        return None
    first = to_array(tensors[0])
    if first is None or first.ndim != 2 or first.dtype.kind != "f" or len(tensors) < 2:
        return first
    rest = [to_array(t) for t in tensors[1:]]
    same = [r for r in rest if r is not None and r.ndim == 2 and len(r) == len(first) and r.dtype == first.dtype]
    return np.concatenate([first, *same], axis=1) if len(same) == len(rest) else first


def _digest(module: Any) -> str:
    """What all parameters of a network are, in a few bytes."""
    total = blake2b(digest_size=8)
    for parameter in module.parameters():
        total.update(parameter_digest(parameter))
    return total.hexdigest()


def parameter_digest(parameter: Any) -> bytes:
    """What one parameter is, in a few bytes."""
    array = to_array(parameter)
    return b"" if array is None else blake2b(array.tobytes(), digest_size=8).digest()


def _is_loss(module: Any) -> bool:
    return type(module).__module__.startswith("torch.nn.modules.loss")


def _watch_backward(torch: Any, session: Session) -> None:
    original = torch.autograd.backward

    @wraps(original)
    def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        if not session.quiet:
            session.quiet += 1
            try:
                loss = tensors if isinstance(tensors, torch.Tensor) else tensors[0]
                array = to_array(loss)
                if array is not None:
                    tag = getattr(loss, TAG, None)
                    session.add("loss", "", session.site(sys._getframe(1)), array, () if tag is None else (tag,))
            except Exception:
                session.fail()
            finally:
                session.quiet -= 1
        return original(tensors, *args, **kwargs)

    taps.replace(torch.autograd, "backward", backward)
