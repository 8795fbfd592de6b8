"""Asks for the pairs of runs that log the user's lines, for the dyes whose answer needs one, and points facts at it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lifesigns.paired import hunts, kept
from lifesigns.paired.experiments import Blind, Facts, Lab
from lifesigns.paired.locate import RESET_CALL, STEP_CALL, LinePath, Mark, text_of
from lifesigns.paired.scales import near

Suspect = Callable[[dict[str, Any]], bool]


def _lost(data: dict[str, Any]) -> bool:
    return not data.get("gradients_touched") and data.get("gradients", 0) >= 2


def _alike(data: dict[str, Any]) -> bool:
    lost = _lost(data) or bool(data.get("ended_lost"))
    alike = not data.get("kind_matters") or bool(data.get("gradients_touched") and data.get("ended_silent"))
    return lost and alike and not data.get("never_bootstrapped")


def _told_apart(data: dict[str, Any]) -> bool:
    return _lost(data) and bool(data.get("kind_matters"))


def _crossing(data: dict[str, Any]) -> bool:
    return float(data.get("crossing", 0.0)) > 0.01 and not data.get("line")


def _off(data: dict[str, Any]) -> bool:
    settled = data.get("line") or _factor_off(data)
    several = data.get("planted_as") == "once" or int(data.get("responses", 0)) > 1
    return bool(data.get("settings")) and several and not settled


def _factor_off(data: dict[str, Any]) -> bool:
    """Whether stored numbers weigh the next value otherwise than the rewards of the target fade, or than is set."""
    weight, decay, steps = data.get("bootstrap_weight"), data.get("decay"), int(data.get("responses", 0))
    if not data.get("factors") or weight is None or data.get("line"):
        return False
    if decay is not None and steps > 1:
        return not near(weight, decay**steps)
    return not any(near(weight, pair[1]) for pair in data.get("settings", {}).get("gamma", []))


def _kept(data: dict[str, Any]) -> bool:
    return bool(data.get("gradients_touched")) and bool(data.get("factors")) and not data.get("line")


def _wrong_way(data: dict[str, Any]) -> bool:
    return any(p < 0 for p in data.get("pulls", {}).values())


def _unseen(data: dict[str, Any]) -> bool:
    return not data.get("acting_touched")


def _follows_end(data: dict[str, Any]) -> bool:
    return bool(data.get("ended_rows_touched")) and not data.get("line")


def _leaks(data: dict[str, Any]) -> bool:
    return bool(data.get("gradients_touched")) and not data.get("meets_reward") and not data.get("line")


def _shifted(data: dict[str, Any]) -> bool:
    return _misplaced(data) and not data.get("otherwise")


def _turned_round(data: dict[str, Any]) -> bool:
    """Whether the right row answers as well, otherwise: rewards are summed up in another order."""
    return _misplaced(data) and bool(data.get("otherwise"))


def _misplaced(data: dict[str, Any]) -> bool:
    wrong = data.get("shifted", 0) + data.get("other_environment", 0)
    return wrong > data.get("right", 0) and not data.get("line")


def _touched(data: dict[str, Any]) -> bool:
    return bool(data.get("touched"))


def _ends_alike(data: dict[str, Any]) -> bool:
    return bool(data.get("gradients_touched")) and bool(data.get("ends_alike"))


def _hashed(data: dict[str, Any]) -> bool:
    return bool(data.get("hash_touched")) and bool(data.get("same"))


def _transformed(data: dict[str, Any]) -> bool:
    one, hundred = data.get("moved_by_1", 1.0), data.get("moved_by_100", 1.0)
    if data.get("line"):
        return False
    return abs(one - 1.0) > 1e-3 or abs(hundred - one) > 0.1 * abs(one)


def _odd_reward(data: dict[str, Any]) -> bool:
    return data.get("odd_data") == "reward"


def _odd_end(data: dict[str, Any]) -> bool:
    return data.get("odd_data") == "end"


def _stored_apart(data: dict[str, Any]) -> bool:
    scales = data.get("scales") or {}
    return bool(scales) and not near(scales["stored"], scales["executed"]) and near(scales["rated"], scales["executed"])


WANTED: tuple[tuple[str, Suspect, str, str, str], ...] = (
    ("reward", _lost, "natural", "reward-comb", "lost"),
    ("discounting", _off, "natural", "reward-once", "spread"),
    ("discounting", _factor_off, "natural", "reward-once", "number"),
    ("reward-sign", _wrong_way, "natural", "reward-once", "negative"),
    ("reward-pairing", _shifted, "natural", "reward-once", "stored"),
    ("reward-pairing", _turned_round, "natural", "reward-once", "spread"),
    ("reward-scaling", _transformed, "natural", "reward-once", "stored"),
    ("episode-boundary", _crossing, "busy", "reward-first-steps", "cut"),
    ("truncated-end", _alike, "busy", "end-kind", "merged"),
    ("truncated-end", _told_apart, "busy", "obs-truncated", "last read"),
    ("terminal-observation", _leaks, "busy", "obs-terminal", "last"),
    ("terminal-observation", _kept, "busy", "obs-terminal", "number"),
    ("terminal-observation", _ends_alike, "busy", "end-kind", "merged"),
    ("autoreset-rows", _leaks, "busy", "dummy-reward", "stored"),
    ("episode-memory", _touched, "busy", "obs-one-episode", "memory"),
    ("observation", _unseen, "natural", "obs-all", "ignored"),
    ("next-episode", _follows_end, "busy", "obs-reset", "taken"),
    ("broadcast", _odd_reward, "natural", "reward-once", "stored"),
    ("broadcast", _odd_end, "busy", "end-kind", "stored"),
    ("action", _stored_apart, "natural", "act-moved", "beside"),
    ("labels", _lost, "natural", "labels", "end"),
    ("inputs", _lost, "natural", "inputs", "end"),
    ("reproducible", _hashed, "natural", "hash-seed", "first"),
)
"""Dye, when its answer asks for a line, the undyed run, the dyed run, and how the line is found."""


def locate_all(lab: Lab, facts: list[Facts], suspects: set[str]) -> None:
    """For each suspect dye with such an answer: a pair of runs with the lines logged; `line` in its facts."""
    wanted = [
        (f, base, dyed, how)
        for f in facts
        for dye, asks, base, dyed, how in WANTED
        if f.dye == dye and dye in suspects and not (f.data.get("blind") or f.data.get("option")) and asks(f.data)
    ]
    parts = {
        (base, dyed): _part(lab, dyed, [how for _, b, d, how in wanted if (b, d) == (base, dyed)])
        for _, base, dyed, _ in wanted
    }
    for _, base, dyed, _ in wanted:
        for name in (base, dyed):
            lab.ask_lines(name, parts[base, dyed])
        lab.ask_lines(base, parts[base, dyed], again="-again")
    for one, base, dyed, how in wanted:
        part = parts[base, dyed]
        try:
            path = LinePath(lab.lines(base, part), lab.lines(dyed, part), lab.lines(f"{base}-again", part))
        except (Blind, OSError, ValueError, KeyError):
            continue
        mark = _entered(path, how, one.data) or _found(path, how, one.data)
        one.data["line_path"] = [
            {"file": m.file, "line": m.line, "names": list(m.names)[:4]} for m in _distinct(path.marks)[:12]
        ]
        if mark is not None:
            one.data["line"] = {"file": mark.file, "line": mark.line, "text": text_of(mark.file, mark.line)}


AT_ONCE = frozenset(("stored", "beside", "taken", "ignored", "number"))
"""Hunts that end where a step's result is taken up; the others follow it into the updates."""
LATE, STEPS_AFTER, ROUNDS_AFTER = 48, 24, 3
"""Environment steps: planted later than that, the lines before are not logged; of a hunt that ends at once, so many
after the first planted one are, or so many of each environment. Assumed (windows of n steps are shorter)."""


def _part(lab: Lab, dyed: str, hunts: list[str]) -> tuple[int, int]:
    """From which environment step to which one the lines are to be logged."""
    try:
        first, last = lab.planted_between(dyed)
        after = max(STEPS_AFTER, ROUNDS_AFTER * len(lab.plan("natural").train_parts))
    except Blind:
        return 0, 0
    start = first - 2 if first > LATE else 0
    if set(hunts) <= AT_ONCE:
        return start, first + after
    return start, last + after if set(hunts) <= {*AT_ONCE, "memory"} else 0


TAKERS = {"stored": (STEP_CALL,), "taken": (STEP_CALL, RESET_CALL)}
"""Calls whose result a hunt follows; where no line of the user's makes one that is stained, a library does."""


def _entered(path: LinePath, how: str, data: dict[str, Any]) -> Mark | None:
    """Where a library takes the steps and hands what is stored to lines of the user's: the line where what differs came
    into torch."""
    at = data.get("entered_line")
    if how not in TAKERS or path.calls(*TAKERS[how]) or not isinstance(at, dict):
        return None
    return Mark(str(at["file"]), int(at["line"]), (), -1, -1)


def _found(path: LinePath, how: str, data: dict[str, Any]) -> Mark | None:
    if how == "end":
        return path.end()
    if how in ("merged", "last read"):
        return _where_end_is_lost(path, how, data)
    if how == "lost":
        return path.lost() or path.unread() or path.end()
    if how == "unread":
        return path.unread() or path.end()
    if how == "beside":
        return path.beside()
    if how == "ignored":
        return path.ignored()
    if how == "taken":
        return hunts.taken(path)
    if how == "negative":
        return path.negative
    if how == "spread":
        return path.spread(int(data.get("planted_rows", 0)) or 1)
    if how == "cut":
        mark = path.cut(int(data.get("planted_rows", 0)) or 1)
        return (hunts.emptied(path, mark) if mark is not None else None) or mark
    if how == "number":
        return hunts.number(path, data["factors"], data.get("setting_names", ()))
    if how == "stored":
        return hunts.stored(path)
    if how == "last":
        return path.marks[-1] if path.marks else None
    return kept.survives(path, int(data.get("planted", 0)))


def _where_end_is_lost(path: LinePath, how: str, data: dict[str, Any]) -> Mark | None:
    """The line where the flags of an end are merged, unless what is merged there is used as a mask elsewhere; for a
    last observation that is handed on to no network, the line that calls the network on something else."""
    if how == "merged":
        called = hunts.flagged(path)
        if called is not None:
            return called
        mark, other = path.end(), data.get("mask_line")
        if mark is not None and HANDED_ON.search(text_of(mark.file, mark.line)):
            return mark
    else:
        mark, other = path.unread() or path.end(), data.get("mask_line") or data.get("bootstrap_line")
        key = hunts.asked(path) if not data.get("mask_line") else None
        if key is not None:
            return key
    return Mark(str(other["file"]), int(other["line"]), (), -1, -1) if isinstance(other, dict) else mark


HANDED_ON = re.compile(r"[([,].*(\bor\b|\||logical_or|maximum)")
"""Two flags merged where they are handed on, as an argument or an item; not in an assignment alone."""


def _distinct(marks: list[Mark]) -> list[Mark]:
    found: dict[tuple[str, int], Mark] = {}
    for mark in marks:
        found.setdefault((mark.file, mark.line), mark)
    return list(found.values())
