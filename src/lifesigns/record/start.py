"""Starts recording in this process: the import hook, the fork and exit handlers. Imports nothing heavy."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from importlib import import_module

from . import taps
from .imports import AfterImport

TARGETS = {
    "torch": (
        "torch_networks",
        "torch_optimizers",
        "torch_backward",
        "torch_policies",
        "torch_files",
        "torch_precision",
    ),
    "gymnasium": ("gymnasium_envs",),
    "stable_baselines3.common.vec_env.base_vec_env": ("sb3_envs",),
    "stable_baselines3.common.logger": ("sb3_logger",),
    "stable_baselines3.common.buffers": ("sb3_buffers",),
    "stable_baselines3.common.base_class": ("settings",),
    "argparse": ("settings",),
    "tyro": ("settings",),
    "torch.utils.tensorboard.writer": ("tensorboard",),
    "tensorboardX.writer": ("tensorboard",),
    "wandb": ("wandb",),
    "wandb.sdk.lib.noop_run": ("wandb",),
    "numpy.random": ("seeding",),
    "random": ("seeding",),
    **dict.fromkeys(("jax", "tensorflow", "envpool", "flax", "keras", "paddle", "mxnet"), ("unsupported",)),
}
"""Module imported by the user → modules under `record.targets` whose `install(module)` is then called."""

finder = AfterImport()


def start(run: str) -> None:
    """Begins recording into the run folder; the first process of the run is its main one."""
    main = _claim(run)
    sys.meta_path.insert(0, finder)  # type: ignore[arg-type]
    if os.environ.get("LIFESIGNS_SEED"):
        import_module(".impose", __package__).install(main, finder.when)
    for name, targets in TARGETS.items():
        for target in targets:
            finder.when(name, _installer(run, main, target))
    _hide_own_frames()


def _claim(run: str) -> bool:
    try:
        handle = os.open(os.path.join(run, "main.pid"), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except OSError:
        return False
    os.write(handle, str(os.getpid()).encode())
    os.close(handle)
    return True


def _installer(run: str, main: bool, target: str):
    def install(module):
        from .recorder import get_recorder

        recorder = get_recorder(run, main)
        import_module(f".targets.{target}", __package__).install(module, recorder)

    return install


def _hide_own_frames() -> None:
    """The script's own traceback, printed as without us: our frames are cut out before the hook that
    prints."""
    original, of_threads = sys.excepthook, threading.excepthook
    ours = os.path.dirname(os.path.abspath(taps.__file__))

    def excepthook(kind, value, trace):
        with suppress(Exception):
            _clean(value, ours, set())
        original(kind, value, trace)

    def thread_excepthook(args):
        with suppress(Exception):
            _clean(args.exc_value, ours, set())
        of_threads(args)

    sys.excepthook, threading.excepthook = excepthook, thread_excepthook


def _clean(error, folder: str, seen: set[int]) -> None:
    """Cuts our frames out of the tracebacks of an exception and of those it came from."""
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        if at.tb_next.tb_frame.f_code.co_filename.startswith(folder):
            at.tb_next = at.tb_next.tb_next
        else:
            at = at.tb_next
    _clean(error.__cause__, folder, seen)
    _clean(error.__context__, folder, seen)
    for part in getattr(error, "exceptions", ()):
        _clean(part, folder, seen)
