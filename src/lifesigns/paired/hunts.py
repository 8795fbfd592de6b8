"""Hunts through the lines of a run: the line that takes up what a step gave, that made a number, that calls an end a
termination or asks for its last observation, the branch of a caller that should have emptied what it keeps.

Flows in: a `LinePath`. Flows out: a mark, or None. Used by `lines`; decides nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from hashlib import blake2b

from lifesigns.paired import source
from lifesigns.paired.locate import HEADS, INFO, RESET_CALL, STEP_CALL, LinePath, Mark, names_at, text_of

SAME = 1e-6
"""relative distance of a number in the script (float64) from the one in a tensor (float32); assumed."""
MOSTLY = 0.5
"""share of the values that a line gave a name which must be the number; assumed (the others: 0 after terminations)."""
OFTEN = 0.8
"""share of ends at which a line must call them terminations; assumed (another environment may have terminated)."""
LAST = re.compile(r"(final|terminal|true_next|real_next)_?(obs|state)", re.IGNORECASE)
LAST_KEY = re.compile(r"""["']_?(final|terminal)""")
"""What the last observation of an episode is called, by names and by keys."""
TERMINATION = re.compile(r"terminat|terminal", re.IGNORECASE)
TRUE = frozenset(("True", "np.True_", "1.0", blake2b(b"\x01", digest_size=8).hexdigest() + "()"))
"""How the line log writes a flag that is set: Python's, NumPy's, and numbers made of them."""
HANDED_ON = 40
"""lines that wrappers run at most after a step, until the script has it; assumed."""
NUMBER = re.compile(r"(?:np\.float\d+\()?(-?\d[\d.]*(?:e[+-]?\d+)?)\)?")


def outermost(path: LinePath, mark: Mark) -> Mark:
    """A stained step as the script itself takes it: of steps in layers around the environment, the line that calls the
    last of them and is stained as well."""
    at = {m.at: m for m in path.marks}
    while (outer := caller(path, mark.at)) is not None and outer.at in at:
        if not STEP_CALL.search(text_of(outer.file, outer.line)):
            break
        mark = at[outer.at]
    return mark


def stored(path: LinePath) -> Mark | None:
    """The line that takes up what the first stained step gave, inside the functions that it is handed to; where one
    only adds it to a sum (`+=`), another that reads it before the next step, else the line that hands the sum on.
    """
    step = next((m for m in path.marks if STEP_CALL.search(text_of(m.file, m.line))), None)
    if step is None:
        return path.first_read()
    first = outermost(path, step)
    found = path.reader(first, path.fresh(first), sums=False) or path.reader(first, path.fresh(first))
    total = names_at(path.events[found.at]) if found is not None else source.Names()
    if found is not None and total.adds:
        found = path.reader_beside(found, total.bound, steps=1) or found
    return found or path.first(after_step=True)


def taken(path: LinePath) -> Mark | None:
    """The line that takes up what a reset gave: the first stained one that gives it a name of last observations, else
    the first other than the step's own; of one in a layer around the environment, the script's own after it."""
    named = (m for m in path.marks if LAST.search(source.given_by(m.file, m.line)))
    first = next(named, None) or path.first(after_step=True)
    outer = caller(path, first.at) if first is not None else None
    stained = next((m for m in path.marks if outer is not None and m.at == outer.at), None)
    if stained is None:
        return first
    if STEP_CALL.search(text_of(stained.file, stained.line)):
        step = outermost(path, stained)
        return path.reader(step, path.fresh(step)) or first
    return stained if RESET_CALL.search(text_of(stained.file, stained.line)) else first


def asked(path: LinePath) -> Mark | None:
    """Of last observations that come beside a step (`infos`) and go no further: the line of the same call that asks for
    them, by a key that is not there."""
    for mark in path.marks:
        if not STEP_CALL.search(text_of(mark.file, mark.line)):
            continue
        step = outermost(path, mark)
        beside = {n for n in path.fresh(step) if INFO.match(n)}
        until = next((i for i in range(step.at + 1, len(path.events)) if _is_at(path, i, step)), len(path.events))
        if not beside or any(step.at < m.at < until and m.frame == step.frame for m in path.marks):
            continue
        for i in range(step.at + 1, until):
            one = path.events[i]
            if one.frame == step.frame and beside & names_at(one).read and LAST_KEY.search(text_of(one.file, one.line)):
                return Mark(one.file, one.line, tuple(beside), i, one.frame)
    return None


def number(path: LinePath, values: Sequence[float], settings: Collection[str]) -> Mark | None:
    """The line that gives a name one of these values most of the times: what it computes, not what it is handed (the
    caller's line for an argument), and not a setting by its own name."""
    seen: Counter[tuple[str, int, str]] = Counter()
    hits: Counter[tuple[str, int, str]] = Counter()
    first: dict[tuple[str, int, str], int] = {}
    for i, event in enumerate(path.events):
        for name, text in event.values.items():
            value = _number(text)
            key = (event.file, event.line, name)
            if value is None:
                continue
            seen[key] += 1
            if any(abs(value - v) <= SAME * abs(v) for v in values):
                hits[key] += 1
                first.setdefault(key, i)
    known = [k for k, n in hits.items() if n >= MOSTLY * seen[k] and not _is_setting(*k, n, settings)]
    best = max(known, key=lambda k: (hits[k] > 1, not _is_header(k[0], k[1]), -first[k]), default=None)
    if best is None:
        return None
    at = first[best]
    if _is_header(best[0], best[1]):
        return caller(path, at)
    return Mark(best[0], best[1], (best[2],), at, path.events[at].frame)


def _is_setting(file: str, line: int, name: str, times: int, settings: Collection[str]) -> bool:
    """Whether a setting is handed on under its own name: as an attribute, an argument, or to a name once."""
    by_name = name.split(".")[-1].lower() in settings
    return by_name and ("." in name or times < 2 or _is_header(file, line))


def _number(text: str) -> float | None:
    found = NUMBER.fullmatch(text)
    return float(found.group(1)) if found else None


def _is_header(file: str, line: int) -> bool:
    return text_of(file, line).startswith(HEADS)


def caller(path: LinePath, at: int) -> Mark | None:
    """The line that called the function of event `at`: the first one after it, of an older call, that is finished."""
    mine = path.events[at].frame
    for i in range(at + 1, len(path.events)):
        one = path.events[i]
        if one.frame < mine:
            return Mark(one.file, one.line, (), i, one.frame)
    return None


def flagged(path: LinePath) -> Mark | None:
    """Ends of episodes that the planted steps truncated: the line that first calls them terminations, if one does at
    most of them (the line that returned it, or that handed it on)."""
    ends = [
        m for m in path.marks if STEP_CALL.search(text_of(m.file, m.line)) and any(map(source.ENDS.search, m.names))
    ]
    found: list[Mark] = []
    count = 0
    before: dict[tuple[str, int], int] = {}
    for mark in ends:
        last = next((i for i in range(mark.at - 1, -1, -1) if _is_at(path, i, mark)), -1)
        if last >= 0 and before.get((mark.file, mark.line)) == last:
            continue  # the step after an end, whose flags fall back
        before[mark.file, mark.line] = mark.at
        if any(0 < mark.at - other.at < HANDED_ON and other.frame > mark.frame for other in ends):
            continue  # the same step, as a wrapper hands it on
        count += 1
        until = (i for i in range(mark.at + 1, len(path.events)) if _is_at(path, i, mark))
        called = _called_terminated(path, mark.at, next(until, len(path.events)))
        found += [called] if called is not None else []
    lines = Counter((m.file, m.line) for m in found)
    most, times = next(iter(lines.most_common(1)), (("", 0), 0))
    return next((m for m in found if (m.file, m.line) == most), None) if times >= max(2, OFTEN * count) else None


def _is_at(path: LinePath, event: int, mark: Mark) -> bool:
    return (path.events[event].file, path.events[event].line) == (mark.file, mark.line)


def _called_terminated(path: LinePath, at: int, until: int) -> Mark | None:
    marked = {m.at: set(m.names) for m in path.marks if at <= m.at < until}
    for i in range(at + 1, until):
        event = path.events[i]
        names = [n for n, v in event.values.items() if TERMINATION.search(n) and v in TRUE]
        if not [n for n in names if n not in marked.get(i, ())]:
            continue
        if _is_header(event.file, event.line):
            return caller(path, i)
        inner = next((j for j in range(i - 1, at, -1) if path.events[j].frame > event.frame), -1)
        if STEP_CALL.search(text_of(event.file, event.line)) and inner >= 0:
            event, i = path.events[inner], inner
        return Mark(event.file, event.line, tuple(names), i, event.frame)
    return None


def emptied(path: LinePath, mark: Mark) -> Mark | None:
    """Of a sum over what is kept from step to step (its function is called about once a step): the branch of a caller,
    on the end of an episode, in which the container is emptied; its first line."""
    guarded = source.ENDS.search(text_of(mark.file, mark.line)) is not None
    outer = caller(path, mark.at) if path.each_step(mark) and not guarded else None
    for _ in range(3):
        if outer is None:
            return None
        line = source.emptying_branch(outer.file, outer.line)
        if line:
            return Mark(outer.file, line, mark.names, outer.at, outer.frame)
        outer = caller(path, outer.at)
    return None
