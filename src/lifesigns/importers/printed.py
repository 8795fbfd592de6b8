"""What a script printed: `step 100 loss=0.52`, Transformers' dictionaries, Stable-Baselines3's tables, Keras' bars."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from lifesigns.importers.logged import Log, LogError
from lifesigns.importers.rows import log_of
from lifesigns.model.roles import role_of

TITLE = "printed output"
SUFFIXES = (".log", ".txt", ".out", ".err")
FEWEST_ROWS = 3
"""lines with numbers below which a text is no log."""
MAX_LINE = 4096
PAIR = re.compile(
    r"(?P<quote>['\"]?)(?P<name>[A-Za-z_][\w./%()\- ]{0,60}?)(?P=quote)\s*[=:]\s*['\"\[(]*"
    r"(?P<value>[-+]?(?:nan|inf(?:inity)?|(?:\d[\d,]*)?\.?\d+(?:[eE][-+]?\d+)?|\d+\.))(?![\w.:/])",
    re.IGNORECASE,
)
COUNT = re.compile(
    r"\b(?P<name>global[_ ]step|total[_ ]timesteps|timesteps?|env[_ ]steps?|step|iter(?:ation)?|epoch|episode|update)"
    r"s?\b"
    r"[\s#\[(:=]*(?P<value>\d[\d,]*)",
    re.IGNORECASE,
)
WORD = re.compile(
    r"(?P<name>(?:[A-Za-z_]+ )?[A-Za-z_][\w/]*)\s+"
    r"(?P<value>[-+]?(?:nan|inf|\d*\.\d+(?:e[-+]?\d+)?|\d+e[-+]?\d+))(?![\w.])",
    re.IGNORECASE,
)
TABLE_ROW = re.compile(r"^\|\s(?P<indent>\s*)(?P<name>\S.*?)\s*\|\s*(?P<value>\S*)\s*\|$")
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def sniff(path: Path) -> bool:
    """A text file by its ending, or one named `nohup.out`, `stdout` and the like, without bytes of zero."""
    named = path.suffix.lower() in SUFFIXES or path.name in ("stdout", "stderr", "log", "output")
    if not named or not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return b"\0" not in file.read(2048)
    except OSError:
        return False


def read(path: Path) -> Log:
    """The numbers of each line that names some. Raises LogError."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        raise LogError(f"cannot read `{path}`: {error.strerror}") from error
    rows, logger = rows_of(text)
    if len(rows) < FEWEST_ROWS:
        raise LogError(
            f"expected lines such as `step 100 loss=0.52`, a dictionary or Stable-Baselines3's tables in `{path}`, "
            f"got {len(rows)} lines with named numbers; is it the output of a training run?"
        )
    return log_of(rows, logger, update_step=logger == "transformers", what=f"lines of `{path}`")


def rows_of(text: str) -> tuple[list[dict[str, float]], str]:
    """The rows of printed text, and what seems to have printed them: sb3, transformers or print."""
    lines = [ANSI.sub("", line) for line in re.split(r"[\r\n]+", text) if line.strip()]
    tables = list(_tables(lines))
    if tables:
        return tables, "sb3"
    rows: list[dict[str, float]] = []
    dictionaries = 0
    for line in lines:
        row = _row(line[:MAX_LINE])
        if row:
            rows.append(row)
            dictionaries += line.lstrip().startswith("{'")
    return rows, "transformers" if dictionaries * 2 > len(rows) else "print"


def _tables(lines: Iterable[str]) -> Iterator[dict[str, float]]:
    """Tables as SB3's HumanOutputFormat draws them: sections end with `/`, their members are indented."""
    row: dict[str, float] = {}
    section = ""
    for line in lines:
        stripped = line.strip()
        if len(stripped) >= 3 and not stripped.strip("-"):
            if row:
                yield row
            row, section = {}, ""
            continue
        cell = TABLE_ROW.match(stripped)
        if cell is None:
            row, section = {}, ""
            continue
        name, value = cell["name"], _value(cell["value"])
        if name.endswith("/") and not cell["value"]:
            section = name
        elif value is not None:
            row[(section if cell["indent"] else "") + name] = value


def _row(line: str) -> dict[str, float]:
    """The named numbers of a line; empty where it is a message that merely holds a number."""
    row: dict[str, float] = {}
    for match in PAIR.finditer(line):
        name, value = _tidy(match["name"]), _value(match["value"])
        if value is not None and name:
            row.setdefault(name, value)
    for match in COUNT.finditer(line):
        value = _value(match["value"])
        if value is not None:
            row.setdefault(match["name"].lower().replace(" ", "_"), value)
    for match in WORD.finditer(line):
        value = _value(match["value"])
        name = next((n for n in (match["name"], match["name"].split()[-1]) if role_of(n) is not None), "")
        if value is not None and name:
            row.setdefault(name, value)
    counts = {m["name"].lower().replace(" ", "_") for m in COUNT.finditer(line)}
    return row if set(row) - counts else {}


def _tidy(name: str) -> str:
    """The last words of what stands before the sign: `[INFO] step 10 | train loss` is `train loss`."""
    kept = re.split(r"\s[-|,;>]\s|\s{2,}|[|,;>]\s*", name)[-1].strip(" -|")
    words = kept.split()
    while len(words) > 1 and _value(words[0]) is not None:
        words.pop(0)
    after_number = [i for i, w in enumerate(words) if _value(w) is not None]
    words = words[after_number[-1] + 1 :] if after_number else words
    return " ".join(words[-3:])


def _value(text: str) -> float | None:
    try:
        return float(text.replace(",", "")) if text else None
    except ValueError:
        return None
