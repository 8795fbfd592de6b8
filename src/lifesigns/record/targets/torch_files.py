"""Networks of a run without updates, which no optimiser introduces; what checkpoints held, and what was restored."""

from __future__ import annotations

from typing import Any

from .. import callsite, taps
from ..recorder import Recorder, on_fork
from . import torch_networks

STEPS_WITHOUT_UPDATE = 500
"""Environment steps without an update from which networks are introduced all the same."""
_read: list[bool] = [False]


def install(torch: Any, recorder: Recorder) -> None:
    """Notes calls of `torch.load` and restored optimisers; introduces networks that wait for updates."""

    def on_load(args: Any, kwargs: Any, result: Any) -> None:
        _read[0] = True
        held = optimizer_states(result)
        at = callsite.location(callsite.user_frame(callsite.here(2))) if held else None
        recorder.event("checkpoint_read", "run", {"optimizer_states": held}, at)

    def on_restore(args: Any, kwargs: Any, result: Any) -> None:
        recorder.event("optimizer_restored", "run", {"class": type(args[0]).__name__})

    taps.observe(torch, "load", on_load)
    taps.observe(torch.optim.Optimizer, "load_state_dict", on_restore)
    _reset(recorder)
    on_fork(_reset)


def optimizer_states(loaded: Any) -> list[str]:
    """The keys of what was loaded that hold an optimiser's state with something in it; "" for the whole."""
    parts = {"": loaded, **loaded} if isinstance(loaded, dict) else {}
    return [str(key) for key, part in parts.items() if _is_state(part)][:8]


def _is_state(part: Any) -> bool:
    return isinstance(part, dict) and bool(part.get("param_groups")) and bool(part.get("state"))


def _reset(recorder: Recorder) -> None:
    def introduce() -> None:
        if not recorder.update and recorder.env_step >= STEPS_WITHOUT_UPDATE:
            for _, network in torch_networks.registry.roots():
                recorder.describe(network, weights_read=_read[0])

    recorder.on_flush.append(introduce)
