"""Observations as arrays, and other valid ones in their place."""

from __future__ import annotations

from typing import Any


def space_of(space: Any) -> dict[str, Any]:
    """Type, shape and n of a space; of a small box of floats, its `bounds`: (low, high) for each dimension, or None."""
    import numpy as np

    shape, low, high = (getattr(space, name, None) for name in ("shape", "low", "high"))
    found: dict[str, Any] = {
        "type": type(space).__name__,
        "shape": list(shape) if shape is not None else None,
        "n": getattr(space, "n", None) and int(space.n),
    }
    if isinstance(low, np.ndarray) and isinstance(high, np.ndarray) and low.dtype.kind == "f" and low.size <= 64:
        pairs = zip(low.reshape(-1).tolist(), high.reshape(-1).tolist(), strict=True)
        found["bounds"] = [[a, b] if np.isfinite([a, b]).all() else None for a, b in pairs]
    return found


def changed(obs: Any, env: Any) -> Any:
    """Another valid observation: floats moved by a fifth of their size plus 0.1, whole numbers to the next one."""
    import numpy as np

    if isinstance(obs, dict):
        return {k: changed(v, env) for k, v in obs.items()}
    if isinstance(obs, tuple):
        return tuple(changed(v, env) for v in obs)
    array = np.asarray(obs)
    if array.dtype.kind == "f":
        new: Any = (array * 1.2 + 0.1).astype(array.dtype)
    elif array.dtype == np.uint8:
        new = (255 - array).astype(np.uint8)
    elif array.dtype.kind in "iu":
        n = getattr(getattr(env, "observation_space", None), "n", None)
        new = ((array + 1) % int(n)).astype(array.dtype) if n else array + 1
    else:
        return obs
    return new if isinstance(obs, np.ndarray) else type(obs)(new) if not isinstance(obs, bool) else not obs


def other_action(action: Any, space: Any) -> Any:
    """Another valid action: the next whole number of its range, the other side of a box; the same if none is known."""
    import numpy as np

    array = np.asarray(action)
    n, start = getattr(space, "n", None), getattr(space, "start", 0)
    counts = getattr(space, "nvec", None)
    if array.dtype.kind in "iu" and (n or counts is not None):
        new: Any = (array - start + 1) % (n if n else counts) + start
    elif array.dtype.kind == "f" and array.shape == getattr(space, "shape", None):
        middle = np.where(np.isfinite(space.low + space.high), (space.low + space.high) / 2.0, 0.0)
        new = np.clip(np.where(array > middle, array - 0.5, array + 0.5), space.low, space.high)
    else:
        return action
    new = np.asarray(new).astype(array.dtype)
    return new if isinstance(action, np.ndarray) else new[()] if isinstance(action, np.generic) else type(action)(new)


def arrays(obs: Any) -> list[Any]:
    """The numeric arrays in an observation or action, in order."""
    import numpy as np

    if isinstance(obs, dict):
        return [a for v in obs.values() for a in arrays(v)]
    if isinstance(obs, tuple | list):
        return [a for v in obs for a in arrays(v)]
    if hasattr(obs, "detach"):
        obs = obs.detach().cpu().numpy()
    array = np.asarray(obs)
    return [np.atleast_1d(array)] if array.dtype.kind in "biuf" else []


def flat(action: Any) -> Any:
    """An action as one array, the parts of a composite one joined; an array of objects would hold addresses."""
    import numpy as np

    if isinstance(action, dict | tuple | list):
        parts = arrays(action)
        return np.concatenate([p.reshape(-1) for p in parts]) if parts else np.zeros(1)
    array = np.atleast_1d(np.asarray(action))
    return np.zeros(1) if array.dtype.hasobject else array


def unlike(arrays: list[Any], others: list[Any]) -> bool:
    """Whether two lists of arrays hold other numbers, apart from rounding to float32."""
    import numpy as np

    if len(arrays) != len(others):
        return True
    pairs = zip(arrays, others, strict=True)
    return any(a.size != b.size or np.any(a.astype("f4").ravel() != b.astype("f4").ravel()) for a, b in pairs)


def scribble(obs: Any) -> None:
    """Overwrites an array of floats."""
    import numpy as np

    if isinstance(obs, np.ndarray) and obs.dtype.kind == "f" and obs.flags.writeable:
        obs += 0.37
