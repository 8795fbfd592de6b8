"""Files to text: scripts and notebooks, whatever their encoding; what cannot be read is said in one sentence."""

from __future__ import annotations

import ast
import io
import json
import re
import stat
import tokenize
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MOST_BYTES = 3_000_000
"""a larger file is taken to be generated; the largest hand-written module of torch has 0.6 MB."""
LONGEST_LINE = 200_000
TOPICS = (
    "torch|gym|gymnasium|stable_baselines3|sb3_contrib|sklearn|tianshou|torchrl|trl|transformers|timm|lightning|"
    "pytorch_lightning|accelerate|datasets|pettingzoo|minigrid|ignite|fastai|peft|cleanrl_utils|jax|flax|keras|tensorflow"
)
_TOPIC = re.compile(rf"^[ \t]*(?:from|import)[ \t]+(?:[\w. ,]*\b)?(?:{TOPICS})\b".encode(), re.MULTILINE)
_RELATIVE = re.compile(rb"^[ \t]*from[ \t]+\.", re.MULTILINE)
_CODING = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+", re.MULTILINE)
_MAGIC = re.compile(r"^\s*[%!?]|^\s*\w[\w, ]*=\s*[%!]|^\s*[\w.]+\?\??\s*$")


@dataclass(frozen=True)
class Unread:
    """A file that could not be read, or not in full: where and why. Given once for each file."""

    path: str
    line: int
    column: int
    reason: str
    cell: int = 0


@dataclass(frozen=True)
class Text:
    """Python source and where its lines come from: for notebooks `cells[i]` is (cell, line) of line i + 1."""

    path: str
    text: str
    cells: tuple[tuple[int, int], ...] = ()
    lines: tuple[str, ...] = field(default=())

    def place(self, line: int) -> tuple[int, int]:
        """(cell, line in it) of a line; cell 0 outside notebooks."""
        return self.cells[line - 1] if self.cells and 0 < line <= len(self.cells) else (0, line)


def read(path: Path, shown: str = "", *, always: bool = False) -> tuple[Text, ast.Module] | Unread | None:
    """Text and tree of a file; None for one that imports none of the libraries that rules are about.

    `always`: parse it even so. `shown` is the path used in messages.
    """
    name = shown or str(path)
    try:
        about = path.stat()
        size = about.st_size
        if not stat.S_ISREG(about.st_mode):
            return Unread(name, 1, 1, "not a regular file")
        if size > MOST_BYTES:
            return Unread(name, 1, 1, f"{size / 1e6:.1f} MB: over {MOST_BYTES / 1e6:.0f} MB is taken to be generated")
        data = path.read_bytes()
    except OSError as error:
        return Unread(name, 1, 1, f"cannot be opened: {error.strerror or error}")
    if path.suffix == ".ipynb":
        found = _notebook(name, data)
    elif not always and not about_training(data):
        return None
    else:
        found = _script(name, data)
    return found if isinstance(found, Unread) else parse(found)


def about_training(data: bytes) -> bool:
    """Whether a module imports one of the libraries, by a look at its import lines."""
    return _TOPIC.search(data) is not None


def _script(name: str, data: bytes) -> Text | Unread:
    if (zero := data.find(b"\0")) >= 0:
        return Unread(name, data.count(b"\n", 0, zero) + 1, 1, "holds zero bytes: not text")
    encoding = "utf-8"
    try:
        encoding = _encoding(data)
        text = data.decode(encoding)
    except (SyntaxError, LookupError) as error:
        return Unread(name, 1, 1, f"encoding cannot be told: {error}")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Unread(name, line, 1, f"not {error.encoding}: byte 0x{data[error.start]:02x}")
    except UnicodeError as error:
        return Unread(name, 1, 1, f"cannot be decoded as {encoding}: {error}")
    if text.startswith("﻿"):
        text = text[1:]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Text(name, text, (), tuple(text.split("\n")))


def _encoding(data: bytes) -> str:
    """The declared encoding, UTF-8 where none is; a bad byte at the top is told by decoding, with its place."""
    try:
        return tokenize.detect_encoding(io.BytesIO(data).readline)[0]
    except SyntaxError:
        if _CODING.search(b"\n".join(data.split(b"\n", 2)[:2])):
            raise
        return "utf-8"


def _notebook(name: str, data: bytes) -> Text | Unread:
    try:
        book: Any = json.loads(data)
    except (ValueError, RecursionError) as error:
        return Unread(name, getattr(error, "lineno", 1), getattr(error, "colno", 1), f"not a notebook: {error}")
    listed = book.get("cells") if isinstance(book, dict) else None
    if not isinstance(listed, list):
        return Unread(name, 1, 1, "not a notebook: no list `cells`")
    lines: list[str] = []
    cells: list[tuple[int, int]] = []
    for number, cell in enumerate(listed, 1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        source: Any = cell.get("source", "")
        text = "".join(str(s) for s in source) if isinstance(source, list) else str(source)
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", " ")
        for at, line in enumerate(_without_magics(text.split("\n")), 1):
            lines.append(line)
            cells.append((number, at))
    return Text(name, "\n".join(lines), tuple(cells), tuple(lines))


def _without_magics(lines: list[str]) -> list[str]:
    """Line magics become `pass`; a cell in another language becomes empty, one under `%%time` and its like stays."""
    first = next((x.strip() for x in lines if x.strip()), "")
    if first.startswith("%%") and first.split()[0] not in ("%%time", "%%timeit", "%%capture", "%%prun"):
        return ["" for _ in lines]
    if not any(_MAGIC.search(line) for line in lines) or _is_python(lines):
        return lines
    kept: list[str] = []
    for line in lines:
        if _MAGIC.search(line) and not line.strip().startswith("#"):
            indent = line[: len(line) - len(line.lstrip())]
            kept.append(f"{indent}pass")
        else:
            kept.append(line)
    return kept


def _is_python(lines: list[str]) -> bool:
    """Whether a cell parses as it stands: a `%` that continues a sum is no magic."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def parse(text: Text) -> tuple[Text, ast.Module] | Unread:
    """The tree, or where and why there is none."""
    if any(len(line) > LONGEST_LINE for line in text.lines):
        return Unread(text.path, 1, 1, f"a line of over {LONGEST_LINE:,} characters is taken to be generated")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return text, ast.parse(text.text, filename=text.path)
    except SyntaxError as error:
        line = min(max(error.lineno or 1, 1), max(len(text.lines), 1))
        cell, at = text.place(line)
        return Unread(text.path, at, max(error.offset or 1, 1), _said(error, text.lines, line), cell)
    except (RecursionError, MemoryError):
        return Unread(text.path, 1, 1, "nested too deeply for Python's parser")
    except ValueError as error:
        return Unread(text.path, 1, 1, f"cannot be parsed: {error}")


def _said(error: SyntaxError, lines: tuple[str, ...], line: int) -> str:
    if "Missing parentheses in call to 'print'" in error.msg or "Missing parentheses in call to 'exec'" in error.msg:
        return f"Python 2: {error.msg.split('.')[0]}"
    text = lines[line - 1] if line <= len(lines) else ""
    if re.match(r"\s*except\s+[\w.]+\s*,\s*\w+\s*:", text) or "leading zeros" in error.msg or "<>" in text:
        return f"Python 2: {error.msg}"
    return f"syntax error: {error.msg}"
