"""The dyes that are planted and what is read off each: facts, one dictionary a dye, that the Y rules judge.

Flows in: a runner. Flows out: `Facts` by name. Nothing here decides whether an answer is a fault.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifesigns.paired.plan import Plan
from lifesigns.paired.runlog import ENV_STEP, RunLog, Site, Stain
from lifesigns.paired.runner import Ran, Runner

DELTA = 1.0
"""Added to a reward; 1 is large enough for float32 advantages and small enough not to change what is clipped at 1."""


STILL = {"still": True}
"""The world where a request names none: running statistics of libraries' normalisers are held still, so that one reward
or observation is not in the scale of all later ones."""
LINES_STOP = {"updates": 3, "phases": 3, "seconds": 10.0}
"""A run with its lines logged is some ten times slower; the first updates show where a stain goes."""


class Blind(Exception):
    """A dye that could not be planted or read, with the reason."""


@dataclass
class Facts:
    """What one dye showed: plain data, and series of (x, y) by name."""

    dye: str
    data: dict[str, Any] = field(default_factory=dict[str, Any])
    series: dict[str, list[tuple[float, float]]] = field(default_factory=dict[str, list[tuple[float, float]]])
    site: Site | None = None
    wall_s: float = 0.0


class Lab:
    """Runs by name, each asked for once; logs and stains, each read once."""

    def __init__(self, runner: Runner, deadline: float) -> None:
        self.runner, self.deadline = runner, deadline
        self._futures: dict[str, Future[Ran]] = {}
        self._requests: dict[str, dict[str, Any]] = {}
        self._logs: dict[str, RunLog] = {}
        self._plans: dict[str, Plan] = {}
        self._stains: dict[tuple[str, str], Stain] = {}
        self.seeds: list[Any] = []
        self.wall_s: dict[str, float] = {}

    def left_s(self) -> float:
        """Seconds until the time for all dyes is over."""
        return self.deadline - time.monotonic()

    def ask(self, name: str, **request: Any) -> None:
        """Asks for a run, unless it has been asked for."""
        if name not in self._futures and self.left_s() > 0:
            request = {"world": STILL, **request}
            self._requests[name] = request
            sent = {k: v for k, v in request.items() if k != "fresh_seeds"}
            replayed = [] if request.get("fresh_seeds") else self.seeds
            self._futures[name] = self.runner.submit(name, seeds=replayed, **sent)

    def ask_lines(self, name: str, part: tuple[int, int] = (0, 0), again: str = "") -> None:
        """Asks for a run again, with the user's lines logged in a part of it: from one environment step on, to another
        one (0: from the start, to the first updates). With `again` the same once more, to see which variables differ by
        themselves (those that hold a time)."""
        if name in self._requests:
            start, end = part
            logged = {"lines": True, "lines_from": start, "stop": {**LINES_STOP, "env_steps": end}}
            self.ask(f"{name}{again}-lines-{start}-{end}", **{**self._requests[name], **logged})

    def lines(self, name: str, part: tuple[int, int] = (0, 0)) -> Path:
        """Where the lines of such a run are. Raises Blind."""
        return self.ran(f"{name}-lines-{part[0]}-{part[1]}").folder / "lines.json"

    def planted_between(self, name: str) -> tuple[int, int]:
        """The environment steps at which a dyed run was planted first and last. Raises Blind."""
        log = self.log(name)
        records = [p["record"] for p in log.about["planted"] if "record" in p]
        steps = [p["env_step"] for p in log.about["planted"] if "env_step" in p]
        steps += [int(log.rows[min(i, len(log) - 1), ENV_STEP]) for i in records]
        return min(steps, default=0), max(steps, default=0)

    def asked(self) -> set[str]:
        """Names of the runs that were asked for."""
        return set(self._futures)

    def request(self, name: str) -> dict[str, Any]:
        """What was asked for by that name."""
        return self._requests[name]

    def ran(self, name: str) -> Ran:
        """A finished run. Raises Blind where it is no evidence."""
        if name not in self._futures:
            raise Blind("the time for dyes was over before this one was planted")
        try:
            ran = self._futures[name].result(timeout=max(self.left_s() + 5.0, 0.1))
        except (TimeoutError, OSError) as error:
            raise Blind("the time for dyes was over before this one had answered") from error
        self.wall_s[name] = ran.wall_s
        about = ran.about
        if about is None:
            raise Blind(f"the run with this dye ended without a log (exit status {ran.status})")
        if about["notes"].get("failure"):
            last = str(about["notes"]["failure"]).strip().splitlines()[-1]
            raise Blind(f"lifesigns itself failed in this run: {last}")
        return ran

    def log(self, name: str) -> RunLog:
        """The log of a run."""
        if name not in self._logs:
            self._logs[name] = RunLog(self.ran(name).folder)
        return self._logs[name]

    def plan(self, name: str) -> Plan:
        """Readings of an undyed run."""
        if name not in self._plans:
            self._plans[name] = Plan(self.log(name))
        return self._plans[name]

    def stain(self, base: str, dyed: str, *, must_plant: bool = True) -> Stain:
        """Two runs compared. Raises Blind where the script ended with an exception, or nothing was planted."""
        if (base, dyed) not in self._stains:
            log = self.log(dyed)
            if log.about["why"] == "exception" and self.log(base).about["why"] != "exception":
                raise Blind(f"the script ended with an exception when the dye was planted: {log.about['error']}")
            if must_plant and not log.about["plantings"]:
                raise Blind("there was no place to plant this dye before the run was stopped")
            self._stains[(base, dyed)] = Stain(self.log(base), log)
        return self._stains[(base, dyed)]


def answer(stain: Stain, facts: Facts) -> None:
    """What every dye has: the effect on each gradient and optimiser step, the first operation that differs."""
    gradients, steps = stain.effects("grad"), stain.effects("step")
    facts.series["dye.gradient_effect"] = [(float(k), e) for k, (_, e) in enumerate(gradients)]
    facts.series["dye.update_effect"] = [(float(k), e) for k, (_, e) in enumerate(steps)]
    touched = [(i, e) for i, e in gradients if i in stain.marks]
    finite = [e for _, e in touched if e == e]
    facts.data.update(
        planted=stain.dyed.about["plantings"],
        gradients=len(gradients),
        gradients_touched=len(touched),
        losses_touched=len(stain.of_kind("loss")),
        largest_effect=max(finite, default=float("inf") if touched else 0.0),
        largest_update_effect=max((e for _, e in steps if e == e), default=0.0),
        records_touched=len(stain.at),
        parted=stain.parted,
        parted_before_update=stain.parted and not gradients,
    )
    first = next((i for i, _ in stain.ops()), None)
    if first is not None:
        facts.data["first_operation"] = stain.base.name(first)
        facts.data["first_shape"] = list(stain.base.shapes[first])
        facts.site = stain.base.site(first)


def answer_in_order(stain: Stain, facts: Facts) -> None:
    """The same for a dye that changes what is recorded: gradients are compared by their order, and only the first of
    each optimiser counts for the size (later ones have learned from it)."""
    answer(stain, facts)
    effects = stain.effects_in_order("grad")
    names = [stain.base.name(i) for i in stain.base.of_kind("grad").tolist()]
    again = next((n for n, name in enumerate(names) if name in names[:n]), len(names))
    facts.series["dye.gradient_effect"] = [(float(k), e) for k, e in enumerate(effects)]
    facts.data.update(
        gradients=len(effects),
        gradients_touched=sum(e > 0 for e in effects),
        largest_effect=max(effects[:again], default=0.0),
    )


def path_of(stain: Stain, until: int, most: int = 8) -> list[dict[str, Any]]:
    """The user's lines that a stain went through, in order, each with its first operation."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for i, change in stain.ops():
        site = stain.base.site(i)
        if i >= until or site is None:
            break
        key = (site.user_file or site.file, site.user_line or site.line)
        if key not in found and len(found) < most:
            moved = change[change != 0]
            found[key] = {
                "file": key[0],
                "line": key[1],
                "operation": stain.base.name(i),
                "shape": list(change.shape),
                "moved": int(moved.size),
                "largest": float(moved[abs(moved).argmax()]),
            }
    return list(found.values())


def first_touched(stain: Stain) -> int:
    """The first gradient that differs; the number of common records where none does."""
    touched = stain.of_kind("grad")
    return touched[0] if touched else stain.common


Reader = Callable[[Lab, Facts], None]


def collect(
    lab: Lab,
    readers: Sequence[tuple[str, Reader]],
    progress: Callable[[str, int, int], None],
    found: list[Facts],
) -> None:
    """Runs the readers in order and adds what each read to `found` at once; one that is blind says why, one that
    crashes is blind as well and says that."""
    for number, (name, read) in enumerate(readers):
        facts = Facts(name)
        try:
            read(lab, facts)
        except Blind as reason:
            facts.data = {"blind": str(reason)}
            facts.series.clear()
        except Exception as error:
            facts.data = {"blind": f"reading the answer failed ({type(error).__name__}: {error})"}
            facts.series.clear()
        found.append(facts)
        progress(name, number + 1, len(readers))
