"""Calls a network a second time, with one part of its input changed, and notes which of its outputs moved.

Side experiments inside an undyed run: in evaluation mode, without gradient, with every random state put back, nothing
logged: another row of the batch, a later token, the embeddings of padding, more padding. What the loss asks of each
token is read off the gradient of the run's own backward call.
"""

from __future__ import annotations

import inspect
import sys
from typing import Any

from .. import callsite
from . import asked, makers, masks, padding
from .oplog import to_array
from .session import Session

MAX_NETWORKS, MAX_ELEMENTS = 12, 2_000_000


class Recalls:
    """Each network once, at its first call with a gradient and at least two rows."""

    def __init__(self, torch: Any, session: Session) -> None:
        self.torch, self.session = torch, session
        self.done: set[str] = set()
        self.depth = 0
        self.tokens: list[Any] = []
        self.found: list[dict[str, Any]] = session.notes.setdefault("recalls", [])

    def look(self, label: str, module: Any, inputs: Any, kwargs: Any, output: Any) -> None:
        """After a call of an outermost network."""
        torch = self.torch
        if self.depth or label in self.done or len(self.done) >= MAX_NETWORKS or not torch.is_grad_enabled():
            return
        inputs, kwargs = _first_in_place(module, inputs, kwargs)
        first: Any = inputs[0] if inputs else None
        result = _main_output(torch, output)
        if not isinstance(first, torch.Tensor) or first.dim() < 2 or first.shape[0] < 2 or result is None:
            return
        if result.shape[0] != first.shape[0] or first.numel() > MAX_ELEMENTS:
            return
        self.done.add(label)
        self.depth += 1
        row: dict[str, Any] = {
            "network": label,
            "rows": first.shape[0],
            "shape": list(first.shape),
            "output": list(result.shape),
        }
        self.found.append(row)
        modes = [(m, m.training) for m in module.modules()]
        random = torch.get_rng_state()
        try:
            module.eval()
            with torch.no_grad():
                self._experiments(row, module, inputs, kwargs, first)
        except Exception as error:
            row["error"] = f"{type(error).__name__}: {error}"[:200]
        finally:
            for one, training in modes:
                one.training = training
            torch.set_rng_state(random)
            self.depth -= 1
        if first.dim() == 2 and result.shape[:2] == first.shape and result.dim() == 3 and not first.is_floating_point():
            self._watch_targets(row, module, first, result, [*inputs[1:], *kwargs.values()])

    def _again(self, module: Any, inputs: Any, kwargs: Any) -> Any:
        return to_array(_main_output(self.torch, module(*inputs, **kwargs)))

    def _watch_targets(self, row: dict[str, Any], module: Any, tokens: Any, result: Any, beside: list[Any]) -> None:
        """Adds to the row, at the first backward call, which token the loss asks for at each place."""
        torch, session = self.torch, self.session
        if not result.requires_grad:
            return
        pad = padding.of_tokens(torch, tokens, beside)
        row["padding_said"] = pad is not None and (
            pad.said is not None or _is_padding_index(torch, module, tokens, pad)
        )
        tokens = tokens.detach().clone()

        def hook(gradient: Any) -> None:
            session.quiet += 1
            try:
                if "places_counted" not in row:
                    row.update(asked.read(tokens, gradient.detach(), pad and pad.mask))
            except Exception:
                session.fail()
            finally:
                session.quiet -= 1

        result.register_hook(hook)

    def _experiments(self, row: dict[str, Any], module: Any, inputs: Any, kwargs: Any, first: Any) -> None:
        import numpy as np

        base = self._again(module, inputs, kwargs)
        twice = self._again(module, inputs, kwargs)
        row["output"] = list(base.shape)
        if not np.array_equal(base, twice, equal_nan=True):
            row["error"] = "two calls in evaluation mode differ"
            return
        place = first.shape[0] // 2
        given = (_changed(self.torch, first, (place,)), *inputs[1:])
        moved = _moved(base, self._again(module, given, kwargs), 0)
        row.update(own_row=bool(moved[place]), other_rows=int(moved.sum() - moved[place]))
        if row["other_rows"] and not moved[:place].any() and _is_one_sequence(module, first):
            row["other_rows"] = 0
        if row["other_rows"]:
            keep = np.arange(len(moved)) != place
            row["at"] = makers.mixing(self.torch, module, inputs, given, kwargs, place) or self._line(
                module, inputs, given, kwargs, lambda d: _rows_moved(d, keep), first.shape[:1]
            )
        if not first.is_floating_point() and first.dim() == 2 and first.dtype is not self.torch.bool:
            self._tokens(row, module, inputs, kwargs, first, base)
        elif first.is_floating_point() and first.dim() == 3:
            self._longer(row, module, inputs, kwargs, first, base)

    def _longer(self, row: dict[str, Any], module: Any, inputs: Any, kwargs: Any, first: Any, base: Any) -> None:
        """The same sequences with more padding behind them: nothing before it may answer."""
        pad = padding.of_numbers(self.torch, first, [*inputs[1:], *kwargs.values()])
        if pad is None:
            return
        given, named = (padding.longer(self.torch, first, pad, x) for x in (inputs, kwargs))
        before = lines_of(self.torch, module, inputs, kwargs)
        try:
            moved_run = self._again(module, given, named)
            after = lines_of(self.torch, module, given, named)
        except Exception:
            return  # a network for one length only
        places = first.shape[1]
        keep = ~to_array(pad.mask)
        row["padding"] = int((~keep).sum())
        if base.ndim >= 2 and base.shape[:2] == keep.shape and moved_run.shape[1] == places + padding.LONGER:
            moved = _apart(base, moved_run[:, :places]).reshape(*keep.shape, -1).any(axis=2)
            row["other_positions"] = int((moved & keep).sum())
        elif base.shape == moved_run.shape:
            row.update(other_positions=int(_moved_rows(base, moved_run).sum()), pooled=True)
        if row.get("other_positions"):
            row["at"] = first_line(before, after, lambda d: bool(d.any()), first.shape[:1])

    def _tokens(self, row: dict[str, Any], module: Any, inputs: Any, kwargs: Any, first: Any, base: Any) -> None:
        length = first.shape[1]
        row["causal_labels"] = self._shifted_labels(first, inputs, kwargs)
        if length >= 4 and base.ndim >= 2 and base.shape[1] == length:
            place = length - 2
            given = (_changed(self.torch, first, (slice(None), place)), *inputs[1:])
            moved = _moved(base, self._again(module, given, kwargs), 1)
            row.update(
                token_changed=place, earlier_positions=int(moved[:place].sum()), own_position=bool(moved[place:].any())
            )
            if row["earlier_positions"]:
                lines = lines_of(self.torch, module, inputs, kwargs)
                row["at"] = masks.causal(lines, length) or self._line(
                    module, inputs, given, kwargs, lambda d: bool(d[:, :place].any()), first.shape
                )
        pad = padding.of_tokens(self.torch, first, [*inputs[1:], *kwargs.values()])
        embeddings = [m for m in module.modules() if isinstance(m, self.torch.nn.Embedding)]
        if pad is not None and embeddings:
            self._padding(row, module, inputs, kwargs, first, base, pad.mask, embeddings)

    def _padding(
        self,
        row: dict[str, Any],
        module: Any,
        inputs: Any,
        kwargs: Any,
        first: Any,
        base: Any,
        mask: Any,
        embeddings: Any,
    ) -> None:
        """The embeddings of padding moved: positions that are not padding must not answer."""
        hit = [0]

        def move(_: Any, given: Any, output: Any) -> Any:
            if given and given[0].shape == first.shape and self.torch.equal(given[0], first):
                hit[0] += 1
                return output + 0.7 * mask.unsqueeze(-1).to(output.dtype)
            return None

        pad = to_array(mask)
        before = lines_of(self.torch, module, inputs, kwargs)
        handles = [m.register_forward_hook(move) for m in embeddings]
        try:
            moved_run = self._again(module, inputs, kwargs)
            after = lines_of(self.torch, module, inputs, kwargs)
        finally:
            for handle in handles:
                handle.remove()
        if not hit[0]:
            return
        at = first_line(before, after, lambda d: bool(d[~pad].any()), pad.shape)
        if at is None:
            at = first_line(before, after, lambda d: bool(d.any()), pad.shape[:1], exactly=True)
        whole = masks.padded(before, pad) if at is not None else None
        if at is not None:
            row["at"] = whole or at
        moved = (base != moved_run).reshape(*base.shape[:2], -1).any(axis=2) if base.ndim >= 2 else base != moved_run
        if base.ndim >= 2 and base.shape[:2] == pad.shape:
            row.update(padding=int(pad.sum()), other_positions=int((moved & ~pad).sum()))
        else:
            rows = moved.reshape(base.shape[0], -1).any(axis=1)
            row.update(padding=int(pad.sum()), other_positions=int(rows[pad.any(axis=1)].sum()), pooled=True)

    def _line(self, module: Any, inputs: Any, given: Any, kwargs: Any, moved: Any, shape: Any) -> Any:
        """The user's line in the network after which a value of that leading shape has moved where it must not."""
        before = lines_of(self.torch, module, inputs, kwargs)
        return first_line(before, lines_of(self.torch, module, given, kwargs), moved, tuple(shape))

    def _shifted_labels(self, first: Any, inputs: Any, kwargs: Any) -> bool:
        """Whether labels that are the tokens one place on have been seen: whole numbers of the same shape."""
        torch = self.torch
        candidates = [*inputs[1:], *kwargs.values(), *self.tokens]
        for one in candidates:
            if isinstance(one, torch.Tensor) and one.shape == first.shape and not one.is_floating_point():
                a, b = one[:, :-1], first[:, 1:]
                same = (a == b) | (a < 0) | (b == 0)
                if bool(same.float().mean() > 0.95) and not torch.equal(one, first):
                    return True
        return any(
            t.dim() == 2
            and t.shape[0] == first.shape[0]
            and t.shape[1] == first.shape[1] + 1
            and torch.equal(t[:, :-1], first)
            for t in self.tokens
        )

    def saw(self, tensor: Any) -> None:
        """A tensor of whole numbers [rows, positions] that an operation put out or took."""
        if len(self.tokens) > 64:
            del self.tokens[:32]
        self.tokens.append(tensor)


def lines_of(torch: Any, module: Any, inputs: Any, kwargs: Any) -> list[tuple[Any, int, str, Any]]:
    """A call of a network with its lines traced: (code, line, variable, array) of each tensor that a line of the user's
    gave a name, and of what functions of the user's return."""
    found: list[tuple[Any, int, str, Any]] = []

    def trace(frame: Any, event: str, arg: Any) -> Any:
        if callsite.kind_of(frame.f_code.co_filename) != callsite.USER:
            return None
        held = [frame.f_lineno, {n: id(v) for n, v in frame.f_locals.items()}]

        def local(frame: Any, event: str, arg: Any) -> Any:
            if event in ("line", "return") and len(found) < 4000:
                for name, value in list(frame.f_locals.items()):
                    if isinstance(value, torch.Tensor) and held[1].get(name) != id(value):
                        found.append((frame.f_code, held[0], name, to_array(value)))
                if event == "return" and isinstance(arg, torch.Tensor):
                    found.append((frame.f_code, held[0], "<return>", to_array(arg)))
                held[0], held[1] = frame.f_lineno, {n: id(v) for n, v in frame.f_locals.items()}
            return local

        return local

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        module(*inputs, **kwargs)
    finally:
        sys.settrace(before)
    return found


def first_line(before: Any, after: Any, moved: Any, shape: tuple[int, ...], *, exactly: bool = False) -> Any:
    """{file, line, text} of the first value of that leading shape for whose changes (bool array) `moved` holds."""
    for (code, line, name, a), (code2, line2, name2, b) in zip(before, after, strict=False):
        if (code, line, name) != (code2, line2, name2) or a is None or b is None or a.shape != b.shape:
            continue
        if a.shape[: len(shape)] != shape or (exactly and a.ndim > len(shape) + 1):
            continue
        different = ~((a == b) | ((a != a) & (b != b)))
        different = different.reshape(*shape, -1).any(axis=-1)
        if different.any() and moved(different):
            return callsite.at(code.co_filename, line)
    return None


def _first_in_place(module: Any, inputs: Any, kwargs: Any) -> tuple[Any, Any]:
    """Arguments of a call with the first one in its place, where all were given by name (`model(**batch)`)."""
    if inputs or not kwargs:
        return inputs, kwargs
    try:
        first = next(iter(inspect.signature(module.forward).parameters))
    except (StopIteration, TypeError, ValueError):
        return inputs, kwargs
    if first not in kwargs:
        return inputs, kwargs
    return (kwargs[first],), {k: v for k, v in kwargs.items() if k != first}


def _rows_moved(different: Any, others: Any) -> bool:
    return bool(different[others].any())


def _main_output(torch: Any, output: Any) -> Any:
    """The output, or the first floating tensor with rows of several."""
    parts = output.values() if isinstance(output, dict) else output if isinstance(output, tuple | list) else (output,)
    return next((o for o in parts if isinstance(o, torch.Tensor) and o.is_floating_point() and o.dim() >= 1), None)


def _is_one_sequence(module: Any, first: Any) -> bool:
    """Whether the leading dimension is time: one sequence [steps, 1, values] given to a recurrent layer as torch has it
    by default."""
    layers = [m for m in module.modules() if hasattr(m, "batch_first")]
    return first.dim() == 3 and first.shape[1] == 1 and bool(layers) and not any(m.batch_first for m in layers)


def _changed(torch: Any, tensor: Any, place: tuple[Any, ...]) -> Any:
    new = tensor.clone()
    if tensor.is_floating_point():
        new[place] = new[place] * 1.3 + 0.5
    elif tensor.dtype is torch.bool:
        new[place] = ~new[place]
    else:
        low, high = int(tensor.min()), int(tensor.max())
        new[place] = (new[place] - low + 1) % max(high - low + 1, 1) + low
    return new


def _moved(base: Any, other: Any, axis: int) -> Any:
    """Along an axis, where anything differs."""
    import numpy as np

    different = ~((base == other) | ((base != base) & (other != other)))
    return np.moveaxis(different, axis, 0).reshape(base.shape[axis], -1).any(axis=1)


def _apart(base: Any, other: Any) -> Any:
    """Where two outputs differ by more than a sum over more places may be rounded (1e-5 of the largest number)."""
    import numpy as np

    return np.abs(base - other) > 1e-5 * max(float(np.abs(base).max()), 1e-6)


def _moved_rows(base: Any, other: Any) -> Any:
    return _apart(base, other).reshape(base.shape[0], -1).any(axis=1)


def _is_padding_index(torch: Any, module: Any, tokens: Any, pad: padding.Padding) -> bool:
    """Whether an embedding names the token of padding as such."""
    token = int(tokens[pad.mask][0])
    return any(isinstance(m, torch.nn.Embedding) and m.padding_idx == token for m in module.modules())
