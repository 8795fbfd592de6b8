"""What the loss asks of each place of a sequence, read off the gradient at the network's output.

Under a cross-entropy the gradient at the logits of a place is (softmax - one-hot) times a weight: it sums to zero, and
its smallest number stands at the target. So the targets are known, whoever made them and wherever they were shifted.
"""

from __future__ import annotations

from typing import Any


def read(tokens: Any, gradient: Any, padding: Any) -> dict[str, int]:
    """Counts over tokens [rows, places] and the gradient [rows, places, vocabulary] at the output: places that the loss
    counts, those whose target is the token given there, those whose target is the next one, and places of padding whose
    target is padding; nothing where the loss is no cross-entropy."""
    size = gradient.abs().amax(-1)
    counted = size > 0
    if not bool(counted.any()) or not bool((gradient.sum(-1).abs() <= 1e-3 * size).all()):
        return {}
    wanted = gradient.argmin(-1)
    following = counted[:, :-1] & (wanted[:, :-1] == tokens[:, 1:])
    found = {
        "places_counted": int(counted.sum()),
        "own_token": int((counted & (wanted == tokens)).sum()),
        "next_token": int(following.sum()),
    }
    if padding is not None and bool(padding.any()):
        token = tokens[padding][0]
        found["padding_counted"] = int((counted & padding & (wanted == token)).sum())
    return found
