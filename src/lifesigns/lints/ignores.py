"""Comments that ignore findings: `# lifesigns: ignore[L503] reason`, and `ignore-file[...]` for a whole file."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass, field

from lifesigns.lints.source import Text

_COMMENT = re.compile(r"#\s*lifesigns:\s*(ignore(?:-file)?)\s*(?:\[([^\]]*)\])?[\s:,-]*(.*)$")


@dataclass(slots=True)
class Ignore:
    """One comment; `line` is in its cell. Without codes it covers all rules."""

    path: str
    cell: int
    line: int
    codes: tuple[str, ...]
    reason: str
    whole_file: bool = False
    used: set[str] = field(default_factory=set[str])

    def covers(self, code: str, cell: int, line: int, end_line: int) -> bool:
        """Whether a finding of that code on those lines is ignored by it."""
        if self.codes and code not in self.codes:
            return False
        return self.whole_file or (self.cell == cell and line <= self.line <= max(end_line, line))

    def is_unused(self, ran: Iterable[str], everything_ran: bool) -> bool:
        """Whether it names a rule that ran and found nothing there; comments without codes only if all rules ran."""
        if not self.codes:
            return everything_ran and not self.used
        return bool(self.idle(ran))

    def idle(self, ran: Iterable[str]) -> tuple[str, ...]:
        """Its codes that ignore nothing, of the rules that ran."""
        known = set(ran)
        return tuple(c for c in self.codes if c in known and c not in self.used)


def ignores_in(text: Text) -> list[Ignore]:
    """The comments of a file; text in strings does not count."""
    if "lifesigns:" not in text.text:
        return []
    found: list[Ignore] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text.text).readline):
            if token.type != tokenize.COMMENT or "lifesigns" not in token.string:
                continue
            match = _COMMENT.search(token.string)
            if match:
                cell, line = text.place(token.start[0])
                codes = tuple(c.strip().upper() for c in (match[2] or "").split(",") if c.strip())
                found.append(Ignore(text.path, cell, line, codes, match[3].strip(), match[1] == "ignore-file"))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return found
    return found
