"""Which operand of an operation on [N, 1] and [N] has the wrong shape, and the line that gave it.

Flows in: the plan of an undyed run and a record. Flows out: a record, a place. Used by readers; decides nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lifesigns.paired import origin
from lifesigns.paired.plan import Plan

REDUCTIONS = frozenset(("sum", "mean", "prod", "amax", "amin", "norm", "logsumexp"))
"""Operations that may make a row of a column by design: what follows has its shape from there."""
LATER = 24
"""operations after the broadcast, in which its result meets the rest of the loss; assumed."""


@dataclass(frozen=True)
class Odd:
    """The operand whose shape is unlike the others': the record that gave it that shape, the records of data behind it
    that no operation made, and its line; None where the line also makes data of the other shape."""

    record: int
    data: tuple[int, ...]
    line: dict[str, Any] | None


def odd_operand(plan: Plan, record: int) -> Odd | None:
    """Of the two operands of a broadcast, that of whose shape fewer of the numbers are that meet there: columns [N, 1]
    or rows [N], each source (a line, a class of networks) counted once. None where they are equally many."""
    log = plan.log
    parents = [p for p in log.parents[record][:2] if p >= 0]
    if len(parents) != 2 or {len(log.shapes[p]) for p in parents} != {1, 2}:
        return None
    rows = max(log.shapes[p][0] for p in parents)
    sides: dict[int, list[list[int]]] = {1: [], 2: []}
    for one in [*parents, *_met_later(plan, record, rows)]:
        sides[len(log.shapes[one])] += _chains(plan, one, rows)
    kinds = {side: {_source(plan, chain[-1]) for chain in chains} for side, chains in sides.items()}
    if len(kinds[1]) == len(kinds[2]):
        return None
    few = min(kinds, key=lambda side: len(kinds[side]))
    chain = min(sides[few], key=lambda c: (_from_network(plan, c), c[-1]))
    return _named(plan, chain, [c[-1] for c in sides[3 - few]], tuple(c[-1] for c in sides[few]))


def _named(plan: Plan, chain: list[int], others: list[int], leaves: tuple[int, ...]) -> Odd:
    """The line of the last operation of a chain that turned a row into a column or back, else that of its source."""
    log = plan.log
    shaped = next((a for a, b in pairwise(chain) if (log.shapes[a][-1:] == (1,)) != (log.shapes[b][-1:] == (1,))), -1)
    record = shaped if shaped >= 0 else chain[-1]
    data = tuple(i for i in leaves if log.kind(i) == "op" and not [p for p in log.parents[i] if p >= 0])
    if log.kind(record) == "call":
        about = log.notes.get("networks", {}).get(plan.label(record), {})
        return Odd(record, (), about.get("returns") or origin.place(log.site(record)))
    line = origin.place(log.site(record))
    shared = any(origin.place(log.site(i)) == line for i in others)
    return Odd(record, data, None if shared else line)


def _met_later(plan: Plan, record: int, rows: int) -> list[int]:
    """Operands [N] or [N, 1] of later operations with the square that the broadcast made."""
    log = plan.log
    squares, found = {record}, list[int]()
    for i in range(record + 1, min(record + 200, len(log))):
        if log.kind(i) == "loss" or len(squares) > LATER:
            break
        parents = [p for p in log.parents[i][:2] if p >= 0]
        if log.kind(i) == "op" and squares & set(parents):
            found += [p for p in parents if p not in squares and log.shapes[p] in ((rows,), (rows, 1))]
            if log.shapes[i] == (rows, rows):
                squares.add(i)
    return found


def _chains(plan: Plan, record: int, rows: int) -> list[list[int]]:
    """The ways back from a record through operations on [N] and [N, 1], each from there to its source."""
    log = plan.log
    found: list[list[int]] = []
    waiting = [[record]]
    while waiting and len(found) < 64:
        chain = waiting.pop()
        last = chain[-1]
        parents = [p for p in log.parents[last] if p >= 0]
        back = [p for p in parents if log.shapes[p] in ((rows,), (rows, 1)) or _stacked(plan, last, p, rows)]
        picked = any(math.prod(log.shapes[p]) > rows for p in parents if p not in back)  # a part of something wider
        if not back or picked or log.kind(last) != "op" or log.name(last) in REDUCTIONS or len(chain) > 40:
            found.append(chain)
        else:
            waiting += [[*chain, p] for p in back]
    return found


def _stacked(plan: Plan, record: int, parent: int, rows: int) -> bool:
    """Whether a parent is a stack [steps, N, 1] of columns, of which the record is one, or a stack as well."""
    own, whole = plan.log.shapes[record], plan.log.shapes[parent]
    return len(whole) == 3 and whole[1:] == (rows, 1) and own[-2:] == (rows, 1)


def _source(plan: Plan, record: int) -> Any:
    """What a number comes from: a class of networks, or a line."""
    if plan.log.kind(record) == "call":
        return plan.label(record).split("#")[0]
    site = plan.log.site(record)
    return (site.user_file or site.file, site.user_line or site.line) if site else record


def _from_network(plan: Plan, chain: list[int]) -> bool:
    return plan.log.kind(chain[-1]) == "call"
