"""One attempt at one run, in a process of its own: the script under the recorder, its limits, and how it ended.

The run is ended at once when whoever asked for it is gone.

`python -m lifesigns.campaign.supervisor FOLDER` reads FOLDER/attempt.json and writes FOLDER/result.json. Standard input
is the lifeline: a pipe whose other end the driver holds, so that it closes with the driver however that one ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lifesigns import __version__
from lifesigns.campaign.limits import die_with_parent, group_memory_bytes, kill_run
from lifesigns.record.launch import Child, Ending
from lifesigns.store.folder import RunFolder

EXIT_LOST, EXIT_FAILED = 3, 4
OVER_TIME, OVER_MEMORY = "over the time limit", "over the memory limit"


class Supervisor:
    """The attempt in `folder`, as `attempt.json` describes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = RunFolder(folder)
        self.attempt: dict[str, Any] = json.loads((folder / "attempt.json").read_text("utf-8"))
        self.group = 0
        self.over_memory = False
        self.peak_bytes = 0
        self._ended, self._lost = threading.Event(), threading.Event()
        self._line = os.dup(0)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)

    def run(self) -> None:
        """Runs the script to its end or limit and writes the result. Raises OSError."""
        attempt = self.attempt
        meta = {
            "run": self.folder.path.name,
            **attempt["meta"],
            "command": attempt["command"],
            "cwd": attempt["cwd"],
            "python": platform.python_version(),
            "lifesigns": __version__,
            "platform": platform.platform(),
            "started": datetime.now(UTC).isoformat(),
            "ended": "running",
        }
        self.folder.write_meta(meta)
        os.chdir(attempt["cwd"])
        child = Child(
            attempt["command"],
            self.folder,
            own_group=True,
            deadline_s=attempt["time_limit_s"],
            env={**os.environ, **attempt["env"]},
            started=self._watch,
            before_exec=die_with_parent,
        )
        ending = child.run(self._each_second)
        if self._lost.is_set():
            os._exit(EXIT_LOST)  # it was ended because nobody waits for it: that is no result
        self._ended.set()
        result = self._result(ending)
        self.folder.write_meta({**meta, **result})
        write_atomically(self.folder.path / "result.json", result)

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        self.group = process.pid
        threading.Thread(target=self._lifeline, daemon=True, name="lifeline").start()

    def _lifeline(self) -> None:
        """Ends the run when the lifeline closes; one that has ended by itself is written down first."""
        while os.read(self._line, 4096):
            pass
        if self._ended.wait(0.05):
            time.sleep(5.0)
        self._lost.set()
        kill_run(self.folder.path, self.group)
        os._exit(EXIT_LOST)

    def _each_second(self, wall_s: float) -> bool:
        limit = self.attempt["memory_limit_bytes"]
        if not limit:
            return False
        held = group_memory_bytes(self.group)
        self.peak_bytes = max(self.peak_bytes, held)
        self.over_memory = held > limit
        return self.over_memory

    def _result(self, ending: Ending) -> dict[str, Any]:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        unit = 1 if sys.platform == "darwin" else 1024
        result = ending.about()
        if ending.stopped:
            result["ended"] = OVER_MEMORY if self.over_memory else OVER_TIME
        return {
            **result,
            "wall_s": ending.wall_s,
            "cpu_s": used.ru_utime + used.ru_stime,
            "peak_memory_bytes": max(self.peak_bytes, used.ru_maxrss * unit),
        }


def write_atomically(path: Path, value: dict[str, Any]) -> None:
    """Replaces a JSON file in one step, safely on the disk when this returns. Raises OSError."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".json")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(name, path)


def main(folder: Path) -> int:
    """The exit status: 0 with a result, other ones without, which is no fault of the script."""
    alive = os.open(folder / "alive", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    fcntl.flock(alive, fcntl.LOCK_EX)
    try:
        Supervisor(folder).run()
    except OSError as error:
        print(f"lifesigns: the run could not be made: {error}", file=sys.stderr)
        return EXIT_FAILED
    return 0


def is_alive(folder: Path) -> bool:
    """Whether the supervisor of an attempt still runs; it holds a lock that ends with it."""
    try:
        handle = os.open(folder / "alive", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
