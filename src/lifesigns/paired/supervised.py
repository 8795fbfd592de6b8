"""Dyes of supervised data, and the checks that call a network again with one part of its input changed."""

from __future__ import annotations

from typing import Any

from lifesigns.paired import options, origin, shapes
from lifesigns.paired.experiments import Blind, Facts, Lab, answer, answer_in_order, first_touched, path_of
from lifesigns.paired.plan import Plan
from lifesigns.paired.runlog import GRAD, RunLog, Stain


def labels(lab: Lab, facts: Facts) -> None:
    """Every label changed: the gradient must answer."""
    _needs_loader(lab.log("natural"))
    stain = lab.stain("natural", "labels")
    answer(stain, facts)
    facts.data["path"] = path_of(stain, first_touched(stain) + 1)
    if not facts.data["gradients_touched"]:
        place = _ignored(stain)
        facts.data.update({"option": place} if place else {})


def _ignored(stain: Stain) -> dict[str, Any] | None:
    """The line of a loss that no operation with the labels leads to; or, of a loss that takes the labels and does not
    answer, the only option that it was made with."""
    log = stain.base
    loss = next((int(i) for i in log.of_kind("loss")), -1)
    given = {int(i) for i in log.of_kind("batch") if i < loss and int(i) in stain.marks}
    takers = [i for i in log.of_kind("op").tolist() if i < loss and given & set(log.parents[i])]
    if given and not takers:
        return origin.reduced_at(log, loss)
    silent = next((i for i in takers if log.rows[i, GRAD] and i not in stain.marks), -1)
    return options.made_with(origin.place(log.site(silent))) if silent >= 0 else None


def inputs(lab: Lab, facts: Facts) -> None:
    """Every input changed: the gradient must answer."""
    _needs_loader(lab.log("natural"))
    stain = lab.stain("natural", "inputs")
    answer(stain, facts)


def _needs_loader(log: RunLog) -> None:
    if not len(log.of_kind("batch")):
        raise Blind("no `DataLoader` was read: batches made in other ways are not intercepted")


def unreached(lab: Lab, facts: Facts) -> None:
    """No dye: parameters of optimisers whose gradient is absent or exactly zero at every step of the undyed run."""
    log = lab.log("natural")
    optimizers: dict[str, Any] = log.notes.get("optimizers", {})
    steps = dict.fromkeys(optimizers, 0)
    for i in log.of_kind("grad").tolist():
        steps[log.name(i)] = steps.get(log.name(i), 0) + 1
    if not optimizers:
        raise Blind("no optimiser stepped before the run was stopped")
    facts.data["optimizers"] = {
        name: {**seen, "steps": steps[name], "names": seen.get("names", [])} for name, seen in optimizers.items()
    }
    places: dict[str, Any] = {}
    for i in reversed(log.of_kind("grad").tolist()):
        if log.name(i) in optimizers:
            places[log.name(i)] = unreached_line(log, i, optimizers[log.name(i)])
    facts.data["lines"] = {name: place for name, place in places.items() if place}


def unreached_line(log: RunLog, grad: int, about: dict[str, Any]) -> dict[str, Any] | None:
    """A term of the loss that no parameter reaches; the line that made the loss, if that leaves out one of several
    outputs of a network; else where the module of the first silent parameter is called (if some are reached), else the
    line that made the loss."""
    loss = next((i for i in reversed(log.of_kind("loss").tolist()) if i < grad), -1)
    constant = origin.constant_term(log, loss) if loss >= 0 else None
    if constant is not None:
        return constant
    if about["never"] and len(about["never"]) < about["parameters"] and origin.unused_part(log, loss):
        return origin.reduced_at(log, loss)
    called = [x for x in about.get("called_at", []) if x]
    if called and len(about["never"]) < about["parameters"]:
        return {"file": called[0]["file"], "line": called[0]["line"]}
    return origin.reduced_at(log, loss) or origin.place(log.site(grad))


def recalls(lab: Lab, facts: Facts) -> None:
    """Each network called again in evaluation mode with one row, one later token, or the padding changed."""
    log = lab.log("recalled")
    found = log.notes.get("recalls", [])
    if not found:
        raise Blind("no network was called with a batch of at least two rows of numbers")
    copied = [row["copied_at"] for row in log.notes.get("collating", []) if row.get("copied_at")]
    for one in found:
        call = next((int(i) for i in log.of_kind("call") if log.name(int(i)).split("[")[0] == one["network"]), len(log))
        loss = next((int(i) for i in log.of_kind("loss") if i > call), -1)
        one["loss_at"] = origin.reduced_at(log, loss)
        one["made_at"] = copied[0] if copied else one["loss_at"]
    facts.data["recalls"] = found


def collating(lab: Lab, facts: Facts) -> None:
    """The script's own `collate_fn` called again with one sample's input, then its label, changed."""
    tried = [row for row in lab.log("recalled").notes.get("collating", []) if row.get("tried")]
    if not tried:
        raise Blind("no `collate_fn` of the script's own makes batches of inputs and labels")
    facts.data.update(tried=sum(r["tried"] for r in tried), apart=sum(r["apart"] for r in tried))
    line = next((r["at"] for r in tried if r.get("at")), None)
    facts.data.update({"line": line} if line else {})


def broadcasts(lab: Lab, facts: Facts) -> None:
    """No dye, then one: operations that pair every row [N, 1] with every row [N], computed row by row instead."""
    places = broadcast_places(lab.log("natural"))
    facts.data["places"] = places
    if not lab.log("natural").of_kind("loss").size:
        raise Blind("no backward call was seen")
    if places:
        stain = lab.stain("natural", "row-by-row")
        answer_in_order(stain, facts)
        facts.site = lab.log("natural").site(places[0]["record"])
        _name_odd_operand(lab, facts, [p["record"] for p in places])


def _name_odd_operand(lab: Lab, facts: Facts, operations: list[int]) -> None:
    """`line` of the operand whose shape is unlike the others', in the first operation that tells which one that is; or
    what data it holds (`odd_data`)."""
    plan = lab.plan("natural")
    told = (shapes.odd_operand(plan, i) for i in operations)
    odd = next((one for one in told if one is not None), None)
    line = odd.line if odd is not None else origin.column_line(plan.log, operations[0])
    facts.data.update({"line": line} if line else {})
    if odd is not None and line is None:
        facts.data["odd_data"] = _which_data(lab)


def _which_data(lab: Lab) -> str:
    """`reward` or `end`, where the odd operand are data that hold what an environment's step gave; else nothing."""
    for what, world, dyed in (("reward", "natural", "reward-comb"), ("end", "busy", "end-kind")):
        try:
            stain, plan = lab.stain(world, dyed), lab.plan(world)
        except Blind:
            continue
        places = broadcast_places(plan.log)[:1]
        again = [i for p in places for i in plan.log.of_kind("op").tolist() if plan.log.alike(i, p["record"])][:40]
        found = (shapes.odd_operand(plan, i) for i in again)
        if any(i in stain.marks for odd in found if odd is not None for i in odd.data):
            return what
    return ""


def output_rows(lab: Lab, facts: Facts) -> None:
    """One row of a network's output in the first update changed: until the loss takes a mean, no other row answers. The
    same of two rows of a target network's output, one far up and one far down: until the target is used."""
    plan = lab.plan("natural")
    read = 0
    for name, (call, rows) in (("output-row", output_row_call(plan)), ("next-row", next_rows_call(plan))):
        if name in lab.asked():
            read += 1
            _other_rows(lab.stain("natural", name), facts, call, rows, of_target=name == "next-row")
            if facts.data["other_rows"]:
                return
    if not read:
        raise Blind("no network whose output needs a gradient was called with at least four rows")


def _other_rows(stain: Stain, facts: Facts, call: int, changed: list[int], *, of_target: bool) -> None:
    answer(stain, facts)
    log = stain.base
    rows = log.shapes[call][0]
    until = next((int(i) for i in log.of_kind("loss") if i > call), len(log))
    own = others = 0
    for i, change in stain.ops():
        if not call < i < until or bool(log.rows[i, GRAD]) == of_target or change.ndim < 1 or change.shape[0] != rows:
            continue
        moved = (change != 0).reshape(rows, -1).any(axis=1)
        own += int(moved[changed].sum())
        others = int(moved.sum() - moved[changed].sum())
        if others:
            facts.data["operation"] = log.name(i)
            facts.site = log.site(i)
            break
    own += facts.data.get("own_operations", 0)
    facts.data.update(rows=rows, own_operations=own, network=log.name(call), other_rows=others, of_target=of_target)


def output_row_call(plan: Plan) -> tuple[int, list[int]]:
    """(record of the first call whose output [n ≥ 4, …] needs a gradient, of a network that acts in RL; a row); -1 for
    none."""
    log = plan.log
    acting = plan.acting_networks
    calls = [
        int(i) for i in log.of_kind("call") if log.rows[i, GRAD] and len(log.shapes[i]) >= 2 and log.shapes[i][0] >= 4
    ]
    policy = [i for i in calls if plan.label(i) in acting and log.shapes[i][-1] > 1]
    chosen = policy or ([] if plan.is_rl else calls)
    return (chosen[0], [log.shapes[chosen[0]][0] // 2]) if chosen else (-1, [])


def next_rows_call(plan: Plan) -> tuple[int, list[int]]:
    """(record of the first call of a target network with an output [n ≥ 4, …]; two rows); -1 for none."""
    log, networks = plan.log, set(plan.target_networks)
    calls = [i for i in plan.update_calls if plan.label(i) in networks and len(log.shapes[i]) and log.shapes[i][0] >= 4]
    rows = log.shapes[calls[0]][0] if calls else 0
    return (calls[0], [rows // 2, rows // 2 + 1]) if calls else (-1, [])


ELEMENTWISE = {
    "add",
    "sub",
    "mul",
    "div",
    "__add__",
    "__sub__",
    "__mul__",
    "__truediv__",
    "rsub",
    "__rsub__",
    "true_divide",
    "mse_loss",
    "smooth_l1_loss",
    "l1_loss",
    "huber_loss",
    "minimum",
    "maximum",
    "min",
    "max",
    "__radd__",
    "__rmul__",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "eq",
    "where",
}


def broadcast_places(log: RunLog) -> list[dict[str, Any]]:
    """Elementwise operations on the way to a loss with operands of shapes [N, 1] and [N], N ≥ 4."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for i in log.of_kind("op").tolist():
        if log.name(i) not in ELEMENTWISE or len(log.parents[i]) < 2:
            continue
        operands = [p for p in log.parents[i] if p >= 0 and log.shapes[p]]
        shapes = {log.shapes[p] for p in operands}
        flat = min(shapes, key=len, default=())
        if len(flat) == 1 and shapes == {flat, (*flat, 1)} and flat[0] >= 4:
            site = log.site(i)
            key = (log.name(i), site.line if site else 0)
            found.setdefault(
                key, {"record": i, "operation": log.name(i), "rows": flat[0], "line": site.line if site else 0}
            )
    return sorted(found.values(), key=lambda p: not log.rows[p["record"], GRAD])  # those that learning goes through
