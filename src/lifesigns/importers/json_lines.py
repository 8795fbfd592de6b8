"""JSON logs: one object a line (RLlib's `result.json`, SB3's `progress.json`, any `*.jsonl`), or Transformers'
`trainer_state.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from lifesigns.importers.logged import Log, LogError
from lifesigns.importers.rows import flat, log_of

TITLE = "JSON"
SUFFIXES = (".jsonl", ".ndjson", ".json")
STATE = "trainer_state.json"
MAX_WHOLE = 256 << 20


def sniff(path: Path) -> bool:
    """A file by its ending that begins as JSON; a lone object counts only as Transformers' state."""
    if not path.is_file() or path.suffix.lower() not in SUFFIXES:
        return False
    if path.suffix.lower() != ".json":
        return True
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            first = file.readline(1 << 20).strip()
    except OSError:
        return False
    return (
        path.name == STATE
        or first.startswith("[")
        or (first.startswith("{") and first.endswith("}") and len(first) > 2)
    )


def read(path: Path) -> Log:
    """The numbers of each object; nested names are joined by `/`. Raises LogError."""
    try:
        if path.stat().st_size > MAX_WHOLE and path.suffix == ".json" and path.name == STATE:
            raise LogError(f"expected a `{STATE}` of at most {MAX_WHOLE >> 20} MiB, got more at `{path}`")
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        raise LogError(f"cannot read `{path}`: {error.strerror}") from error
    objects, lost = _objects(path, text)
    history = _history(objects)
    if history is not None:
        return log_of(
            [dict(flat(o)) for o in history], "transformers", update_step=True, what=f"log_history of `{path}`"
        )
    rows = [row for one in objects if (row := dict(flat(one)))]
    rllib = any("training_iteration" in r for r in rows[:5])
    logger = "rllib" if rllib else "sb3" if any("time/iterations" in r for r in rows[:5]) else "jsonl"
    return log_of(rows, logger, lost=lost, what=f"objects of `{path}`")


def _objects(path: Path, text: str) -> tuple[list[Mapping[str, Any]], int]:
    """The objects of a file, and how many lines hold none."""
    whole = text.lstrip()
    if whole.startswith("[") or path.name == STATE or "\n" not in whole.strip():
        value = _parse(whole)
        if isinstance(value, list):
            return [o for o in cast("list[Any]", value) if isinstance(o, Mapping)], 0
        if isinstance(value, Mapping):
            return [cast("Mapping[str, Any]", value)], 0
        raise LogError(f"expected JSON in `{path}`, got something that ends early or is damaged; is it still written?")
    found: list[Mapping[str, Any]] = []
    lost = 0
    for line in text.splitlines():
        if line.strip():
            value = _parse(line)
            if isinstance(value, Mapping):
                found.append(cast("Mapping[str, Any]", value))
            else:
                lost += 1
    if not found:
        raise LogError(f"expected one JSON object a line in `{path}`, got none that is whole")
    return found, lost


def _parse(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _history(objects: list[Mapping[str, Any]]) -> list[Mapping[str, Any]] | None:
    if len(objects) != 1 or not isinstance(found := objects[0].get("log_history"), list):
        return None
    return [o for o in cast("list[Any]", found) if isinstance(o, Mapping)]
