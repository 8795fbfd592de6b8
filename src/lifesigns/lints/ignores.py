"""Comments that ignore findings: `# lifesigns: ignore[L503] reason`, and `ignore-file[...]` for a whole file."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Collection
from dataclasses import dataclass, field

from lifesigns.lints.source import Source, Text

_COMMENT = re.compile(r"#\s*lifesigns:\s*(ignore(?:-file)?)(?![\w-])\s*(?:\[([^\]]*)\])?[\s:,-]*(.*)$")


@dataclass(slots=True)
class Ignore:
    """One comment; `line` is in its cell, `at` in the text as a whole. Without codes or names it covers all rules."""

    path: str
    cell: int
    line: int
    at: int
    codes: tuple[str, ...]
    reason: str
    whole_file: bool = False
    used: set[str] = field(default_factory=set[str])

    def covers(self, code: str, rule: str, lines: range) -> str | None:
        """Its word that ignores a finding of that rule in the statement on those lines of the text; `*` for any."""
        if not self.whole_file and self.at not in lines:
            return None
        if not self.codes:
            return "*"
        return next((c for c in self.codes if c in (code, rule)), None)

    def idle(self, ran: Collection[str], known: Collection[str]) -> tuple[str, ...]:
        """Its words that ignore nothing: of rules that ran, or of no rule there is. `ran`, `known`: codes and names."""
        return tuple(c for c in self.codes if c not in self.used and (c in ran or c not in known))

    def is_unused(self, ran: Collection[str], known: Collection[str], everything_ran: bool) -> bool:
        """Whether a word of it ignores nothing; a comment without words is judged only if all rules ran."""
        if not self.codes:
            return everything_ran and not self.used
        return bool(self.idle(ran, known))


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
                at = token.start[0]
                cell, line = text.place(at)
                words = (c.strip() for c in (match[2] or "").split(","))
                codes = tuple(c.upper() if re.fullmatch(r"[A-Za-z]\d+", c) else c.lower() for c in words if c)
                found.append(Ignore(text.path, cell, line, at, codes, match[3].strip(), match[1] == "ignore-file"))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return found
    return found


def extents(source: Source) -> list[range]:
    """The lines of every statement, of those with a body the lines above it: a comment on one of them is about it."""
    found: list[range] = []
    todo: list[ast.AST] = list(source.tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            end = node.end_lineno or node.lineno
            if isinstance(body, list) and body:
                end = max(node.lineno, min(getattr(b, "lineno", end) for b in _starts(body[0])) - 1)
            found.append(range(node.lineno, end + 1))
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, name, None)
            if isinstance(inner, list):
                todo.extend(n for n in inner if isinstance(n, ast.AST))
    return found


def _starts(node: ast.AST) -> list[ast.AST]:
    return [node, *getattr(node, "decorator_list", ())]


def extent(held: list[range], line: int) -> range:
    """The shortest statement that holds a line; that line alone where none does (a comment, a blank line)."""
    return min((r for r in held if line in r), key=len, default=range(line, line + 1))
