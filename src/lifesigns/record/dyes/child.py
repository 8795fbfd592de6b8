"""Runs the user's script in this process as `__main__`, with the taps of a dyed run."""

from __future__ import annotations

import importlib.util
import os
import runpy
import sys
import traceback
import types
from typing import Any

from . import determinism, envs, lines, loaders, nans, scratch, statistics, tensors
from .session import Session


def main(request: dict[str, Any]) -> None:
    """Sets the run up, runs the script, writes the log; never returns."""
    scratch.enter(request["cwd"], request["out"])
    session = Session(request)
    session.seeds = determinism.install(session)
    envs.install(session)
    statistics.install(session)
    session.when("torch", lambda torch: tensors.install(torch, session))
    session.when("torch", scratch.guard_torch)
    if request.get("not_a_number"):
        session.when("torch", lambda torch: nans.install(torch, session))
    session.when("torch.utils.data.dataloader", lambda module: loaders.install(module, session))
    sys.argv = [request["script"], *request["arguments"]]
    if request.get("lines"):
        lines.install(session)
    try:
        _run(request)
    except SystemExit as ended:
        if ended.code not in (None, 0):
            session.finish("exit", f"SystemExit: {ended.code}")
        session.finish("end")
    except BaseException as error:
        traceback.print_exc()
        session.finish("exception", f"{type(error).__name__}: {error}"[:500])
    session.finish("end")


def _run(request: dict[str, Any]) -> None:
    if request["module"]:
        sys.path.insert(0, request["cwd"])
        runpy.run_module(request["script"], run_name="__main__", alter_sys=True)
        return
    path = os.path.abspath(os.path.join(request["cwd"], request["script"]))
    sys.path.insert(0, os.path.dirname(path))
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec", dont_inherit=True)
    module = types.ModuleType("__main__")
    module.__file__, module.__builtins__ = path, __builtins__  # type: ignore[attr-defined]
    module.__loader__ = importlib.util.spec_from_file_location("__main__", path).loader  # type: ignore[union-attr]
    sys.modules["__main__"] = module
    exec(code, module.__dict__)
