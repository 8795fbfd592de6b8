"""What runs attempts: an engine has slots, starts an attempt without waiting, and says which have ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Attempt:
    """One try at one job: its name, its folder on this machine, and what the supervisor is told."""

    job: str
    name: str
    folder: Path
    request: Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """An attempt that has ended: with a result, or lost for a reason that is not the script's."""

    attempt: Attempt
    result: Mapping[str, Any] | None
    why: str = ""


class Engine(Protocol):
    """Local processes, or a cluster."""

    @property
    def slots(self) -> int:
        """How many attempts may run at once, at the moment."""
        ...

    def start(self, attempt: Attempt) -> None:
        """Begins an attempt. Raises OSError where none can be begun."""
        ...

    def wait(self, seconds: float) -> list[Done]:
        """Attempts that have ended; waits for up to `seconds` for the first."""
        ...

    def close(self) -> None:
        """Ends what is running, at once."""
        ...
