"""The only code that knows the disk format: an append-only file of checksummed frames, one folder a run."""

from lifesigns.store.folder import RunFolder, list_runs, new_run_folder
from lifesigns.store.frames import NewerSchemaError, NotATraceError, TraceError
from lifesigns.store.reader import TraceReader, load_run
from lifesigns.store.writer import TraceWriter

__all__ = ["NewerSchemaError", "NotATraceError", "RunFolder", "TraceError", "TraceReader", "TraceWriter",
           "list_runs", "load_run", "new_run_folder"]
