"""Gymnasium spaces as plain data."""

from __future__ import annotations

from typing import Any


def describe_space(space: Any) -> dict[str, Any]:
    """{"type": "Discrete", "n": 2}, {"type": "Box", "shape": …, "low": …, "high": …}, or the name of another
    type."""
    kind = type(space).__name__
    if kind == "Discrete":
        return {"type": kind, "n": int(space.n), "start": int(getattr(space, "start", 0))}
    if kind == "Box":
        size = 1
        for d in space.shape:
            size *= int(d)
        bounds = {"low": space.low.reshape(-1).tolist(), "high": space.high.reshape(-1).tolist()} if size <= 512 else {}
        return {"type": kind, "shape": [int(d) for d in space.shape], "dtype": str(space.dtype), **bounds}
    return {"type": kind}
