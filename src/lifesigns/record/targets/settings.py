"""Settings that only the program knows: the discount among its arguments, and how often an SB3 algorithm updates."""

from __future__ import annotations

from typing import Any

from .. import callsite, taps
from ..recorder import Recorder

DISCOUNTS = ("gamma", "discount", "discount_factor")
"""Names of an argument that holds the discount."""


def install(module: Any, recorder: Recorder) -> None:
    """Taps `argparse`'s and `tyro`'s result, or the start of an SB3 algorithm's `learn`; each is called once a run."""

    def on_parse(args: Any, kwargs: Any, result: Any) -> None:
        if callsite.kind_of(callsite.here(2).f_code.co_filename) != callsite.USER:
            return
        found = discount_in(result)
        if found is not None:
            recorder.event("settings", "run", {"discount": found})

    def on_learn(args: Any, kwargs: Any, result: Any) -> None:
        recorder.event("settings", "run", of_algorithm(args[0]))

    if module.__name__ == "argparse":
        taps.observe(module.ArgumentParser, "parse_args", on_parse)
    elif module.__name__ == "tyro":
        taps.observe(module, "cli", on_parse)
    else:
        taps.observe(module.BaseAlgorithm, "_setup_learn", on_learn)


def discount_in(parsed: Any) -> float | None:
    """The discount among parsed arguments (a namespace or a dataclass); None without one in (0, 1]."""
    values = (getattr(parsed, name, None) for name in DISCOUNTS)
    plain = (float(v) for v in values if isinstance(v, (int, float)) and not isinstance(v, bool))
    return next((v for v in plain if 0.0 < v <= 1.0), None)


def of_algorithm(model: Any) -> dict[str, Any]:
    """What an SB3 algorithm says of its discount and of its updates."""
    every = getattr(model, "train_freq", None)
    found = {
        "discount": getattr(model, "gamma", None),
        "algorithm": type(model).__name__,
        "num_envs": getattr(model, "n_envs", None),
        "gradient_steps": getattr(model, "gradient_steps", None),
        "train_every": getattr(every, "frequency", every),
        "train_unit": getattr(getattr(every, "unit", None), "value", None),
    }
    return {k: v for k, v in found.items() if isinstance(v, (int, float, str)) and not isinstance(v, bool)}
