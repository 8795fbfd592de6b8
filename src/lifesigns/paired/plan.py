"""What the undyed run says of the script: which environments train, when it acts, when it learns, with which networks.

Flows in: the log of an undyed run. Flows out: places and times at which dyes can be planted and answers looked for.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lifesigns.paired.runlog import GRAD, KIND, KINDS, NAME, RunLog

SELDOM = 0.3
"""A network that is called before so much fewer steps than another does not act (a value at an episode's end); assumed.
"""


COVERED = 0.95
"""share of steps from which on what was acted on counts as known of all; assumed."""
SEEN = 200
"""Steps at which what the environment handed out is compared with what a network was given."""
INNER = 0.85
"""Part of an episode in which the changed reward lies: some of its rows must not answer, to tell it from a mean."""


@dataclass(frozen=True)
class Step:
    """One step of one environment: the records of its action and reward, its number, and where in its episode it is."""

    part: int
    number: int
    episode: int
    in_episode: int
    action: int
    end: str


class Plan:
    """Readings of one undyed log, computed when asked for."""

    def __init__(self, log: RunLog) -> None:
        self.log = log
        self.kinds = log.rows[:, KIND]
        self._owners: dict[int, list[list[tuple[int, int]]]] = {}
        self._rows_given: dict[int, NDArray[np.float32] | None] = {}

    @cached_property
    def grads(self) -> list[int]:
        """Records of the gradients that optimisers were given, in order."""
        return self.log.of_kind("grad").tolist()

    @cached_property
    def first_grad(self) -> int:
        """The first of them; the log's length where there is none."""
        return self.grads[0] if self.grads else len(self.log)

    @cached_property
    def steps(self) -> list[Step]:
        """Every step of every environment, in order."""
        found: list[Step] = []
        count: dict[int, int] = {}
        episode: dict[int, int] = {}
        inside: dict[int, int] = {}
        open_step: dict[int, int] = {}
        for i in self.log.of_kind("action", "end", "obs").tolist():
            name, kind = self.log.name(i), self.log.kind(i)
            part = int(name.removeprefix("env").split(".")[0])
            if kind == "action":
                open_step[part] = i
            elif kind == "obs" and name.endswith(".reset"):
                episode[part] = episode.get(part, -1) + (inside.get(part, 1) > 0)
                inside[part] = 0
            elif kind == "end" and part in open_step:
                flags = self.log.value(i)
                terminated, truncated = (bool(x) for x in flags) if flags is not None else (False, False)
                end = "terminated" if terminated else "truncated" if truncated else ""
                inside[part] = inside.get(part, 0) + 1
                found.append(
                    Step(part, count.get(part, 0), max(episode.get(part, 0), 0), inside[part], open_step.pop(part), end)
                )
                count[part] = count.get(part, 0) + 1
        return found

    @cached_property
    def train_parts(self) -> list[int]:
        """Environments that are stepped before the first update and go on between updates; the others evaluate.

        Of those that are stepped before it, one whose steps are whole episodes in one burst, beside another that is
        not, is for evaluation as well.
        """
        early = list(dict.fromkeys(s.part for s in self.steps if s.action < self.first_grad))
        bursts = {p: self._bursts(p) for p in early}
        going_on = [p for p in early if not bursts[p]]
        return going_on or early

    def _bursts(self, part: int) -> bool:
        """Whether the steps of an environment never lie between two updates."""
        mine = [s.action for s in self.steps if s.part == part]
        last_grad = self.grads[-1] if self.grads else 0
        return bool(self.grads) and not any(self.first_grad < i < last_grad for i in mine) and self._others_go_on(part)

    def _others_go_on(self, part: int) -> bool:
        return any(s.part != part and s.action > self.first_grad for s in self.steps)

    @cached_property
    def eval_parts(self) -> list[int]:
        """Environments that do not train."""
        return sorted({s.part for s in self.steps} - set(self.train_parts))

    @cached_property
    def training(self) -> list[Step]:
        """The steps of training environments."""
        chosen = set(self.train_parts)
        return [s for s in self.steps if s.part in chosen]

    @cached_property
    def observations(self) -> dict[bytes, list[tuple[int, int]]]:
        """Bytes of a float32 observation that an agent was given → the (part, step) that it acted on it in."""
        found: dict[bytes, list[tuple[int, int]]] = {}
        for (part, number), obs in self.acted_on.items():
            found.setdefault(obs.tobytes(), []).append((part, number))
        return found

    def owners(self, record: int, rows: NDArray[np.float32]) -> list[list[tuple[int, int]]]:
        """Of each row that a network was given: the (part, step) that its observation was acted on in."""
        if record not in self._owners:
            self._owners[record] = [self.observations.get(row[: self.dims].tobytes(), []) for row in rows]
        return self._owners[record]

    @cached_property
    def acted_on(self) -> dict[tuple[int, int], NDArray[np.float32]]:
        """(part, step) → the observation that was acted on in that step, as float32 [dims]: what the environment handed
        out, or, where wrappers or the script change that on its way (scaled, stacked), what a network was given."""
        handed, shown = self.handed_out, self._shown
        both = [key for key in shown if key in handed][:SEEN]
        same = sum(shown[k].tobytes() == handed[k].tobytes() for k in both)
        return shown if 2 * same < len(both) else handed

    @cached_property
    def action_of(self) -> dict[tuple[int, int], int]:
        """(part, number) of a step → the record of its action."""
        return {(s.part, s.number): s.action for s in self.steps}

    @property
    def all_acted_on(self) -> bool:
        """Whether it is known of all but a few steps what was acted on; else one taken at random may have had an
        observation that is known of another."""
        return len(self.acted_on) >= COVERED * len(self.handed_out)

    @cached_property
    def _shown(self) -> dict[tuple[int, int], NDArray[np.float32]]:
        """(part, step) → what the first network that is called for acting was given for it, as float32."""
        found: dict[tuple[int, int], NDArray[np.float32]] = {}
        count: dict[int, int] = {}
        rows, acted, given = None, True, set[int]()
        for i in self.log.of_kind("action", "input").tolist():
            if self.log.kind(i) == "input":
                if i in self.acting_inputs and acted:
                    rows, acted, given = self.log.value(i), False, set[int]()
                continue
            part, acted = int(self.log.name(i).removeprefix("env").split(".")[0]), True
            number = count[part] = count.get(part, -1) + 1
            if rows is not None and part in self.train_parts and part not in given:
                given.add(part)
                one = self._row(rows, self.train_parts.index(part))
                if one is not None and one.dtype.kind in "fiu" and one.size <= 4096:
                    found[(part, number)] = one.astype(np.float32).reshape(-1)
        return found

    def _row(self, rows: NDArray[Any], number: int) -> NDArray[Any] | None:
        """What belongs to one environment of what a network was given: a row, or all of it where one acts at a time."""
        n = len(self.train_parts)
        if rows.ndim > 1 and rows.shape[0] == n:
            return rows[number]
        return rows if n == 1 or rows.ndim == 1 or rows.shape[0] == 1 else None

    @cached_property
    def handed_out(self) -> dict[tuple[int, int], NDArray[np.float32]]:
        """(part, step) → the observation that the environment gave before that step, as float32 [dims]."""
        last: dict[int, NDArray[np.float32]] = {}
        found: dict[tuple[int, int], NDArray[np.float32]] = {}
        count: dict[int, int] = {}
        for i in self.log.of_kind("action", "obs").tolist():
            part = int(self.log.name(i).removeprefix("env").split(".")[0])
            if self.log.kind(i) == "action":
                if part in last:
                    found[(part, count.get(part, 0))] = last[part]
                count[part] = count.get(part, 0) + 1
            else:
                value = self.log.value(i)
                if value is not None and value.size <= 4096:
                    last[part] = value.astype(np.float32).reshape(-1)
        return found

    @cached_property
    def dims(self) -> int:
        """Numbers in the first observation that an agent acted on; 0 where there is none."""
        return len(next(iter(self.acted_on.values()), ()))

    def window(self, grad: int) -> tuple[int, int]:
        """Records from the end of the optimiser step (or environment step) before this gradient up to it."""
        before = np.flatnonzero(np.isin(self.kinds[:grad], [KINDS.index("step"), KINDS.index("end")]))
        return (int(before[-1]) + 1 if len(before) else 0), grad

    @cached_property
    def acting_calls(self) -> set[int]:
        """The last call of each network before the training environments are stepped, nothing learned in between."""
        wanted = {s.action for s in self.training}
        chosen: set[int] = set()
        last: dict[int, int] = {}
        for i in self.log.of_kind("action", "call", "loss", "grad").tolist():
            kind = self.log.kind(i)
            if kind == "call":
                last[int(self.log.rows[i, NAME])] = i
            else:
                if i in wanted:
                    chosen.update(last.values())
                last.clear()
        often = Counter(self.label(i) for i in chosen)
        least = SELDOM * max(often.values(), default=0)
        return {i for i in chosen if often[self.label(i)] >= least}

    @cached_property
    def acting_networks(self) -> set[str]:
        """The networks of these calls."""
        return {self.label(i) for i in self.acting_calls}

    @cached_property
    def trained(self) -> set[str]:
        """Networks of which an optimiser that has stepped holds a parameter."""
        known = self.log.notes.get("networks", {})
        return {label for label, about in known.items() if about.get("trained")}

    def has_parameters(self, label: str) -> bool:
        """Whether a network has any; True of one that is not known."""
        return bool(self.log.notes.get("networks", {}).get(label, {}).get("parameters", 1))

    @cached_property
    def acting_inputs(self) -> set[int]:
        """Records of what networks were given in calls for acting."""
        return {i for call in self.acting_calls if (i := self.input_of(call)) >= 0}

    @cached_property
    def acting_lines(self) -> set[tuple[str, int]]:
        """(file, line) of the user's that are run for acting: between a call for acting and the step that follows."""
        steps = sorted(s.action for s in self.training)
        found: set[tuple[str, int]] = set()
        for call in sorted(self.acting_calls)[:64]:
            end = next((s for s in steps if s > call), call)
            for i in range(call, end):
                site = self.log.site(i)
                if site is not None:
                    found.add((site.user_file, site.user_line))
        return found

    @cached_property
    def update_calls(self) -> list[int]:
        """Records of the other network calls before the last gradient."""
        acting, last = self.acting_calls, self.grads[-1] if self.grads else 0
        return [int(i) for i in self.log.of_kind("call") if int(i) not in acting and i < last]

    @cached_property
    def with_gradient(self) -> set[str]:
        """Networks of which some call's output needs a gradient."""
        calls = self.log.of_kind("call")
        return {self.label(int(i)) for i in calls if self.log.rows[i, GRAD]}

    def label(self, call: int) -> str:
        """The network of a call, without the part of its output."""
        return self.log.name(call).split("[")[0]

    @cached_property
    def target_networks(self) -> list[str]:
        """Networks that are called in updates, never for acting, and never give or are given a gradient; not those that
        only feed another of them (a target policy)."""
        acting = self.acting_networks
        known = self.log.notes.get("networks", {})
        reached = {self.label(i) for i in self.log.of_kind("outgrad").tolist()}
        cut = set(known) - reached  # an output with a graph that is cut off later gives no gradient
        calls = [i for i in self.update_calls if not self.log.rows[i, GRAD] or self.label(i) in cut]
        labels = list(dict.fromkeys(self.label(i) for i in calls))
        still = {x for x in labels if known.get(x, {}).get("parameters", 1) and not known.get(x, {}).get("trained")}
        given = self.with_gradient - cut
        chosen = [x for x in labels if x in still and x not in given and x not in acting]
        feeding = {x for x in chosen if self._feeds_another(x, set(chosen) - {x})}
        return [x for x in chosen if x not in feeding] or chosen

    def _feeds_another(self, label: str, others: set[str]) -> bool:
        """Whether an output of `label` is among the ancestors of an input of one of `others`."""
        mine = {i for i in self.update_calls[:200] if self.label(i) == label}
        inputs = [int(i) for i in self.log.of_kind("input") if self.log.name(int(i)) in others][:40]
        return any(mine & self.ancestors(i, 400) for i in inputs)

    def ancestors(self, record: int, limit: int = 2000) -> set[int]:
        """Records that a record was computed from, through operations that were logged."""
        found: set[int] = set()
        waiting = deque(self.log.parents[record])
        while waiting and len(found) < limit:
            i = waiting.popleft()
            if i >= 0 and i not in found:
                found.add(i)
                waiting += self.log.parents[i]
                if self.log.kind(i) == "call":
                    waiting += self.inputs_of(i)
        return found

    def input_of(self, call: int) -> int:
        """The record of what a call was given; -1 where there is none."""
        name = self.label(call)
        for i in range(call - 1, max(call - 60, -1), -1):
            if self.log.kind(i) == "input" and self.log.name(i) == name:
                return i
        return -1

    def inputs_of(self, call: int) -> list[int]:
        """The record of what a call was given, and the records that was computed from."""
        given = self.input_of(call)
        return [given, *self.log.parents[given]] if given >= 0 else []

    def rows_given(self, call: int) -> NDArray[np.float32] | None:
        """Rows [n, dims] that a call was given, or that the networks before it in the same pass were given, where those
        are observations."""
        if call not in self._rows_given:
            self._rows_given[call] = self._looked_for(call)
        return self._rows_given[call]

    def _looked_for(self, call: int) -> NDArray[np.float32] | None:
        log, dims = self.log, self.dims
        rows = log.shapes[call][0] if log.shapes[call] else 0
        for i in range(call - 1, max(call - 400, -1), -1):
            if log.kind(i) in ("step", "loss", "end"):
                return None
            if log.kind(i) != "input" or len(log.shapes[i]) < 2 or log.shapes[i][0] != rows:
                continue
            value = log.value(i)
            if value is None:
                continue
            flat = value.astype(np.float32).reshape(rows, -1)
            if flat.shape[1] >= dims and flat[0][:dims].tobytes() in self.observations:
                return flat
        return None

    @cached_property
    def is_rl(self) -> bool:
        """Whether an environment is stepped."""
        return bool(self.steps)

    @cached_property
    def in_first_phase(self) -> int:
        """Gradients before the first environment step that follows the first of them."""
        after = next((s.action for s in self.steps if s.action > self.first_grad), len(self.log))
        return sum(g < after for g in self.grads)

    @cached_property
    def steps_to_first_update(self) -> int:
        """Steps of the first training environment before the first update."""
        first = self.train_parts[0] if self.train_parts else -1
        return sum(s.part == first and s.action < self.first_grad for s in self.steps)

    def impulse_step(self) -> Step | None:
        """The step of the first training environment at which one reward is changed: as deep in an episode as can be
        before the first update (up to 24 steps), neither its last."""
        first = self.train_parts[0] if self.train_parts else -1
        before = [s for s in self.steps if s.part == first and s.action < self.first_grad]
        length = Counter(s.episode for s in before)
        chosen = [s for s in before if not s.end]
        inner = [s for s in chosen if s.in_episode <= INNER * length[s.episode]] or chosen
        return max(inner, key=lambda s: (min(s.in_episode, 24), -s.number), default=None)

    def name_of(self, part: int) -> dict[str, Any]:
        """What the run noted of an environment: class, line that made it, spaces."""
        return self.log.notes.get("envs", {}).get(str(part), {})

    def calls_named(self, name: str) -> NDArray[np.int64]:
        """Call records of one output of one network."""
        number = self.log.names.index(name) if name in self.log.names else -1
        calls = self.log.of_kind("call")
        return calls[self.log.rows[calls, NAME] == number]
