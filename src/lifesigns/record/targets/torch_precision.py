"""Mixed precision and the accelerator, looked at once a flush: the loss scale, and how busy the GPU is."""

from __future__ import annotations

import sys
import weakref
from typing import Any

from .. import taps
from ..recorder import Recorder, on_fork

_scalers: weakref.WeakSet[Any] = weakref.WeakSet()


def install(torch: Any, recorder: Recorder) -> None:
    """Notes gradient scalers as they are made; called when torch has been imported."""
    scaler = getattr(getattr(torch, "amp", None), "GradScaler", None)
    if scaler is not None:
        taps.observe(scaler, "__init__", _on_scaler)
    _reset(recorder)
    on_fork(_reset)


def _on_scaler(args: Any, kwargs: Any, result: Any) -> None:
    _scalers.add(args[0])


def _reset(recorder: Recorder) -> None:
    _scalers.clear()
    recorder.on_flush.append(_Looks(recorder).look)


class _Looks:
    """What is looked at; the accelerator's figures end with the first failure (no `pynvml`, say)."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.has_figures = True

    def look(self) -> None:
        recorder = self.recorder
        for scaler in list(_scalers):
            scale = getattr(scaler, "_scale", None)
            if scale is not None:
                recorder.deferred.put(
                    [scale.detach().clone()], recorder.series("precision.loss_scale"), recorder.update
                )
                break
        torch = sys.modules.get("torch")
        if self.has_figures and torch is not None and torch.cuda.is_initialized():
            try:
                share = torch.cuda.utilization() / 100.0
            except Exception:
                self.has_figures = False
            else:
                recorder.series("run.gpu_share").add(recorder.wall_s(), share)
