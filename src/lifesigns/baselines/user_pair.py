"""The user's own pair of functions for saving and restoring: `file.py:save,load` or `module:save,load`."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lifesigns.baselines.environment import EnvironmentProblem, World, layers
from lifesigns.baselines.restore import Pair, Restore


def user_pair(named: str) -> Callable[[World], Restore] | None:
    """An adapter from `save(env) -> state` and `load(env, state)`; None where none is named.

    Raises EnvironmentProblem where the pair cannot be found.
    """
    if not named:
        return None
    where, _, names = named.rpartition(":")
    save_name, _, load_name = names.partition(",")
    if not (where and save_name and load_name):
        raise EnvironmentProblem(f"expected `file.py:save,load` for --restore, got `{named}`")
    module = _module(where)
    try:
        save, load = getattr(module, save_name), getattr(module, load_name)
    except AttributeError as error:
        raise EnvironmentProblem(f"--restore: {error}") from None

    def adapter(world: World) -> Restore:
        base = layers(world.env)[-1]
        return Pair(world, lambda: save(base), lambda state: load(base, state), f"your `{save_name}` and `{load_name}`")

    return adapter


def _module(where: str) -> Any:
    try:
        if not where.endswith(".py"):
            return importlib.import_module(where)
        spec = importlib.util.spec_from_file_location(Path(where).stem, where)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
    except (ImportError, OSError, SyntaxError) as error:
        raise EnvironmentProblem(f"--restore: `{where}` cannot be imported: {error}") from None
