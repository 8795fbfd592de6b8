"""Which files a set of paths means: scripts and notebooks below folders, less what is excluded."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

ENDINGS = (".py", ".ipynb")
LEFT_OUT = frozenset(
    {
        ".git", ".hg", ".svn", ".venv", "venv", "__pycache__", ".ipynb_checkpoints", "node_modules", ".tox", ".nox",
        ".mypy_cache", ".ruff_cache", ".pytest_cache", ".eggs", "build", "dist", ".lifesigns",
    }
)  # fmt: skip
"""folders that are never entered, unless they are named themselves."""


def collect(paths: Iterable[Path], exclude: Iterable[str] = (), root: Path | None = None) -> list[tuple[Path, bool]]:
    """Files to read, each once, sorted within a folder; True for those that were named themselves.

    `exclude`: patterns (`tests/*`, `old`) held against the path relative to `root` and against each of its parts.
    Raises FileNotFoundError for a path that does not exist.
    """
    patterns = tuple(exclude)
    base = (root or Path()).absolute()
    found: dict[Path, bool] = {}
    for path in paths:
        if path.is_file():
            found.setdefault(path, True)
        elif path.is_dir():
            for one in _below(path):
                if not _excluded(one, base, patterns):
                    found.setdefault(one, False)
        else:
            raise FileNotFoundError(f"no file or folder at `{path}`")
    return list(found.items())


def _below(folder: Path) -> Iterator[Path]:
    for at, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in LEFT_OUT)
        for name in sorted(files):
            if name.endswith(ENDINGS):
                yield Path(at) / name


def _excluded(path: Path, base: Path, patterns: tuple[str, ...]) -> bool:
    if not patterns:
        return False
    full = path.absolute()
    shown = str(full.relative_to(base)) if full.is_relative_to(base) else str(full)
    parts = shown.split(os.sep)
    heads = {os.sep.join(parts[: i + 1]) for i in range(len(parts))}
    return any(fnmatch(text, p.rstrip("/")) for p in patterns for text in (*heads, *parts))
