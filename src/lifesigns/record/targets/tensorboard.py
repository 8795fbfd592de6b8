"""What `SummaryWriter.add_scalar` is given (torch's and tensorboardX's)."""

from __future__ import annotations

from typing import Any

from .. import taps
from ..recorder import Recorder
from .logged import Logged


def install(module: Any, recorder: Recorder) -> None:
    """Taps the scalar methods of the writer class."""
    logged = Logged(recorder)

    def on_scalar(args: Any, kwargs: Any, result: Any) -> None:
        tag, value, step = (*args[1:4], None, None, None)[:3]
        logged.add(str(kwargs.get("tag", tag)), kwargs.get("scalar_value", value), kwargs.get("global_step", step))

    def on_scalars(args: Any, kwargs: Any, result: Any) -> None:
        main, values, step = (*args[1:4], None, None, None)[:3]
        for tag, value in (kwargs.get("tag_scalar_dict", values) or {}).items():
            logged.add(f"{kwargs.get('main_tag', main)}/{tag}", value, kwargs.get("global_step", step))

    taps.observe(module.SummaryWriter, "add_scalar", on_scalar)
    taps.observe(module.SummaryWriter, "add_scalars", on_scalars)
