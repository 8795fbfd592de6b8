"""The user's line that made a mask of attention, where what it should keep out comes in.

Flows in: the tensors that the user's lines named while a network was called. Flows out: a line, or None.
"""

from __future__ import annotations

from typing import Any

from .. import callsite


def causal(lines: Any, places: int) -> Any:
    """The first line that named a mask [.., places, places] by which places see later ones: True where they may be seen
    (the diagonal is), or True where they may not (the diagonal is not). Of a mask that also leaves out padding, both
    may be so in part; one that is its own mirror image is of padding, or no mask at all."""
    import numpy as np

    for code, line, _, array in lines:
        mask = _flags(array, places)
        if mask is None:
            continue
        one = mask.reshape(-1, places, places)[0]
        own = np.diagonal(one)
        if np.array_equal(one, one.T) or not (own.all() or not own.any()):
            continue
        if np.triu(one if own.all() else ~one, 1).any():
            return callsite.at(code.co_filename, line)
    return None


def padded(lines: Any, pad: Any) -> Any:
    """The last line that named a mask [rows, .., places, places] by which places that are not padding see padding
    (`pad` [rows, places]: True there); the line that returned it, where a function of the user's made it."""
    import numpy as np

    rows, places = pad.shape
    found = returned = None
    for code, line, name, array in lines:
        mask = _flags(array, places)
        if mask is None or mask.ndim < 3 or mask.shape[0] != rows:
            continue
        one = mask.reshape(rows, -1, places, places)[:, 0]
        own = np.diagonal(one, axis1=1, axis2=2)[~pad]
        if not (own.all() or not own.any()):
            continue  # neither what may be seen nor what may not
        seen = one if own.all() else ~one
        if bool((seen & ~pad[:, :, None] & pad[:, None, :]).any()):
            if not (returned is not None and returned[0] is not code and np.array_equal(returned[1], mask)):
                found = callsite.at(code.co_filename, line)
            returned = (code, mask) if name == "<return>" else None
    return found


def _flags(array: Any, places: int) -> Any:
    """A mask as bool [.., places, places]: flags, or numbers of which some are too low for a softmax."""
    if array is None or array.ndim < 2 or array.shape[-2:] != (places, places) or not array.size:
        return None
    if array.dtype == bool:
        return array
    return array > LOW if array.dtype.kind == "f" and bool((array < LOW).any()) and bool((array == 0).any()) else None


LOW = -1e4
"""A logit below which a softmax gives nothing; assumed."""
