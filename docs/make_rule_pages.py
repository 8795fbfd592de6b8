"""Writes docs/rules/: one page a rule, from the rules' own docstrings; `--check` only says whether they are current."""

import sys
from pathlib import Path

from lifesigns.rules import all_rules
from lifesigns.rules.page import markdown, summary

FOLDER = Path(__file__).parent / "rules"


def pages() -> dict[Path, str]:
    """What each file has to hold."""
    rules = all_rules()
    rows = [f"| [{r.code}]({r.code}.md) | {r.name} | {summary(r)} | {r.status} |" for r in rules]
    index = "\n".join(["# Rules", "", "| code | name | fires when | status |", "|---|---|---|---|", *rows, ""])
    return {FOLDER / "index.md": index, **{FOLDER / f"{r.code}.md": markdown(r) for r in rules}}


def main() -> int:
    """0 if the files are current (or have just been written)."""
    wanted = pages()
    stale = [p for p, text in wanted.items() if not p.exists() or p.read_text("utf-8") != text]
    stale += [p for p in FOLDER.glob("*.md") if p not in wanted]
    if "--check" in sys.argv:
        print("\n".join(f"stale: {p}" for p in stale) or "current")
        return int(bool(stale))
    FOLDER.mkdir(exist_ok=True)
    for path in stale:
        if path in wanted:
            path.write_text(wanted[path], "utf-8")
        else:
            path.unlink()
    print(f"{len(stale)} of {len(wanted)} pages written")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
