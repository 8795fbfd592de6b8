"""Runs one script with one instrument attached and writes how long its main took, imports left out.

`python variant.py NAME OUT.json SCRIPT ARGS…`; NAME: bare, wandb (watch log="all" every 100 steps), histograms
(TensorBoard, every 100 optimiser steps), anomaly (set_detect_anomaly). lifesigns is attached from outside.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import sys
import tempfile
import time
from pathlib import Path

import gymnasium  # noqa: F401
import torch
import torch._dynamo  # an optimiser imports it when it is made: a second that is no training

with contextlib.suppress(ImportError):
    import stable_baselines3  # noqa: F401

EVERY = 100


def watch_with_wandb() -> None:
    """`wandb.watch(log="all")` on each optimiser's modules, offline, as a user would call it after building them."""
    import wandb

    os.environ["WANDB_MODE"] = "offline"
    run = wandb.init(project="overhead", dir=tempfile.mkdtemp(), settings=wandb.Settings(console="off"))
    modules: list[torch.nn.Module] = []
    torch.nn.modules.module.register_module_module_registration_hook(lambda parent, name, child: modules.append(parent))
    seen: set[int] = set()
    steps = [0]

    def after(optimizer: torch.optim.Optimizer, args: object, kwargs: object) -> None:
        if id(optimizer) not in seen:
            seen.add(id(optimizer))
            owned = {id(p) for g in optimizer.param_groups for p in g["params"]}
            roots = [m for m in dict.fromkeys(modules) if owned & {id(p) for p in m.parameters()}]
            inner = {id(c) for m in roots for c in m.children()}
            for module in roots:
                if id(module) not in inner and id(module) not in seen:
                    seen.add(id(module))
                    run.watch(module, log="all", log_freq=EVERY, idx=len(seen))
        steps[0] += 1
        if steps[0] % EVERY == 0:
            run.log({"step": steps[0]})

    sys.modules["torch.optim.optimizer"].register_optimizer_step_post_hook(after)


def histograms() -> None:
    """A histogram of every parameter and gradient each 100 optimiser steps."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(tempfile.mkdtemp())
    steps: dict[int, int] = {}

    def after(optimizer: torch.optim.Optimizer, args: object, kwargs: object) -> None:
        step = steps[id(optimizer)] = steps.get(id(optimizer), 0) + 1
        if step % EVERY:
            return
        for i, parameter in enumerate(p for g in optimizer.param_groups for p in g["params"]):
            writer.add_histogram(f"{id(optimizer)}/{i}", parameter, step)
            if parameter.grad is not None:
                writer.add_histogram(f"{id(optimizer)}/{i}/grad", parameter.grad, step)

    sys.modules["torch.optim.optimizer"].register_optimizer_step_post_hook(after)


def wait_for_the_others() -> None:
    """Starts together with the other variants of its round: each leaves a file and waits until all have.

    From then on they share one processor, in turns of a tenth of a second where the system allows it (round robin):
    in the few milliseconds that it gives by itself, the caches hold the others' data at the start of each turn, which
    lengthens what touches more memory.
    """
    if "OVERHEAD_MEETING" in os.environ:
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # the script alone, not the command that watches it
        with contextlib.suppress(AttributeError, PermissionError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
        folder, count = Path(os.environ["OVERHEAD_MEETING"]), int(os.environ["OVERHEAD_PARTIES"])
        (folder / f"{os.getpid()}.here").touch()
        while sum(1 for _ in folder.glob("*.here")) < count:
            time.sleep(0.01)


def main() -> None:
    """Attaches the instrument, runs the script, writes wall and CPU seconds of it."""
    name, out, script, *arguments = sys.argv[1:]
    torch.set_num_threads(1)
    if name == "anomaly":
        torch.autograd.set_detect_anomaly(True)
    elif name == "wandb":
        watch_with_wandb()
    elif name == "histograms":
        histograms()
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).parent))
    wait_for_the_others()
    wall, cpu = time.perf_counter(), time.process_time()
    runpy.run_path(script, run_name="__main__")
    Path(out).write_text(json.dumps({"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}), "utf-8")


if __name__ == "__main__":
    main()
