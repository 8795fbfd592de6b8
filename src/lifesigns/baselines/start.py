"""Starts the worker, or the module named after its request, in any interpreter: lifesigns becomes importable without
its neighbours.

A PYTHONPATH that named the folder of an installed lifesigns would put all that is installed beside it before the
packages of the user's interpreter.
"""

from __future__ import annotations

import importlib.util
import runpy
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def main() -> None:
    """Takes this file's folder off the path, registers the package, runs the module."""
    own = str(Path(__file__).parent)
    sys.path[:] = [p for p in sys.path if p != own]
    spec = importlib.util.spec_from_file_location(
        "lifesigns", PACKAGE / "__init__.py", submodule_search_locations=[str(PACKAGE)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["lifesigns"] = module
    spec.loader.exec_module(module)
    run = sys.argv[2] if len(sys.argv) > 2 else "lifesigns.baselines.worker"
    runpy.run_module(run, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
