"""Dyes of held-out data: which loaders validate, what of their data training sees, and where the two should part."""

from __future__ import annotations

from typing import Any

import numpy as np

from lifesigns.paired.experiments import Blind, Facts, Lab, answer
from lifesigns.paired.runlog import RunLog, digest_of

FEWEST_ROWS = 40
"""rows of each set from which means and deviations are compared; assumed."""
CENTRED, OFF = 1e-4, 1e-3
"""means of columns, in standard deviations: below the first a column was centred on these rows (float32 sums of some
thousand rows stay below it), above the second it was not; assumed."""
SPREAD = 0.02
"""how far a standard deviation may lie from 1 (n or n - 1 in the divisor); assumed."""
MOST = 0.75
"""share of the columns that must show it; assumed (columns that do not vary show nothing)."""


def validation(lab: Lab, facts: Facts) -> None:
    """Batches of loaders that no update follows changed: no later gradient may answer."""
    log = lab.log("long")
    held_out = held_out_loaders(log)
    if not held_out:
        raise Blind("no loader was read without an update before the run was stopped")
    facts.data["rows_in_both"], facts.data["held_out_rows"] = overlap(log, held_out)
    facts.data["scaled_together"] = scaled_together(log, held_out)
    facts.data.update(_lines(log, held_out))
    stain = lab.stain("long", "validation-changed")
    answer(stain, facts)
    facts.data["loaders"] = held_out
    first = next((int(i) for i in log.of_kind("batch") if loader_of(log, int(i)) in held_out), len(log))
    after = [int(g) for g in log.of_kind("grad") if first < g < stain.common]
    facts.data["gradients_after"] = len(after)
    facts.data["touched_after"] = sum(g in stain.marks for g in after)
    _modes(log, held_out, facts)
    if not after:
        raise Blind("no update followed the validation before the run was stopped")


def _modes(log: RunLog, held_out: list[int], facts: Facts) -> None:
    """`taken_in`: networks whose running statistics take in held-out batches, with the number of such layers; `line`:
    where the function that validates put a network into training mode."""
    modes = [pair for x in held_out for pair in log.notes.get("modes", {}).get(str(x), {}).items()]
    facts.data["taken_in"] = {label: mode["statistics"] for label, mode in modes if mode["statistics"]}
    trained = next((mode["at"] for _, mode in modes if mode["training"] and mode["at"]), None)
    facts.data.update({"line": trained} if trained else {})


def _lines(log: RunLog, held_out: list[int]) -> dict[str, Any]:
    """Where the data of a loader for training and of one that is held out should part, and where both were scaled; and
    `indexed_twice`: how many indices of one array both take, of how many."""
    found: dict[str, Any] = {}
    for pair, places in log.notes.get("splits", {}).items():
        train, other = (int(x) for x in pair.split(","))
        if train not in held_out and other in held_out:
            for key, place in places.items():
                found.setdefault(key if isinstance(place, list) else f"{key}_line", place)
    return found


def _rows(log: RunLog, held_out: list[int]) -> tuple[dict[bytes, Any], dict[bytes, Any]]:
    """The different rows of inputs of batches for training and of held-out ones: digests, and values where kept."""
    train: dict[bytes, Any] = {}
    rest: dict[bytes, Any] = {}
    for i in log.of_kind("batch").tolist():
        if not log.name(i).endswith("[0]") or not log.shapes[i]:
            continue
        value = log.value(i)
        # rows go by their digests: of a long batch nothing else is kept, and the two sets may differ in batch size
        pairs = [(digest_of(r), r) for r in value] if value is not None and value.ndim > 1 else []
        pairs = pairs or [(d, None) for d in log.row_digest(i)]
        (rest if loader_of(log, i) in held_out else train).update(pairs)
    return train, rest


def overlap(log: RunLog, held_out: list[int]) -> tuple[int, int]:
    """(held-out rows that are, byte for byte, rows of a training batch too, held-out rows), of the inputs."""
    train, rest = _rows(log, held_out)
    return len(train.keys() & rest.keys()), len(rest)


def scaled_together(log: RunLog, held_out: list[int]) -> int:
    """Columns of the inputs that are centred and scaled to 1 over the rows of both sets, and not over those for
    training; 0 where most are not."""
    sets = [[r for r in rows.values() if r is not None] for rows in _rows(log, held_out)]
    if min(len(rows) for rows in sets) < FEWEST_ROWS or len({r.shape for rows in sets for r in rows}) != 1:
        return 0
    if sets[0][0].dtype.kind != "f" or sets[0][0].ndim != 1:
        return 0
    train, rest = (np.stack(rows).astype(np.float64) for rows in sets)
    both = np.concatenate([train, rest])
    spread = both.std(axis=0)
    vary = spread > 0
    together = vary & (np.abs(both.mean(axis=0)) < CENTRED) & (np.abs(spread - 1.0) < SPREAD)
    alone = np.abs(train.mean(axis=0)) < OFF
    found = int((together & ~alone).sum())
    return found if found >= MOST * max(int(vary.sum()), 1) else 0


def held_out_loaders(log: RunLog) -> list[int]:
    """Loaders after whose batches nothing is learned: no call of `backward` before the next batch, but for one batch in
    eight at most (optimiser steps are no sign: gradients may be summed over many batches)."""
    batches = log.of_kind("batch").tolist()
    learned = np.searchsorted(log.of_kind("loss", "grad"), [*batches, len(log)])
    seen: dict[int, list[bool]] = {}
    for n, i in enumerate(batches):
        following = n + 1 < len(batches) and _one_batch(log, i, batches[n + 1])
        if not following:  # the last part of a batch
            seen.setdefault(loader_of(log, i), []).append(bool(learned[n + 1] > learned[n]))
    return sorted(x for x, after in seen.items() if sum(after) <= len(after) // 8 and len(seen) > 1)


def _one_batch(log: RunLog, part: int, following: int) -> bool:
    """Whether two records are of parts of one batch: nothing lies between, and the second part's number is higher."""
    numbers = [int(log.name(i).split("[")[1].rstrip("]")) for i in (part, following)]
    return following == part + 1 and loader_of(log, part) == loader_of(log, following) and numbers[1] > numbers[0]


def train_loaders(log: RunLog) -> list[int]:
    """The other loaders."""
    every = {loader_of(log, int(i)) for i in log.of_kind("batch")}
    return sorted(every - set(held_out_loaders(log)))


def loader_of(log: RunLog, record: int) -> int:
    """The loader that a record of a batch came from."""
    return int(log.name(record).removeprefix("loader").split("[")[0])
