"""Calls a network a second time, with one part of its input changed, and notes which of its outputs moved.

Side experiments inside an undyed run: in evaluation mode, without gradient, with every random state put back, nothing
logged. Three of them: another row of the batch, a later token, the embeddings of padding.
"""

from __future__ import annotations

from typing import Any

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
        first = inputs[0] if inputs else None
        result = _main_output(torch, output)
        if not isinstance(first, torch.Tensor) or first.dim() < 2 or first.shape[0] < 2 or result is None:
            return
        if result.shape[0] != first.shape[0] or first.numel() > MAX_ELEMENTS:
            return
        self.done.add(label)
        self.depth += 1
        modes = [(m, m.training) for m in module.modules()]
        random = torch.get_rng_state()
        try:
            module.eval()
            with torch.no_grad():
                self._experiments(label, module, inputs, kwargs, first)
        except Exception as error:
            self.found.append({"network": label, "error": f"{type(error).__name__}: {error}"[:200]})
        finally:
            for one, training in modes:
                one.training = training
            torch.set_rng_state(random)
            self.depth -= 1

    def _again(self, module: Any, inputs: Any, kwargs: Any) -> Any:
        return to_array(_main_output(self.torch, module(*inputs, **kwargs)))

    def _experiments(self, label: str, module: Any, inputs: Any, kwargs: Any, first: Any) -> None:
        import numpy as np

        base = self._again(module, inputs, kwargs)
        twice = self._again(module, inputs, kwargs)
        row: dict[str, Any] = {"network": label, "rows": first.shape[0], "shape": list(first.shape), "output": list(base.shape)}
        self.found.append(row)
        if not np.array_equal(base, twice, equal_nan=True):
            row["error"] = "two calls in evaluation mode differ"
            return
        place = first.shape[0] // 2
        changed = self._again(module, (_changed(self.torch, first, (place,)), *inputs[1:]), kwargs)
        moved = _moved(base, changed, 0)
        row.update(own_row=bool(moved[place]), other_rows=int(moved.sum() - moved[place]))
        if not first.is_floating_point() and first.dim() == 2 and first.dtype is not self.torch.bool:
            self._tokens(row, module, inputs, kwargs, first, base)

    def _tokens(self, row: dict[str, Any], module: Any, inputs: Any, kwargs: Any, first: Any, base: Any) -> None:
        length = first.shape[1]
        row["causal_labels"] = self._shifted_labels(first, inputs, kwargs)
        if length >= 4 and base.ndim >= 2 and base.shape[1] == length:
            place = length - 2
            later = self._again(module, (_changed(self.torch, first, (slice(None), place)), *inputs[1:]), kwargs)
            moved = _moved(base, later, 1)
            row.update(token_changed=place, earlier_positions=int(moved[:place].sum()), own_position=bool(moved[place:].any()))
        padding = _padding(self.torch, first)
        embeddings = [m for m in module.modules() if isinstance(m, self.torch.nn.Embedding)]
        if padding is not None and embeddings:
            self._padding(row, module, inputs, kwargs, first, base, padding, embeddings)

    def _padding(
        self, row: dict[str, Any], module: Any, inputs: Any, kwargs: Any, first: Any, base: Any, padding: Any, embeddings: Any
    ) -> None:
        """The embeddings of padding moved: positions that are not padding must not answer."""
        hit = [0]

        def move(_: Any, given: Any, output: Any) -> Any:
            if given and given[0].shape == first.shape and self.torch.equal(given[0], first):
                hit[0] += 1
                return output + 0.7 * padding.unsqueeze(-1).to(output.dtype)
            return None

        handles = [m.register_forward_hook(move) for m in embeddings]
        try:
            moved_run = self._again(module, inputs, kwargs)
        finally:
            for handle in handles:
                handle.remove()
        if not hit[0]:
            return
        pad = to_array(padding)
        moved = (base != moved_run).reshape(*base.shape[:2], -1).any(axis=2) if base.ndim >= 2 else base != moved_run
        if base.ndim >= 2 and base.shape[:2] == pad.shape:
            row.update(padding=int(pad.sum()), other_positions=int((moved & ~pad).sum()))
        else:
            rows = moved.reshape(base.shape[0], -1).any(axis=1)
            row.update(padding=int(pad.sum()), other_positions=int(rows[pad.any(axis=1)].sum()), pooled=True)

    def _shifted_labels(self, first: Any, inputs: Any, kwargs: Any) -> bool:
        """Whether whole numbers of the same shape that are the tokens one place on have been seen: next-token labels."""
        torch = self.torch
        candidates = [*inputs[1:], *kwargs.values(), *self.tokens]
        for one in candidates:
            if isinstance(one, torch.Tensor) and one.shape == first.shape and not one.is_floating_point():
                a, b = one[:, :-1], first[:, 1:]
                same = (a == b) | (a < 0) | (b == 0)
                if bool(same.float().mean() > 0.95) and not torch.equal(one, first):
                    return True
        return any(
            t.dim() == 2 and t.shape[0] == first.shape[0] and t.shape[1] == first.shape[1] + 1
            and torch.equal(t[:, :-1], first)
            for t in self.tokens
        )

    def saw(self, tensor: Any) -> None:
        """A tensor of whole numbers [rows, positions] that an operation put out or took."""
        if len(self.tokens) > 64:
            del self.tokens[:32]
        self.tokens.append(tensor)


def _main_output(torch: Any, output: Any) -> Any:
    """The output, or the first floating tensor with rows of several."""
    parts = output.values() if isinstance(output, dict) else output if isinstance(output, tuple | list) else (output,)
    return next((o for o in parts if isinstance(o, torch.Tensor) and o.is_floating_point() and o.dim() >= 1), None)


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


def _padding(torch: Any, tokens: Any) -> Any:
    """Which positions [rows, positions] are trailing repeats of one token, in rows of different lengths; or None."""
    last = tokens[:, -1]
    values, counts = last.unique(return_counts=True)
    token = values[counts.argmax()]
    trailing = (tokens == token).flip(1).long().cumprod(1).flip(1).bool()
    lengths = trailing.sum(1)
    if int((lengths >= 2).sum()) < 2 or len(lengths.unique()) < 2 or bool((lengths == tokens.shape[1]).any()):
        return None
    return trailing
