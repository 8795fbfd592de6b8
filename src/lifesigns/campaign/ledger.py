"""What has been started and what has ended, in an append-only file that survives `kill -9` at any byte.

One JSON object a line, written by a single `write` and synced. A line that was cut off is left unread, and the next
one begins after it. Nothing is ever rewritten.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast


@dataclass
class Progress:
    """What a ledger says of one job: its attempts in order, and its result once there is one."""

    attempts: list[str] = field(default_factory=list[str])
    lost: dict[str, str] = field(default_factory=dict[str, str])
    result: dict[str, Any] | None = None

    @property
    def open_attempt(self) -> str | None:
        """The attempt that was started and of which nothing more is known."""
        last = self.attempts[-1] if self.attempts else None
        return last if last is not None and self.result is None and last not in self.lost else None


class Ledger:
    """Appends to one file; the first result of a job is the one that counts."""

    def __init__(self, path: Path) -> None:
        self.jobs: dict[str, Progress] = {}
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        data = _read(path)
        for line in data.split(b"\n"):
            if (entry := _parsed(line)) is not None:
                self._apply(entry)
        if data and not data.endswith(b"\n"):
            os.write(self._handle, b"\n")

    def started(self, job: str, attempt: str) -> None:
        """An attempt is about to be made. Raises OSError."""
        self._append({"t": "started", "job": job, "attempt": attempt})

    def lost(self, job: str, attempt: str, why: str) -> None:
        """An attempt ended by no fault of the script; the job is to be run again."""
        self._append({"t": "lost", "job": job, "attempt": attempt, "why": why})

    def ended(self, job: str, attempt: str, result: Mapping[str, Any]) -> None:
        """The job has its result; another one of the same job is not taken."""
        if self.of(job).result is None:
            self._append({"t": "ended", "job": job, "attempt": attempt, "result": dict(result)})

    def of(self, job: str) -> Progress:
        """What is known of a job."""
        return self.jobs.setdefault(job, Progress())

    def results(self) -> dict[str, dict[str, Any]]:
        """Job → its result, with the `attempt` that it is of."""
        return {key: p.result for key, p in self.jobs.items() if p.result is not None}

    def close(self) -> None:
        """Closes the file."""
        os.close(self._handle)

    def _append(self, entry: dict[str, Any]) -> None:
        os.write(self._handle, json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        os.fsync(self._handle)
        self._apply(entry)

    def _apply(self, entry: Mapping[str, Any]) -> None:
        progress = self.of(str(entry["job"]))
        attempt = str(entry["attempt"])
        if attempt not in progress.attempts:
            progress.attempts.append(attempt)
        if entry["t"] == "lost":
            progress.lost[attempt] = str(entry.get("why", ""))
        elif entry["t"] == "ended" and progress.result is None:
            progress.result = {**entry["result"], "attempt": attempt}


def _read(path: Path) -> bytes:
    return path.read_bytes()


def _parsed(line: bytes) -> dict[str, Any] | None:
    """One entry; None for a line that was cut off."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    entry = cast("dict[str, Any]", value)
    whole = {"t", "job", "attempt"} <= entry.keys() and (entry["t"] != "ended" or isinstance(entry.get("result"), dict))
    return entry if whole else None


def read_ledger(path: Path) -> dict[str, Progress]:
    """What a ledger says, without opening it for writing. Raises OSError."""
    reader = Ledger.__new__(Ledger)
    reader.jobs = {}
    for line in _read(path).split(b"\n"):
        if (entry := _parsed(line)) is not None:
            reader._apply(entry)  # pyright: ignore[reportPrivateUsage]
    return reader.jobs
