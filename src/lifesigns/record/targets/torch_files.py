"""Networks of a run without updates, which no optimiser introduces; and whether weights were read from a file."""

from __future__ import annotations

from typing import Any

from .. import taps
from ..recorder import Recorder, on_fork
from . import torch_networks

STEPS_WITHOUT_UPDATE = 500
"""Environment steps without an update from which networks are introduced all the same."""
_read: list[bool] = [False]


def install(torch: Any, recorder: Recorder) -> None:
    """Notes calls of `torch.load`; introduces networks that wait for updates."""

    def on_load(args: Any, kwargs: Any, result: Any) -> None:
        _read[0] = True

    taps.observe(torch, "load", on_load)
    _reset(recorder)
    on_fork(_reset)


def _reset(recorder: Recorder) -> None:
    def introduce() -> None:
        if not recorder.update and recorder.env_step >= STEPS_WITHOUT_UPDATE:
            for _, network in torch_networks.registry.roots():
                recorder.describe(network, weights_read=_read[0])

    recorder.on_flush.append(introduce)
