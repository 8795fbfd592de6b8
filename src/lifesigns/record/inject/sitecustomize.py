"""Starts the recorder in the user's interpreter; it is found through PYTHONPATH, so that the script runs
natively.

Everything is guarded: whatever fails here, the user's program runs as if this file did not exist.
"""

import os
import sys

NAME = "_lifesigns"
"""What the package is called in the user's process, where `lifesigns` may be a folder of the user's own."""


def _other_sitecustomize(here):
    """Runs the environment's own sitecustomize, which ours shadows."""
    import importlib.util
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("sitecustomize", [p for p in sys.path if os.path.abspath(p or ".") != here])
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


def _start(folder, run):
    """Imports the package from where this file lies, whatever sys.path says, and begins recording."""
    import importlib
    import importlib.util

    if NAME not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            NAME, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
        )
        sys.modules[NAME] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    importlib.import_module(f"{NAME}.record.start").start(run)


def _main():
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != here]
    run = os.environ.get("LIFESIGNS_RUN")
    if run and sys.version_info >= (3, 11):
        try:
            _start(os.path.dirname(os.path.dirname(here)), run)
        except Exception as error:
            print(
                f"lifesigns: recording did not start ({type(error).__name__}: {error}); the script runs without",
                file=sys.stderr,
            )
    _other_sitecustomize(here)


_main()
