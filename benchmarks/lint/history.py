"""Real history: fixes of two repositories (history.toml); is the parent reported, and the fixed version quiet?"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import tempfile
import tomllib
from collections import Counter
from pathlib import Path

from lifesigns.lints.read import Job, lint_here

HERE = Path(__file__).parent
NEAR = 12


def git(repository: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", "-C", str(repository), *arguments], capture_output=True, check=True).stdout


def first_changed(repository: Path, commit: str, path: str) -> list[int]:
    """Lines of the parent at which the fix changes the file."""
    text = git(repository, "diff", "-U0", "--no-color", f"{commit}^", commit, "--", path).decode(errors="replace")
    return [int(m[1]) for m in re.finditer(r"^@@ -(\d+)", text, re.MULTILINE)]


def findings(repository: Path, revision: str, path: str) -> list[tuple[str, int]]:
    """(rule, line) in one file, read amid the modules of its top folder."""
    with tempfile.TemporaryDirectory() as folder:
        top = path.split("/")[0]
        with tarfile.open(fileobj=io.BytesIO(git(repository, "archive", revision, top))) as archive:
            archive.extractall(folder, filter="data")
        file = Path(folder) / path
        (report,) = lint_here(Job(((file, path),), always=frozenset([file])))
        return [(h.finding.code, h.finding.location.line) for h in report.hits if h.finding.location]


def rows(repositories: dict[str, Path]) -> list[dict]:
    """One row for each fixed file: rules that report near the fault in the parent and less often once it is fixed."""
    listed = tomllib.loads((HERE / "history.toml").read_text("utf-8"))["fix"]
    found: list[dict] = []
    for fix in listed:
        at = repositories[fix["repository"]]
        lines = first_changed(at, fix["commit"], fix["path"])
        before = findings(at, f"{fix['commit']}^", fix["path"])
        after = findings(at, fix["commit"], fix["path"])
        was, now = Counter(c for c, _ in before), Counter(c for c, _ in after)
        near = {c for c, line in before if any(abs(line - x) <= NEAR for x in lines)}
        row = {**fix, "lines": lines[:6], "parent": sorted(set(was)), "fixed": sorted(set(now))}
        row["caught"] = sorted(c for c in near if was[c] > now[c])
        row["still"] = sorted(c for c in row["caught"] if now[c])
        row["new"] = sorted(c for c in now if now[c] > was[c])
        found.append(row)
    return found
