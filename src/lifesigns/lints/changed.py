"""Lines that changed since a revision, from `git diff`; files that git does not know count as changed throughout."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

_HUNK = re.compile(r"^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_PLAIN = (
    "--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/", "-U0", "--find-renames",
    "--inter-hunk-context=0",
)  # fmt: skip
"""what a user's git settings may change in a patch, set back."""
EVERYTHING = range(1, 1 << 40)


class GitError(Exception):
    """git is missing, the folder is no repository, or the revision is unknown; the message says which."""


def changed_lines(revision: str, folder: Path) -> dict[Path, list[range]]:
    """Absolute path → ranges of changed lines of each file that differs from `revision` in the working tree."""
    top = Path(_git(["rev-parse", "--show-toplevel"], folder).rstrip("\n"))
    if revision.startswith("-"):
        raise GitError(f"`{revision}` is no revision")
    text = _git(["diff", *_PLAIN, revision, "--"], top)
    found: dict[Path, list[range]] = {}
    at: Path | None = None
    content = 0
    for line in text.split("\n"):
        if content:
            content -= not line.startswith("\\")
        elif line.startswith("+++ "):
            name = _name(line[4:].rstrip("\t\r"))
            at = top / name[2:] if name.startswith("b/") else None
            if at is not None:
                found[at] = []
        elif match := _HUNK.match(line):
            start, count = int(match[2]), int(match[3] or 1)
            content = int(match[1] or 1) + count
            if count and at is not None:
                found[at].append(range(start, start + count))
    for name in _git(["ls-files", "--others", "--exclude-standard", "-z"], top).split("\0"):
        if name:
            found[top / name] = [EVERYTHING]
    return found


def _name(text: str) -> str:
    """A file name as git writes it: in double quotes with C's escapes where it holds quotes or control characters."""
    if not text.startswith('"'):
        return text
    try:
        return str(ast.literal_eval(text))
    except (SyntaxError, ValueError):
        return text.strip('"')


def touches(ranges: list[range], first: int, last: int) -> bool:
    """Whether one of the lines from `first` to `last` is in one of the ranges."""
    return any(r.start <= max(first, last) and first < r.stop for r in ranges)


def _git(arguments: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(
            ["git", "-c", "core.quotepath=off", *arguments],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GitError(f"git could not be run: {error}") from None
    if done.returncode:
        raise GitError(
            done.stderr.strip().splitlines()[0] if done.stderr.strip() else f"git ended with {done.returncode}"
        )
    return done.stdout
