"""Runs a script with torchmortem attached from outside, for a few seconds: `attach.py SITE OUT SECONDS SCRIPT ARGS`.

The first optimiser that steps is watched, with the module that holds most of its parameters; losses are those that
`backward` was called on.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import sys
import time


def main() -> None:
    """Attaches, runs, writes the findings."""
    site, out, seconds, script, *arguments = sys.argv[1:]
    import torch
    from torch.optim.optimizer import register_optimizer_step_post_hook

    sys.path.append(site)
    from torchmortem import Autopsy

    torch.set_num_threads(1)
    state: dict = {"autopsy": None, "loss": 0.0, "optimizer": None, "end": time.monotonic() + float(seconds)}
    backward = torch.autograd.backward

    def seen(tensors, *args, **kwargs):
        loss = tensors if isinstance(tensors, torch.Tensor) else tensors[0]
        state["loss"] = float(loss.detach().mean())
        return backward(tensors, *args, **kwargs)

    def stepped(optimizer, *_):
        if state["autopsy"] is None:
            module = _holder(optimizer)
            if module is None:
                return
            state["optimizer"], state["autopsy"] = optimizer, Autopsy(module, optimizer=optimizer, sampling="balanced")
            state["autopsy"].attach()
        elif optimizer is state["optimizer"]:
            state["autopsy"].step(loss=state["loss"])
        if time.monotonic() > state["end"]:
            raise SystemExit

    torch.autograd.backward = seen
    register_optimizer_step_post_hook(stepped)
    sys.path.insert(0, os.path.dirname(script))
    sys.argv = [script, *arguments]
    try:
        runpy.run_path(script, run_name="__main__")
    except BaseException as error:
        print(type(error).__name__, error)
    told: dict = {"error": "no optimiser stepped"}
    if state["autopsy"] is not None:
        state["autopsy"].detach()
        report = state["autopsy"].get_report()
        found = list(report.findings) if report is not None else []
        told = {
            "alarms": sorted({f.category for f in found if int(f.severity) >= 1}),
            "titles": sorted({f.title for f in found if int(f.severity) >= 1}),
        }
    with open(out, "w") as file:
        json.dump(told, file)
    os._exit(0)


def _holder(optimizer):
    import torch

    own = {id(p) for group in optimizer.param_groups for p in group["params"]}
    best, most = None, 0
    for one in gc.get_objects():
        if isinstance(one, torch.nn.Module):
            count = sum(id(p) in own for p in one.parameters())
            if count > most:
                best, most = one, count
    return best


if __name__ == "__main__":
    main()
