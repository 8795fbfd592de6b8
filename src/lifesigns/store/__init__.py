"""The only code that knows the disk format: an append-only file of checksummed frames, one folder a run.

Names are imported on first use, so that the recorder, which only writes, does not import what reading needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .folder import RunFolder, list_runs, new_run_folder, runs_home
    from .frames import NewerSchemaError, NotATraceError, TraceError
    from .reader import TraceReader, load_run, save_part, save_series
    from .writer import TraceWriter

__all__ = [
    "NewerSchemaError",
    "NotATraceError",
    "RunFolder",
    "TraceError",
    "TraceReader",
    "TraceWriter",
    "list_runs",
    "load_run",
    "new_run_folder",
    "runs_home",
    "save_part",
    "save_series",
]

_HOME = {
    "RunFolder": "folder",
    "list_runs": "folder",
    "new_run_folder": "folder",
    "runs_home": "folder",
    "NewerSchemaError": "frames",
    "NotATraceError": "frames",
    "TraceError": "frames",
    "TraceReader": "reader",
    "load_run": "reader",
    "save_part": "reader",
    "save_series": "reader",
    "TraceWriter": "writer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
