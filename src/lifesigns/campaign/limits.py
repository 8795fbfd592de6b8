"""The processes of one run: how much memory they hold, and how those that outlive their run are ended."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
PR_SET_PDEATHSIG = 1
GONE_S = 2.0


def group_memory_bytes(group: int) -> int:
    """Resident memory of all processes of a process group; 0 where it cannot be read."""
    if not PROC.is_dir():
        return _by_ps(group)
    total = 0
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError, IndexError):
                fields = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
                if int(fields[2]) == group:
                    total += int(fields[21]) * PAGE_BYTES
    return total


def _by_ps(group: int) -> int:
    try:
        listed = subprocess.run(
            ["ps", "-axo", "pgid=,rss="], capture_output=True, text=True, check=False, timeout=5
        ).stdout.split()
    except (OSError, subprocess.TimeoutExpired):
        return 0
    pairs = zip(listed[::2], listed[1::2], strict=False)
    return sum(int(rss) * 1024 for pgid, rss in pairs if pgid == str(group))


def die_with_parent() -> None:
    """Asks Linux to kill this process when its parent ends in any way; called between fork and exec."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def processes_of(folder: Path) -> list[int]:
    """Processes, of this user, that were started as part of the run in `folder`: its name is in their environment."""
    if not PROC.is_dir():
        return []
    mark = b"LIFESIGNS_RUN=" + os.fsencode(folder.absolute()) + b"\0"
    found: list[int] = []
    for entry in PROC.iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with suppress(OSError):
                if mark in (entry / "environ").read_bytes() + b"\0":
                    found.append(int(entry.name))
    return found


def kill_run(folder: Path, group: int = 0) -> None:
    """Ends every process of a run, workers that left its group included, and waits until they are gone."""
    if group:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    until = time.monotonic() + GONE_S
    while (left := processes_of(folder)) and time.monotonic() < until:
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)
