"""results.md from results.json: tables only, nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterator

TITLES = {
    "coverage": "Coverage of 95 % intervals",
    "sizes": "Sizes and error rates of tests at 5 %",
    "published": "Known figures, simulated",
    "spanning": "The median and the optimality gap: an interval that also holds where they are biased",
    "learners": "Reference learners: ten seeds against one",
    "adastop": "Against AdaStop",
    "rliable": "Against rliable 1.2.0",
}


def page(found: dict) -> str:
    """The whole page."""
    lines = ["# Statistics, measured", ""]
    for part, title in TITLES.items():
        if part not in found:
            continue
        made = found[part]
        versions = ", ".join(f"{k} {v}" for k, v in made["versions"].items())
        lines += [f"## {title}", "", f"`{made['command']}`, {made['date']}, {made['cpu_s']} CPU seconds."]
        lines += [f"Machine: {made['machine']}. Versions: {versions}.", ""]
        lines += [*(coverage(made["rows"]) if part in ("coverage", "spanning") else plain(made["rows"])), ""]
    return "\n".join(lines).rstrip() + "\n"


def coverage(rows: list[dict]) -> Iterator[str]:
    """One line for each quantity, setting and number of runs; one column for each method of that quantity."""
    for what in dict.fromkeys(r["what"] for r in rows):
        own = [r for r in rows if r["what"] == what]
        methods = list(dict.fromkeys(r["method"] for r in own))
        simulations = max(r["simulations"] for r in own)
        how = f"{simulations} simulations, standard error up to {max(r['error'] for r in own):.3f}"
        yield from (f"**{what}** ({how if simulations else 'enumerated'})", "")
        yield "| setting | runs | " + " | ".join(methods) + " |"
        yield "|---|---|" + "---|" * len(methods)
        for setting, runs in dict.fromkeys((r["setting"], r["runs"]) for r in own):
            line = {r["method"]: r["coverage"] for r in own if (r["setting"], r["runs"]) == (setting, runs)}
            yield f"| {setting} | {runs} | " + " | ".join(f"{line[m]:.3f}" if m in line else "" for m in methods) + " |"
        yield ""


def plain(rows: list[dict]) -> Iterator[str]:
    """The rows as they are, one table for each set of columns."""
    for names in dict.fromkeys(tuple(r) for r in rows):
        yield "| " + " | ".join(names) + " |"
        yield "|" + "---|" * len(names)
        yield from ("| " + " | ".join(cell(r[n]) for n in names) + " |" for r in rows if tuple(r) == names)
        yield ""


def cell(value: object) -> str:
    """A number with four digits, anything else as it is."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
