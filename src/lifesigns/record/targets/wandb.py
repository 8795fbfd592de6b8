"""What `wandb.log` and `Run.log` are given."""

from __future__ import annotations

import sys
from typing import Any

from .. import taps
from ..recorder import Recorder
from .logged import Logged


def install(module: Any, recorder: Recorder) -> None:
    """Taps `Run.log`, which `wandb.log` is bound to once a run has begun; a disabled run is of another
    class."""
    logged = Logged(recorder)

    def on_log(args: Any, kwargs: Any, result: Any) -> None:
        data = args[1] if len(args) > 1 else kwargs.get("data")
        step = args[2] if len(args) > 2 else kwargs.get("step")
        _add(logged, data or {}, step, "")

    real = getattr(sys.modules.get("wandb.sdk.wandb_run"), "Run", None) or getattr(module, "Run", None)
    run = getattr(module, "NoopRun", None) or real
    if run is not None:
        taps.observe(run, "log", on_log)


def _add(logged: Logged, data: Any, step: Any, prefix: str) -> None:
    for key, value in data.items():
        if isinstance(value, dict):
            _add(logged, value, step, f"{prefix}{key}.")
        else:
            logged.add(f"{prefix}{key}", value, step)
