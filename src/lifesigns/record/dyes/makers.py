"""Where modules of torch's own were made, and which of them mixes the rows of a batch: an option is wrong where it is
given, not where the module is called. And where a network was last put into training or evaluation mode.

Flows in: constructors of modules, and a network called with two inputs. Flows out: the user's line of a constructor.
"""

from __future__ import annotations

import sys
import weakref
from functools import wraps
from typing import Any

from .. import callsite

_made: dict[int, tuple[Any, Any]] = {}
_modes: dict[int, tuple[Any, Any]] = {}


def install(torch: Any) -> None:
    """Notes the user's line of each module that is made from now on, by a weak reference to it."""
    original = torch.nn.Module.__init__

    @wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        if type(self).__module__.startswith("torch."):
            user = callsite.user_frame(sys._getframe(1))
            if user is not None:
                _made[id(self)] = (weakref.ref(self), (user.f_code.co_filename, user.f_lineno))

    torch.nn.Module.__init__ = __init__


def watch_modes(torch: Any) -> None:
    """Notes the user's line that last called `train` (or `eval`, which calls it) of each module."""
    original = torch.nn.Module.train

    @wraps(original)
    def train(self: Any, *args: Any, **kwargs: Any) -> Any:
        user = callsite.user_frame(sys._getframe(1))
        if user is not None:
            _modes[id(self)] = (weakref.ref(self), (user.f_code, user.f_lineno))
        return original(self, *args, **kwargs)

    torch.nn.Module.train = train


def mode_of(module: Any) -> dict[str, Any]:
    """Whether a module is in training mode, where the function that calls it set the mode, at which line, and how many
    layers with running statistics take in what it is given."""
    held = _modes.get(id(module))
    user = callsite.user_frame(sys._getframe(1))
    here = held is not None and held[0]() is module and user is not None and user.f_code is held[1][0]
    place = callsite.at(held[1][0].co_filename, held[1][1]) if held is not None and here else None
    norms = [m for m in module.modules() if m.training and getattr(m, "running_mean", None) is not None]
    return {"training": bool(module.training), "at": place, "statistics": len(norms)}


def made_at(module: Any) -> Any:
    """{file, line, text} of the line of the user's that made a module; None where it is not known."""
    held = _made.get(id(module))
    return callsite.at(*held[1]) if held is not None and held[0]() is module else None


def note_drawing(notes: dict[str, Any], label: str, module: Any) -> None:
    """Notes (`drawing`) the line that made the first layer of a network that is in training mode and puts out something
    else each time it is called, as dropout does."""
    layers = (m for m in module.modules() if type(m).__module__ == "torch.nn.modules.dropout")
    place = next((p for m in layers if m.training and m.p > 0 and (p := made_at(m)) is not None), None)
    if place is not None:
        notes.setdefault("drawing", {})[label] = place


def mixing(torch: Any, module: Any, inputs: Any, given: Any, kwargs: Any, row: int) -> Any:
    """The line that made the first of torch's modules which, given a change of one row alone, changes others; None
    where there is none, or its line is not known."""
    leaves = [m for m in module.modules() if type(m).__module__.startswith("torch.") and not _is_container(torch, m)]
    calls = [_calls(torch, module, leaves, x, kwargs) for x in (inputs, given)]
    for (one, a, out_a), (_, b, out_b) in zip(*calls, strict=False):
        moved_in, moved_out = _rows(torch, a, b), _rows(torch, out_a, out_b)
        if moved_in is not None and moved_out is not None and moved_in == {row} and moved_out - {row}:
            return made_at(one)
    return None


def _is_container(torch: Any, module: Any) -> bool:
    return isinstance(module, torch.nn.Sequential | torch.nn.ModuleList | torch.nn.ModuleDict)


def _calls(torch: Any, module: Any, leaves: Any, inputs: Any, kwargs: Any) -> list[tuple[Any, Any, Any]]:
    """(module, its first input, its first output) of each call of these modules, in order."""
    found: list[tuple[Any, Any, Any]] = []

    def hook(one: Any, given: Any, output: Any) -> None:
        first = next((x for x in given if isinstance(x, torch.Tensor)), None)
        out: Any = output[0] if isinstance(output, tuple | list) and output else output
        if first is not None and isinstance(out, torch.Tensor):
            found.append((one, first.detach().clone(), out.detach().clone()))

    handles = [m.register_forward_hook(hook) for m in leaves]
    try:
        module(*inputs, **kwargs)
    finally:
        for handle in handles:
            handle.remove()
    return found


def _rows(torch: Any, a: Any, b: Any) -> set[int] | None:
    """The rows in which two tensors differ; None where they cannot be compared."""
    if a.shape != b.shape or a.dim() < 2:
        return None
    different = ~((a == b) | ((a != a) & (b != b)))
    return set(torch.nonzero(different.reshape(a.shape[0], -1).any(1)).reshape(-1).tolist())
