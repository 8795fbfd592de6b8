"""How many steps after the observation of a row the observation lies whose value its target is continued with.

Flows in: the plan of an undyed run. Flows out: a number of steps, or None. Used by the reader of discounts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lifesigns.paired import readings
from lifesigns.paired.plan import Plan

FEWEST_ROWS, MOST_OF_THEM = 24, 0.6
"""rows of which both observations are known, and the share of them that must lie as far apart; assumed (windows are
shorter at the ends of episodes)."""
UPDATES = 20


def value_steps(plan: Plan) -> int | None:
    """The distance, in steps of one environment, from the observations of a batch to those that the target networks
    are given for it; None where there are no such networks, too few rows are known, or they do not agree."""
    networks = set(plan.target_networks)
    distances = Counter(d for grad in plan.grads[:UPDATES] for d in _distances(plan, grad, networks))
    most, times = next(iter(distances.most_common(1)), (0, 0))
    known = sum(distances.values())
    return most if known >= FEWEST_ROWS and times >= MOST_OF_THEM * known else None


def _same(plan: Plan, rows: NDArray[np.float32], others: NDArray[np.float32]) -> bool:
    """Whether a network that is trained was given the next observations as well (to choose their actions)."""
    return bool(np.array_equal(rows[:, : plan.dims], others[:, : plan.dims]))


def _distances(plan: Plan, grad: int, networks: set[str]) -> Iterator[int]:
    """Of the rows of one update whose two observations were each acted on once, by one environment."""
    log = plan.log
    mine = [r for i, r in readings.rows_of(plan, grad) if r.shape[1] >= plan.dims and log.name(i) not in networks]
    given = [r for i, r in readings.all_rows(plan, grad) if r.shape[1] >= plan.dims and log.name(i) in networks]
    later = given[0] if given else None
    rows = next((r for r in mine if later is not None and len(r) == len(later) and not _same(plan, r, later)), None)
    if rows is None or later is None:
        return
    for before, after in zip(rows, later, strict=True):
        a = plan.observations.get(before[: plan.dims].tobytes(), [])
        b = plan.observations.get(after[: plan.dims].tobytes(), [])
        if len(a) == 1 and len(b) == 1 and a[0][0] == b[0][0]:
            yield b[0][1] - a[0][1]
