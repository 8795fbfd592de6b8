"""Started once a core: imports the script's libraries, then forks one child for each run that it is asked for.

The children of one zygote share their imports, their addresses and their hash seed. One JSON object a line comes in
on stdin, one goes out for each run that has ended.
"""

import contextlib
import importlib
import importlib.util
import json
import os
import select
import signal
import sys
import time
import traceback

NAME = "_lifesigns"


def _package():
    """Imports the package that this file belongs to, under the name that it has in a user's process."""
    folder = os.path.abspath(__file__)
    for _ in range(3):
        folder = os.path.dirname(folder)
    spec = importlib.util.spec_from_file_location(
        NAME, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder]
    )
    sys.modules[NAME] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


def _preload(names):
    for name in names:
        try:
            importlib.import_module(name)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise


def _child(request):
    """Becomes the run; never returns."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    null, output = os.open(os.devnull, os.O_RDONLY), os.path.join(request["out"], "output.log")
    handle = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
    for source, target in ((null, 0), (handle, 1), (handle, 2)):
        os.dup2(source, target)
    importlib.import_module(f"{NAME}.record.dyes.child").main(request)
    os._exit(70)


def _wait(pid, limit_s):
    """Waits for a child, ends it and its group at the limit or with its asker; returns (status or None, seconds)."""
    started, pause = time.monotonic(), 0.002
    while time.monotonic() - started < limit_s:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            _kill_group(pid)
            return os.waitstatus_to_exitcode(status), time.monotonic() - started
        if select.select([0], [], [], pause)[0]:
            break  # nothing is sent during a run: who asked for it has gone
        pause = min(pause * 1.5, 0.02)
    _kill_group(pid)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None, time.monotonic() - started


def _kill_group(pid):
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def main():
    """Serves until stdin is closed. The replies go to the descriptor that stdout had at the start."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    first = json.loads(sys.stdin.readline())
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") != os.path.dirname(os.path.abspath(__file__))]
    sys.path[:0] = first["path"]
    _package()
    started = time.monotonic()
    _preload(first["preload"])
    importlib.import_module(f"{NAME}.record.dyes.child")
    os.nice(first.get("nice", 0))
    replies.write(json.dumps({"ready": time.monotonic() - started}) + "\n")
    while line := sys.stdin.readline():
        request = json.loads(line)
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            try:
                _child(request)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(71)
        status, wall_s = _wait(pid, request["limit_s"])
        replies.write(json.dumps({"id": request["id"], "status": status, "wall_s": wall_s}) + "\n")


if __name__ == "__main__":
    main()
