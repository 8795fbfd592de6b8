"""Finds the operation that gives the first value that is not a number (NaN), in a run of its own.

Flows in: every operation of torch's Python interface (a function mode, so those inside networks too), and every
backward call, in torch's anomaly mode. Flows out: `not_a_number` among the run's notes; the run ends there. Source of
the method for gradients: torch.autograd.set_detect_anomaly.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterable, Iterator
from functools import wraps
from typing import Any

from .. import callsite
from .session import Session

_SAID = re.compile(r"Function '(\w+?)(?:Backward\d*)?' returned nan")
_BACKWARD = re.compile(r"Backward\d*$")
_FRAME = re.compile(r'File "([^"]+)", line (\d+)')
UNFILLED = frozenset(("empty", "empty_like", "empty_strided", "empty_permuted", "new_empty", "new_empty_strided"))
"""What these give is memory as it was."""
ON_PURPOSE = frozenset(("masked_fill", "masked_fill_", "full", "full_like", "new_full", "tensor", "where", "fill_"))
"""An infinity of these was asked for."""
DIVISIONS = frozenset(("div", "div_", "true_divide", "__truediv__", "divide"))
NOT_BELOW_0 = frozenset(("log", "log2", "log10", "sqrt", "rsqrt", "pow"))
FROM_DATA = frozenset(("tensor", "as_tensor", "from_numpy", "asarray", "frombuffer", "load"))


def install(torch: Any, session: Session) -> None:
    """Watches from now on; called when torch has been imported, after the other taps."""
    watch = _Watch(torch, session)
    overrides = sys.modules["torch.overrides"]

    class Mode(overrides.TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            watch.quietly(func, (args, kwargs), result)
            return result

    torch.autograd.set_detect_anomaly(True)
    for name in ("backward", "grad"):
        setattr(torch.autograd, name, watch.over(getattr(torch.autograd, name)))
    Mode().__enter__()


class _Watch:
    """What has been seen so far: the first infinity that nobody asked for, in a value and in a gradient."""

    def __init__(self, torch: Any, session: Session) -> None:
        self.torch, self.session = torch, session
        self.infinity: dict[str, Any] | None = None
        self.slope: dict[str, Any] | None = None

    def quietly(self, func: Any, given: Any, result: Any) -> None:
        """Looks at one operation, with the other taps off."""
        if self.session.quiet:
            return
        self.session.quiet += 1
        try:
            self._look(func, given, result)
            self._watch_slopes(result)
        except Exception:
            self.session.fail()
        finally:
            self.session.quiet -= 1

    def over(self, original: Any) -> Any:
        """A backward call in which anomaly mode's error ends the run with what it says."""

        @wraps(original)
        def called(*args: Any, **kwargs: Any) -> Any:
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                try:
                    return original(*args, **kwargs)
                except RuntimeError as error:
                    match = _SAID.search(str(error))
                    if match is None:
                        raise
                    where = forward_line([str(w.message) for w in said])
            return self._tell("gradient", False, self.slope or {"operation": match[1], **where})

        return called

    def _look(self, func: Any, given: Any, result: Any) -> None:
        name = str(getattr(func, "__name__", ""))
        outputs = [t for t in self._tensors(result) if t.numel()]
        if not outputs or name in UNFILLED or not self._any("isfinite", outputs, odd=True):
            return
        inputs = list(self._tensors(given))
        if self._any("isnan", inputs):
            return
        infinite = self._any("isinf", inputs)
        here = {"operation": name, **place(self.session)}
        if self._any("isnan", outputs):
            kind = "data" if name in FROM_DATA and not inputs else "operation"
            self._tell(kind, infinite, {**given_what(name, inputs), **here})
        elif not infinite and self.infinity is None and name not in ON_PURPOSE:
            self.infinity = here

    def _watch_slopes(self, result: Any) -> None:
        """Anomaly mode sees NaN alone; the infinity that became one was made earlier in the backward pass."""
        for one in result if isinstance(result, (list, tuple)) else (result,):
            node = getattr(one, "grad_fn", None) if isinstance(one, self.torch.Tensor) else None
            if node is not None:
                here = {"operation": _BACKWARD.sub("", node.name()), **place(self.session)}
                node.register_hook(lambda into, out, here=here: self._slope(into, out, here))

    def _slope(self, into: Any, out: Any, here: dict[str, Any]) -> None:
        if self.slope is None and not self._any("isfinite", self._tensors(out), odd=True):
            self.slope = here if self._any("isinf", self._tensors(into)) else None

    def _any(self, what: str, tensors: Iterable[Any], *, odd: bool = False) -> bool:
        """Whether `what` holds of any number (`odd`: does not)."""
        test = getattr(self.torch, what)
        return any(bool((~test(t) if odd else test(t)).any()) for t in tensors)

    def _tensors(self, value: Any, depth: int = 0) -> Iterator[Any]:
        if isinstance(value, self.torch.Tensor):
            if value.is_floating_point() and value.layout == self.torch.strided:
                yield value.detach()
        elif isinstance(value, (dict, list, tuple)) and depth < 4:
            for one in value.values() if isinstance(value, dict) else value:
                yield from self._tensors(one, depth + 1)

    def _tell(self, kind: str, infinite: bool, found: dict[str, Any]) -> None:
        session = self.session
        told = {"kind": kind, "infinite": infinite, "first_infinity": self.infinity if infinite else None}
        session.notes["not_a_number"] = {**told, "update": session.log.update, **found}
        session.finish("found")


def given_what(name: str, inputs: list[Any]) -> dict[str, Any]:
    """What about the inputs [tensors] of an operation made the NaN: zeros that it divides by, the least argument."""
    if name in DIVISIONS and len(inputs) > 1:
        return {"zeros": int((inputs[-1] == 0).sum())}
    return {"least": float(inputs[0].min())} if name in NOT_BELOW_0 and inputs else {}


def place(session: Session) -> dict[str, Any]:
    """The user's line that is running, else the nearest outside torch; nothing where there is none."""
    held = session.log.site_list[session.site(sys._getframe(1))]
    if held is None:
        return {}
    file, line, user_file, user_line, *_ = held
    return {"file": user_file, "line": user_line} if user_file else {"file": file, "line": line}


def forward_line(said: list[str]) -> dict[str, Any]:
    """The user's innermost line in the traceback of the forward call, as anomaly mode warns of it."""
    frames = [(f, int(n)) for text in said if "forward call" in text for f, n in _FRAME.findall(text)]
    own = [(f, n) for f, n in frames if callsite.kind_of(f) == callsite.USER]
    return {"file": own[-1][0], "line": own[-1][1]} if own else {}
