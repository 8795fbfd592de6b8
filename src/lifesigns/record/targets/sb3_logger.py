"""What a Stable-Baselines3 algorithm logs: the names and numbers of `Logger.dump`."""

from __future__ import annotations

from typing import Any

from .. import taps
from ..recorder import Recorder
from .logged import Logged


def install(module: Any, recorder: Recorder) -> None:
    """Taps `Logger.record`; values are taken as they are given, at the environment step of the moment."""
    logged = Logged(recorder)

    def on_record(args: Any, kwargs: Any, result: Any) -> None:
        key = args[1] if len(args) > 1 else kwargs.get("key")
        value = args[2] if len(args) > 2 else kwargs.get("value")
        logged.add(str(key), value, recorder.env_step)

    taps.observe(module.Logger, "record", on_record)
