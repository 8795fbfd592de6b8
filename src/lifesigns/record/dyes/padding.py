"""Which places of a batch of sequences are padding: by the mask or lengths beside them, else by what tokens repeat.

Flows in: what a network is given. Flows out: a mask [rows, places], True at padding, and the tensor that says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LONGER = 3
"""Places of padding that are added to see whether a network counts them."""


@dataclass(frozen=True)
class Padding:
    """`mask` [rows, places]: True at padding; `said`: the mask or lengths that say so, None where tokens show it."""

    mask: Any
    said: Any = None


def of_tokens(torch: Any, tokens: Any, beside: list[Any]) -> Padding | None:
    """Padding of whole numbers [rows, places]: said by a mask or by lengths, else repeats of one token at one end of
    rows of different lengths; None where there is none."""
    said = _said(torch, tokens.shape, beside)
    if said is not None:
        return said if len(tokens[said.mask].unique()) == 1 else None
    return _repeated(tokens)


def of_numbers(torch: Any, given: Any, beside: list[Any]) -> Padding | None:
    """Padding at the end of numbers [rows, places, features]: said by a mask or lengths beside them, and constant."""
    said = _said(torch, given.shape[:2], beside)
    if said is None or bool(said.mask[:, 0].any()):
        return None
    filled = given[said.mask]
    return said if bool((filled == filled[0]).all()) else None


def longer(torch: Any, given: Any, padding: Padding, arguments: Any) -> Any:
    """`arguments` (a list or a mapping) with `LONGER` places of padding more in `given` [rows, places, features] and in
    the mask beside it."""
    fill = given[padding.mask][0].expand(given.shape[0], LONGER, -1)
    new = {id(given): torch.cat([given, fill], dim=1)}
    if padding.said.dim() == 2:
        flag = padding.said[padding.mask][0].expand(given.shape[0], LONGER)
        new[id(padding.said)] = torch.cat([padding.said, flag], dim=1)
    if isinstance(arguments, dict):
        return {k: new.get(id(v), v) for k, v in arguments.items()}
    return [new.get(id(v), v) for v in arguments]


def _said(torch: Any, shape: Any, beside: list[Any]) -> Padding | None:
    """What another tensor says: lengths [rows], or a mask [rows, places] of places that are kept or left out."""
    rows, places = shape[0], shape[1]
    for one in beside:
        if not isinstance(one, torch.Tensor) or one.is_complex() or not one.numel():
            continue
        if one.dim() == 1 and len(one) == rows and not one.is_floating_point() and one.dtype is not torch.bool:
            if 0 < int(one.min()) < places and int(one.max()) == places:
                return Padding(torch.arange(places)[None, :] >= one.reshape(-1, 1).cpu(), one)
        elif tuple(one.shape) == (rows, places) and set(one.unique().tolist()) == {0, 1}:
            kept = one.bool()
            for left_out in (~kept, kept):
                if _at_one_end(left_out) and not bool(left_out.all(1).any()):
                    return Padding(left_out, one)
    return None


def _at_one_end(mask: Any) -> bool:
    """Whether each row's True places run up to its end, or each row's from its beginning; and one row is full."""
    numbers = mask.long()
    trailing = bool((numbers[:, 1:] >= numbers[:, :-1]).all())
    leading = bool((numbers[:, 1:] <= numbers[:, :-1]).all())
    return (trailing or leading) and not bool(mask.any(1).all())


def _repeated(tokens: Any) -> Padding | None:
    """Repeats of one token at the end, else at the beginning, in rows of different lengths, and nowhere else."""
    for flipped in (tokens, tokens.flip(1)):
        values, counts = flipped[:, -1].unique(return_counts=True)
        token = values[counts.argmax()]
        trailing = (flipped == token).flip(1).long().cumprod(1).flip(1).bool()
        lengths = trailing.sum(1)
        few = int((lengths >= 2).sum()) < 2 or len(lengths.unique()) < 2
        elsewhere = int((flipped == token).sum()) > int(lengths.sum())  # a token of the text itself
        if not few and not elsewhere and not bool((lengths == tokens.shape[1]).any()):
            return Padding(trailing if flipped is tokens else trailing.flip(1))
    return None
