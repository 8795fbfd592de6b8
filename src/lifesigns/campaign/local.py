"""Attempts as processes of this machine: one supervisor each, tied to this process by a pipe."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from lifesigns.campaign.engine import Attempt, Done
from lifesigns.campaign.folder import attempt_result
from lifesigns.campaign.limits import kill_run
from lifesigns.campaign.supervisor import write_atomically

CLOSE_S = 5.0
POLL_S = 0.02


class LocalEngine:
    """`jobs` attempts side by side."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._running: list[tuple[Attempt, subprocess.Popen[bytes]]] = []

    @property
    def slots(self) -> int:
        """How many attempts may run at once."""
        return self._jobs

    def start(self, attempt: Attempt) -> None:
        """Begins an attempt. Raises OSError."""
        self._running.append((attempt, supervise(attempt)))

    def wait(self, seconds: float) -> list[Done]:
        """Attempts that have ended."""
        until = time.monotonic() + seconds
        while True:
            ended = [pair for pair in self._running if pair[1].poll() is not None]
            if ended or time.monotonic() >= until:
                self._running = [pair for pair in self._running if pair not in ended]
                return [conclude(attempt, process) for attempt, process in ended]
            time.sleep(POLL_S)

    def close(self) -> None:
        """Ends all that is running."""
        for _, process in self._running:
            if process.stdin is not None:
                process.stdin.close()
        until = time.monotonic() + CLOSE_S
        for attempt, process in self._running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(until - time.monotonic(), 0.0))
            if process.poll() is None:
                process.kill()
                process.wait()
                kill_run(attempt.folder)
        self._running = []


def supervise(attempt: Attempt) -> subprocess.Popen[bytes]:
    """Starts the supervisor of an attempt in a session of its own. Raises OSError."""
    attempt.folder.mkdir(parents=True, exist_ok=True)
    write_atomically(attempt.folder / "attempt.json", dict(attempt.request))
    with (attempt.folder / "supervisor.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "lifesigns.campaign.supervisor", str(attempt.folder.absolute())],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": _importable()},
        )


def _importable() -> str:
    """A search path on which the supervisor finds this lifesigns."""
    root = str(Path(__file__).parents[2])
    return os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])


def conclude(attempt: Attempt, process: subprocess.Popen[bytes]) -> Done:
    """What became of an attempt whose supervisor has ended."""
    if process.stdin is not None:
        process.stdin.close()
    result = attempt_result(attempt.folder)
    if result is not None:
        return Done(attempt, result)
    kill_run(attempt.folder)
    return Done(attempt, None, _why(attempt.folder, process.returncode))


def _why(folder: Path, code: int | None) -> str:
    with suppress(OSError):
        lines = (folder / "supervisor.log").read_text("utf-8", "replace").strip().splitlines()
        if lines:
            return lines[-1].removeprefix("lifesigns: ")[:300]
    return f"its supervisor was killed by signal {-code}" if code is not None and code < 0 else f"status {code}"
