"""Libraries that lifesigns cannot watch: that they were imported is noted, so that the answer can say so."""

from __future__ import annotations

from typing import Any

from ..recorder import Recorder


def install(module: Any, recorder: Recorder) -> None:
    """Notes the import."""
    recorder.event(
        "unsupported", "run", {"library": module.__name__, "version": str(getattr(module, "__version__", ""))}
    )
