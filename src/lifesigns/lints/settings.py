"""`[tool.lifesigns]` of the nearest `pyproject.toml`: which rules, which files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

KEYS = ("select", "ignore", "exclude", "per-file-ignores")


@dataclass(frozen=True)
class Settings:
    """Codes, prefixes or names of rules to run and to leave out; patterns of files to leave out, relative to `root`."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    per_file: tuple[tuple[str, tuple[str, ...]], ...] = ()
    root: Path | None = None


def load_settings(start: Path) -> Settings:
    """The settings that apply to a path: of the nearest pyproject.toml upwards that has the table.

    Raises ValueError with the file's name where the table has an unknown key or a value of the wrong type.
    """
    folder = start if start.is_dir() else start.parent
    for at in (folder.absolute(), *folder.absolute().parents):
        file = at / "pyproject.toml"
        if file.is_file():
            try:
                tool = tomllib.loads(file.read_text("utf-8")).get("tool", {})
            except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
                raise ValueError(f"`{file}` cannot be read: {error}") from None
            table = tool.get("lifesigns") if isinstance(tool, dict) else None
            if table is not None and not isinstance(table, dict):
                raise ValueError(f"expected a table [tool.lifesigns] in `{file}`, got {table!r}")
            if table is not None:
                return _settings(table, file)
    return Settings()


def _settings(table: Mapping[str, Any], file: Path) -> Settings:
    for key in table:
        if key not in KEYS:
            raise ValueError(f"unknown key `{key}` in [tool.lifesigns] of `{file}`; known are {', '.join(KEYS)}")
    per_file = table.get("per-file-ignores", {})
    if not isinstance(per_file, dict):
        raise ValueError(f"expected a table of pattern = [codes] for `per-file-ignores` in `{file}`")
    pairs = tuple((str(p), _strings(codes, f"per-file-ignores.{p}", file)) for p, codes in per_file.items())
    lists = [_strings(table.get(key, []), key, file) for key in KEYS[:3]]
    return Settings(lists[0], lists[1], lists[2], pairs, file.parent)


def _strings(value: Any, key: str, file: Path) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise ValueError(f"expected a list of strings for `{key}` in [tool.lifesigns] of `{file}`, got {value!r}")
    return tuple(value)
