"""Weights that a script reads from a file: it may be there to evaluate, not to train."""

from __future__ import annotations

from typing import Any

from .. import taps
from ..recorder import Recorder

MOST_TOLD = 3


def install(torch: Any, recorder: Recorder) -> None:
    """Taps `torch.load`; says that it was called, the first few times."""
    told: list[int] = []

    def on_load(args: Any, kwargs: Any, result: Any) -> None:
        if len(told) < MOST_TOLD:
            told.append(recorder.env_step)
            recorder.event("weights_read", "run", {"update": recorder.update})

    taps.observe(torch, "load", on_load)
