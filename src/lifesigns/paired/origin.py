"""Where a number came from: walks back through the operations of an undyed log to the line that a finding should name.

Flows in: a plan, a stain. Flows out: records or places. Used by the readers of dyes; decides nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lifesigns.paired import options
from lifesigns.paired.entering import VIEWS, WRITES, entered, place, written_at
from lifesigns.paired.locate import text_of
from lifesigns.paired.plan import Plan, Step
from lifesigns.paired.runlog import DTYPE, DTYPES, GRAD, NAME, SITE, RunLog, Site, Stain
from lifesigns.paired.source import ENDS, assigned

SUBTRACTIONS = frozenset(("sub", "__sub__", "__rsub__", "rsub", "sub_", "__isub__", "neg", "__neg__", "subtract"))
MASKING = frozenset(("mul", "__mul__", "__rmul__", "mul_", "__imul__"))
MOST_WRITES = 5000
"""records that are followed back, one for each row that was written into a buffer."""
FEWEST_STEPS, FEWEST_DIFFERENT = 8, 3
"""steps whose action one line must have put out to be called its producer (fewer agree by chance), and the same of
different numbers with fractions; assumed."""
ARITHMETIC = frozenset(("add", "__add__", "__radd__", "add_", "__iadd__", *SUBTRACTIONS, *MASKING))
TERMINATION = re.compile(r"terminat|terminal", re.IGNORECASE)


def calling(plan: Plan, site: Site | None) -> dict[str, Any] | None:
    """The user's line of a site; its caller's where acting runs that line as well: code that both share is as it must
    be, and what differs is how it is called."""
    shared = site is not None and (site.user_file, site.user_line) in plan.acting_lines
    if site is not None and shared and site.caller_line and not options.in_library(site):
        return {"file": site.caller_file, "line": site.caller_line}
    return place(site)


def narrowed(log: RunLog, record: int, pairs: Sequence[tuple[float, float]]) -> dict[str, Any] | None:
    """Where data were given a type that cannot hold them (a buffer of truth values for actions 0 to 2): the first
    record on the way to this one of a type in which each number of `pairs` (what it was, what it became) becomes the
    second; None where there is none."""
    found = -1
    kept = np.array([p[0] for p in pairs])
    became = np.array([p[1] for p in pairs], dtype=np.float64)
    for _ in range(MOST_WRITES):
        if record < 0 or not len(kept):
            break
        kind = DTYPES[int(log.rows[record, DTYPE])]
        if kind != "other" and np.array_equal(kept.astype(kind).astype(np.float64), became):
            found = record
        record = next((p for p in log.parents[record] if p >= 0), -1)
    return place(log.site(found)) if found >= 0 else None


def stopped_at(stain: Stain) -> tuple[int, int] | None:
    """(operation that puts out nothing else although an operand differs, its other operand, a mask), the first such."""
    log = stain.base
    for i in log.of_kind("op").tolist():
        if i >= stain.first_step:
            return None
        parents = [p for p in log.parents[i] if p >= 0]
        if log.name(i) not in MASKING or not any(p in stain.marks for p in parents) or _differs(stain, i):
            continue
        others = [p for p in parents if not _differs(stain, p)]
        if others and len(others) < len(parents) and _is_zero_where(stain, others[0], set(parents) - set(others)):
            return i, others[0]
    return None


def open_mask(stain: Stain, until: int) -> dict[str, Any] | None:
    """The line that made a mask (zeros and one other number) which lets a stain through, before record `until`."""
    log = stain.base
    for i, change in stain.ops():
        if i > until:
            return None
        if log.name(i) not in MASKING or change.ndim == 0:
            continue
        for one in (p for p in log.parents[i] if p >= 0 and p not in stain.marks):
            value = log.value(one)
            levels = np.unique(value) if value is not None and value.ndim else ()
            if len(levels) == 2 and 0 in levels:
                if options.in_library(log.site(one)):
                    return entered(log, one)
                source = written_at(log, one)
                return place(log.site(source if source >= 0 else one))
    return None


def factors(stain: Stain, until: int, most: int = 4) -> list[float]:
    """Numbers, apart from 0 and 1, by which stored data multiply a stained value in the first such operation up to
    record `until`, the most frequent first; none where the factor is computed from something else."""
    log = stain.base
    for i, change in stain.ops():
        if i > until:
            break
        if log.name(i) not in MASKING or not change.ndim or not any(p in stain.marks for p in log.parents[i]):
            continue
        for one in (p for p in log.parents[i] if p >= 0 and p not in stain.marks and is_data(log, p)):
            value = log.value(one)
            if value is None or value.shape != change.shape or value.dtype.kind != "f":
                continue
            levels, times = np.unique(value[change != 0], return_counts=True)
            return [float(v) for v in levels[np.argsort(-times)] if v not in (0.0, 1.0)][:most]
    return []


def is_data(log: RunLog, record: int) -> bool:
    """Whether a record holds data that no operation computed: read from an array or a list, reshaped at most."""
    for _ in range(12):
        parents = [p for p in log.parents[record] if p >= 0]
        if log.kind(record) != "op" or not parents:
            return log.kind(record) == "op"
        if len(parents) > 1 or log.name(record) not in VIEWS:
            return False
        record = parents[0]
    return False


def special_call(plan: Plan, stain: Stain, until: int) -> dict[str, Any] | None:
    """The line that calls a network on what differs, if it runs at few of the steps (at ends of episodes, say)."""
    log = stain.base
    given = {i for i in stain.of_kind("input") if i < until}
    calls = [i for i in stain.of_kind("call") if i < until and plan.input_of(i) in given]
    sites = Counter(int(log.rows[i, SITE]) for i in log.of_kind("call").tolist())
    rare = [i for i in calls if sites[int(log.rows[i, SITE])] < 0.5 * len(plan.training)]
    return calling(plan, log.site(rare[-1])) if rare else None


def combined(plan: Plan, stain: Stain, record: int) -> dict[str, Any] | None:
    """Where a changed reward is first combined with something else on the way to a record, if it was taken up before
    the next step of its environment (what is wrong is then not how it was stored)."""
    log = stain.base
    way, waiting = set[int](), [record]
    while waiting:
        i = waiting.pop()
        if i not in way:
            way.add(i)
            waiting += [p for p in log.parents[i] if p in stain.marks]
    first = min(way)
    steps = {(s.part, s.number): s.action for s in plan.training}
    planted = [(p["env"], p["step"]) for p in stain.dyed.about["planted"]]
    at_once = any(steps.get(key, first) < first < steps.get((key[0], key[1] + 1), -1) for key in planted)
    mixed = (i for i in sorted(way) if log.name(i) in ARITHMETIC and sum(p >= 0 for p in log.parents[i]) > 1)
    at = next(mixed, -1)
    return place(log.site(at)) if at >= 0 and at_once else None


def cut_before(plan: Plan, record: int) -> dict[str, Any] | None:
    """The line of the operation that loses the graph on the way from networks to a record."""
    log = plan.log
    for i in sorted(plan.ancestors(record, 400)):
        cut = log.kind(i) == "op" and not log.rows[i, GRAD]
        if cut and any(p >= 0 and log.rows[p, GRAD] for p in log.parents[i]):
            return place(log.site(i))
    return None


def _is_zero_where(stain: Stain, mask: int, stained: set[int]) -> bool:
    """Whether a factor is 0 (or False) wherever one of the stained operands differs."""
    value = stain.base.value(mask)
    for one in stained:
        change = stain.delta(one)
        if value is None or change is None:
            return False
        try:
            wide, moved = np.broadcast_arrays(value, change)
        except ValueError:
            return False
        if np.any((moved != 0) & (wide != 0)):
            return False
    return True


def _differs(stain: Stain, record: int) -> bool:
    """Whether a record differs as numbers: 0.0 and -0.0 are one."""
    if record not in stain.marks:
        return False
    change = stain.delta(record)
    return change is None or bool(np.any(change != 0))


def mask_line(stain: Stain) -> dict[str, Any] | None:
    """The line at fault where a mask takes a value out of a target: that which writes something else under the name of
    a termination; for an operation inside a library, that of the user's which made what it is given as a mask; else
    that of the operation with the mask."""
    found = stopped_at(stain)
    if found is None:
        return None
    operation, mask = found
    source = written_at(stain.base, mask)
    at = place(stain.base.site(source)) if source >= 0 else None
    if at is not None:
        target = re.split(r"(?<![=!<>])=(?!=)|\.append\(|\.add\(", text_of(at["file"], at["line"]))[0]
        if TERMINATION.search(target):
            return at
    own = place(stain.base.site(operation))
    if at is not None and at != own and options.in_library(stain.base.site(operation)):
        return {"file": at["file"], "line": assigned(at["file"], at["line"], ENDS)}
    return own


def turned(plan: Plan, stain: Stain, outgrad: int) -> dict[str, Any] | None:
    """The line that subtracts the stain from something that then weighs this network's output in the loss."""
    log = stain.base
    call = log.parents[outgrad][0] if log.parents[outgrad] else -1
    changes = {i: c for i, c in stain.ops() if i < outgrad and c.ndim}
    for i, change in changes.items():
        if log.name(i) not in SUBTRACTIONS or _peak(change) >= 0:
            continue
        if not any(_peak(changes[p]) > 0 for p in log.parents[i] if p in changes):
            continue
        later = [j for j in changes if j > i and log.rows[j, GRAD]][:24]
        if any({i, call} <= plan.ancestors(j, 800) for j in later):
            return place(log.site(i))
    return None


def _peak(change: Any) -> float:
    flat = change.reshape(-1)
    return float(flat[np.abs(flat).argmax()])


def reduced_at(log: RunLog, loss: int) -> dict[str, Any] | None:
    """The line that made the number that `backward` was called on."""
    made = log.parents[loss][0] if loss >= 0 and log.parents[loss] else -1
    return place(log.site(made)) if made >= 0 else None


def constant_term(log: RunLog, loss: int) -> dict[str, Any] | None:
    """The line of a term of a loss that no parameter reaches: a single number reduced from many, without a gradient."""
    waiting, seen = [p for p in log.parents[loss] if p >= 0], set[int]()
    while waiting and len(seen) < 64:
        i = waiting.pop(0)
        if i in seen or log.kind(i) != "op" or len(log.shapes[i]):
            continue
        seen.add(i)
        parents = [p for p in log.parents[i] if p >= 0]
        if not log.rows[i, GRAD] and any(log.shapes[p] for p in parents):
            return place(log.site(i))
        waiting += parents
    return None


def unused_part(log: RunLog, loss: int) -> bool:
    """Whether a loss is computed from one of several outputs of a network's call and not from another one that needs a
    gradient as well."""
    start = max((i for i in log.of_kind("step", "end", "loss").tolist() if i < loss), default=-1)
    behind, waiting = set[int](), [p for p in log.parents[loss] if p > start] if loss >= 0 else []
    while waiting:
        i = waiting.pop()
        if i not in behind:
            behind.add(i)
            waiting += [p for p in log.parents[i] if p > start]
    parts = [i for i in range(start + 1, loss) if log.kind(i) == "call" and "[" in log.name(i) and log.rows[i, GRAD]]
    used = {log.name(i).split("[")[0] for i in parts if i in behind}
    names = {log.name(i) for i in parts if i in behind}
    return any(log.name(i) not in names and log.name(i).split("[")[0] in used for i in parts)


def column_line(log: RunLog, operation: int) -> dict[str, Any] | None:
    """Where an operand [N, 1] of an operation comes from that should be [N]: the last line of the user's own network
    that puts out the column, if no other call of it is followed by an operation that takes the column off."""
    column = next((p for p in log.parents[operation] if p >= 0 and log.shapes[p][1:] == (1,)), -1)
    for _ in range(12):
        if column < 0 or log.kind(column) == "call":
            break
        parents = [p for p in log.parents[column] if p >= 0]
        column = parents[0] if log.name(column) in VIEWS | WRITES and parents else -1
    if column < 0 or log.kind(column) != "call":
        return None
    taken = {p for i in log.of_kind("op").tolist() for p in log.parents[i][:1] if len(log.shapes[i]) == 1}
    name = log.rows[column, NAME]
    if any(log.kind(p) == "call" and log.rows[p, NAME] == name and log.shapes[p][1:] == (1,) for p in taken if p >= 0):
        return None
    made = log.notes.get("networks", {}).get(log.name(column).split("[")[0], {}).get("returns")
    return {"file": made["file"], "line": made["line"]} if made else None


REORDERS = frozenset(("T", "mT", "t", "transpose", "permute", "swapaxes", "swapdims", "movedim", "transpose_", "flip"))


def reordered(plan: Plan, stain: Stain, record: int) -> dict[str, Any] | None:
    """Where rows got into another order than others': the first operation that swaps axes on the stain's way to a
    record, else on the way of what the networks of that update were given, else the record itself."""
    log = stain.base
    way = [i for i, _ in stain.ops() if i <= record and log.name(i) in REORDERS]
    if not way:
        start, _ = plan.window(next((g for g in plan.grads if g > record), record))
        given = [i for i in range(start, record) if log.kind(i) == "input"][-4:]
        behind = sorted({a for i in given for a in plan.ancestors(i, 200)})
        way = [i for i in behind if log.kind(i) == "op" and log.name(i) in REORDERS]
    return place(log.site(way[0] if way else record))


SAMPLES = frozenset(("multinomial", "normal", "bernoulli", "rand", "randn", "rand_like", "randn_like", "randint"))


def producer(plan: Plan, wanted: Mapping[tuple[int, int], Any]) -> dict[str, Any] | None:
    """The line of the last operation before steps that put out, each time, the action given for that step.

    `wanted`: (environment, step) → action; None where no line does at `FEWEST_STEPS` steps or more.
    """
    log = plan.log
    row = {part: n for n, part in enumerate(plan.train_parts)}
    right: dict[int, int] = {}
    order: dict[int, int] = {}
    steps = [s for s in plan.training if (s.part, s.number) in wanted and s.part == plan.train_parts[0]]
    steps = (_chosen_by_network(plan, steps) or steps)[:64]
    for step in steps:
        action = np.asarray(wanted[(step.part, step.number)]).reshape(-1)
        seen: set[int] = set()
        for i in range(step.action - 1, max(step.action - 200, -1), -1):
            if log.kind(i) in ("end", "step"):
                break
            site = int(log.rows[i, 2])
            if log.kind(i) != "op" or site in seen:
                continue
            value = log.value(i)
            if value is not None and _holds(value, action, row[step.part], len(plan.train_parts)):
                seen.add(site)
                right[site] = right.get(site, 0) + 1
                order[site] = step.action - i
    levels = {float(x) for s in steps for x in np.asarray(wanted[(s.part, s.number)]).reshape(-1) if x % 1}
    fewest = FEWEST_DIFFERENT if len(levels) >= FEWEST_DIFFERENT else FEWEST_STEPS
    known = [s for s, n in right.items() if n == len(steps) and n >= fewest]
    chosen = min(known, key=lambda s: order[s], default=None)
    return place(Site(*log.sites[chosen])) if chosen is not None and log.sites[chosen] else None


def _chosen_by_network(plan: Plan, steps: list[Step]) -> list[Step]:
    """Those before which a network was called for acting: not those of a warm-up with random actions."""
    starts = {s.number: s.action for s in plan.training if s.part == plan.train_parts[0]}
    calls = np.array(sorted(plan.acting_calls))
    return [s for s in steps if np.any((calls < s.action) & (calls > starts.get(s.number - 1, -1)))]


def _holds(value: Any, action: Any, row: int, parts: int) -> bool:
    """Whether an array is the action of an environment: in whole, or in its row."""
    if parts > 1:
        if not value.ndim or value.shape[0] != parts:
            return False
        value = value[row]
    flat = np.asarray(value).reshape(-1)
    return flat.shape == action.shape and bool(np.all(np.abs(flat - action) <= 1e-6 * (1 + np.abs(action))))
