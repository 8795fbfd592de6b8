"""Starts the recorder in the user's interpreter; it is found through PYTHONPATH, so that the script runs natively.

Everything is guarded: whatever fails here, the user's program runs as if this file did not exist.
"""

import os
import sys


def _other_sitecustomize(here):
    """Runs the environment's own sitecustomize, which ours shadows."""
    import importlib.util
    from importlib.machinery import PathFinder

    spec = PathFinder.find_spec("sitecustomize", [p for p in sys.path if os.path.abspath(p or ".") != here])
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


def _package(root):
    """Imports lifesigns from where this file lies, whatever sys.path says."""
    import importlib.util

    if "lifesigns" not in sys.modules:
        folder = os.path.join(root, "lifesigns")
        spec = importlib.util.spec_from_file_location(
            "lifesigns", os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
        sys.modules["lifesigns"] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


def _main():
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != here]
    run = os.environ.get("LIFESIGNS_RUN")
    if run and sys.version_info >= (3, 11):
        try:
            _package(os.path.dirname(os.path.dirname(os.path.dirname(here))))
            from lifesigns.record.start import start

            start(run)
        except Exception as error:
            print(f"lifesigns: recording did not start ({type(error).__name__}: {error}); the script runs without",
                  file=sys.stderr)
    _other_sitecustomize(here)


_main()
