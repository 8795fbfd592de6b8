"""The recorder's own health in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

SAID_ELSEWHERE = ("own_share", "wall_s", "env_steps", "updates", "episodes", "backwards")
"""keys of the recorder's health that are clocks, not health."""


def health_lines(health: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Sentences about what the recorder lost or switched off, each with whether that is as it should be."""
    lines: list[tuple[str, bool]] = []
    failures = health.get("failures")
    if isinstance(failures, Mapping):
        for where, count in cast("Mapping[str, Any]", failures).items():
            lines.append((f"recorder failed in {where}: {count}", False))
    unread = health.get("unread_bytes")
    if unread:
        lines.append((f"{unread} bytes at the end of the trace were cut off and could not be read", False))
    for key, value in health.items():
        if key not in (*SAID_ELSEWHERE, "failures", "unread_bytes") and value:
            lines.append((f"{key.replace('_', ' ')}: {_short(value)}", True))
    return lines or [("recorder reported no failure", True)]


def recording_lines(seen: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """The same of a diagnosis' coverage; of a log that another tool wrote, what is known of that log."""
    if seen.get("imported"):
        from lifesigns.report.imported import log_lines

        return log_lines(seen)
    return health_lines(cast("Mapping[str, Any]", seen.get("health") or {}))


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_short(v)}" for k, v in cast("Mapping[str, Any]", value).items())
    return str(value)
