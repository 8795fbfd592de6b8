"""The settings of a discount that a script holds, and the lines at which it or a library is given another.

Flows in: the undyed run's plan and the facts of the discounting dye. Flows out: entries of these facts. Only `rewards`
calls it.
"""

from __future__ import annotations

import os
from typing import Any

from lifesigns.paired import options, source
from lifesigns.paired.experiments import Facts
from lifesigns.paired.plan import Plan


def unnamed_lambda(plan: Plan, facts: Facts) -> None:
    """Takes a number of the user's source for λ where no setting is called so and credit fades by γ times that number
    (`advantage = delta + gamma * 0.95 * advantage`, or a λ under a name of its own)."""
    held, decay = facts.data["settings"], facts.data.get("decay")
    gammas = [float(pair[1]) for pair in held.get("gamma", [])]
    if decay is None or "gamma" in facts.data or held.get("lambda") or not gammas:
        return
    ratios = [decay / g for g in gammas if 0 < g <= 1 and 0.5 <= decay / g < 1 - 1e-3 and abs(decay / g - g) > 1e-3]
    files = dict.fromkeys(s[2] for s in plan.log.sites if s and s[2])
    for file, line, number in source.numbers(files):
        if any(abs(ratio - number) <= 2e-4 for ratio in ratios):
            held["lambda"] = [[f"{os.path.basename(file)}:{line}", number]]
            return


def handed_on(plan: Plan, facts: Facts) -> None:
    """`line`: where γ or n is given the value that was read off, if that is none of its settings: the value of another
    setting, or a number."""
    read = {"gamma": facts.data.get("gamma", facts.data.get("bootstrap_weight"))}
    if "decay" in facts.data:
        read["lambda" if "gamma" in facts.data else "gamma"] = facts.data["decay"] / facts.data.get("gamma", 1.0)
    names = plan.log.notes.get("setting_names", {})
    facts.data["setting_names"] = list(names)
    files = list(dict.fromkeys(s[2] for s in plan.log.sites if s and s[2]))
    for kind, value in read.items():
        known = [pair[1] for pair in facts.data["settings"].get(kind, [])]
        if value is None or not known or min(abs(value - k) for k in known) <= 1e-3:
            continue
        found = source.crossed(files, names, kind, value)
        if found is not None:
            facts.data["line"] = {"file": found[0], "line": found[1]}
            return


def option(facts: Facts, plan: Plan) -> dict[str, Any]:
    """`option`: where a library that holds another value than the script's own settings was given it, or was made."""
    call = options.maker(facts.site)
    kinds = options.differing(plan.log.notes.get("settings", {}))
    if call is None or facts.site is None or not kinds:
        return {}
    named = (options.given_at(facts.site, options.NAMES[kind]) for kind in kinds if kind in options.NAMES)
    place = next((p for p in named if p), None)
    return {"option": place or {"file": facts.site.user_file, "line": call.lineno}}


def settings(plan: Plan) -> dict[str, list[list[Any]]]:
    """Values by kind: those of the command line's arguments where there is one of that kind, else the script's own,
    else those of libraries."""
    found: dict[str, list[list[Any]]] = {}
    for kind, values in plan.log.notes.get("settings", {}).items():
        named = [[g for g in values if g[2:] == [whose]] for whose in ("argument", "user")]
        own = next((some for some in named if some), values)
        found[kind] = [list(pair) for pair in sorted({(g[0], g[1]) for g in own})]
    return found
