"""Runs a campaign to its end: what is missing is started, what ends is written down, what was lost is tried again."""

from __future__ import annotations

import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lifesigns.campaign.engine import Attempt, Done, Engine
from lifesigns.campaign.folder import CampaignFolder, attempt_result
from lifesigns.campaign.ledger import Ledger
from lifesigns.campaign.limits import kill_run
from lifesigns.campaign.plan import Job, Plan
from lifesigns.campaign.supervisor import is_alive
from lifesigns.record.launch import python_command

LOST_SIGNALS = (9, 15)
"""A script that was killed from outside (the system short of memory, a machine taken away) is run again."""
MOST_ATTEMPTS = 3
ORPHAN_S = 5.0
"""How long the supervisors of a driver that was killed get to end by themselves."""
SAME_CRASHES = 3
"""Runs that crash alike, none of them otherwise, after which the rest are not begun."""
NUMBER = re.compile(r"[-+]?\d[\d.]*(?:e[-+]?\d+)?", re.IGNORECASE)
"""Left out when two crashes are compared: a value that is varied, an address, a line."""
TICK_S = 0.25
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass
class State:
    """What a display shows: jobs by key, which attempts run since when, results."""

    jobs: list[Job]
    running: dict[str, tuple[Attempt, float]] = field(default_factory=dict[str, tuple[Attempt, float]])
    results: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    resumed: int = 0
    retried: int = 0
    stopped: str = ""


class Driver:
    """One campaign and the engine that runs it. The ledger is this process' alone.

    `settled` says, after each run that has ended, why no more need be run (empty to go on).
    """

    def __init__(
        self,
        folder: CampaignFolder,
        plan: Plan,
        engine: Engine,
        show: Callable[[State], None] = lambda state: None,
    ) -> None:
        self.folder, self.plan, self.engine, self._show = folder, plan, engine, show
        self.settled: Callable[[State], str] = lambda state: ""
        self._lock = folder.lock()
        self.ledger = Ledger(folder.ledger_file)
        self.state = State(plan.jobs())
        self._by_key = {job.key: job for job in self.state.jobs}

    @property
    def done(self) -> int:
        """Runs of the plan that have a result before this driver begins."""
        return sum(key in self._by_key for key in self.ledger.results())

    def run(self) -> State:
        """Runs what has no result yet. Whatever ends this (Ctrl-C too) ends what is running as well."""
        state = self.state
        try:
            self._recover()
            waiting = deque(job for job in state.jobs if job.key not in state.results)
            state.stopped = self._stop()
            while (waiting or state.running) and not state.stopped:
                ended: list[Done] = []
                while waiting and len(state.running) < self.engine.slots and not ended:
                    ended = self._start(waiting.popleft())
                ended += self.engine.wait(0.0 if ended else TICK_S)
                for done in ended:
                    if (again := self._take(done)) is not None:
                        waiting.appendleft(again)
                if ended:
                    state.stopped = self._stop()
                self._show(state)
        finally:
            self.engine.close()
            self.ledger.close()
            os.close(self._lock)
        return state

    def _stop(self) -> str:
        """Why no more is to be run; empty to go on."""
        left = [job for job in self.state.jobs if job.key not in self.state.results]
        return (_alike(self.state.results) or self.settled(self.state)) if left else ""

    def _recover(self) -> None:
        """Takes over the results that are there, of attempts too that ended while no driver was looking."""
        for job in self.state.jobs:
            progress = self.ledger.of(job.key)
            attempt = progress.open_attempt
            if attempt is not None:
                folder = self.folder.attempt(attempt)
                _end_orphan(folder)
                found = attempt_result(folder)
                if found is not None and not _killed(found):
                    self.ledger.ended(job.key, attempt, found)
                else:
                    self.ledger.lost(job.key, attempt, "the driver was ended")
            if progress.result is not None:
                self.state.results[job.key] = progress.result
        self.state.resumed = len(self.state.results)

    def _start(self, job: Job) -> list[Done]:
        """Begins an attempt; one that cannot be begun is lost."""
        progress = self.ledger.of(job.key)
        name = f"{job.folder}.{len(progress.attempts) + 1}"
        attempt = Attempt(job.key, name, self.folder.attempt(name), self._request(job))
        self.ledger.started(job.key, name)
        self.state.running[job.key] = (attempt, time.monotonic())
        try:
            self.engine.start(attempt)
        except OSError as error:
            return [Done(attempt, None, f"it could not be started: {error}")]
        return []

    def _take(self, done: Done) -> Job | None:
        """Writes down an attempt that has ended; returns its job where it is to be run again."""
        key, name = done.attempt.job, done.attempt.name
        self.state.running.pop(key, None)
        progress = self.ledger.of(key)
        lost = done.result is None or _killed(done.result)
        why = done.why or "killed from outside"
        again = sum(reason != "the driver was ended" for reason in progress.lost.values()) + 1 < MOST_ATTEMPTS
        if lost and again:
            self.ledger.lost(key, name, why)
            self.state.retried += 1
            return self._by_key[key]
        given = done.result if done.result is not None else {"ended": "lost", "exit_status": None, "exception": why}
        self.ledger.ended(key, name, given)
        result = progress.result
        assert result is not None
        self.state.results[key] = result
        return None

    def _request(self, job: Job) -> dict[str, Any]:
        """What the supervisor is told."""
        plan = self.plan
        arguments = plan.command_arguments(job)
        environment = {name: str(self._threads()) for name in THREADS if name not in os.environ}
        if plan.seed_argument.imposed:
            environment["LIFESIGNS_SEED"] = str(job.seed)
        return {
            "command": python_command(plan.python or sys.executable, plan.script, arguments, module=plan.module),
            "cwd": plan.cwd,
            "env": environment,
            "time_limit_s": plan.time_limit_s,
            "memory_limit_bytes": plan.memory_limit_bytes,
            "meta": {
                "script": plan.script,
                "argv": arguments,
                "module": plan.module,
                "campaign": self.folder.path.name,
                "seed": job.seed,
                "seed_imposed": plan.seed_argument.imposed,
                "variant": dict(job.variant),
            },
        }

    def _threads(self) -> int:
        """Threads of each run, so that all together use the cores once."""
        return max((os.cpu_count() or 1) // max(self.engine.slots, 1), 1)


def _killed(result: Mapping[str, Any]) -> bool:
    """Whether a script was killed by a signal that comes from outside, and not by a limit of ours."""
    status = result.get("exit_status")
    return result.get("ended") == "killed" and isinstance(status, int) and -status in LOST_SIGNALS


def _alike(results: Mapping[str, Mapping[str, Any]]) -> str:
    """A sentence where all of the first runs crashed with the same words: the others would too."""
    said = [str(r.get("exception")) for r in results.values() if r.get("ended") == "crashed"]
    crashes = {NUMBER.sub("#", text) for text in said}
    crashed = sum(r.get("ended") == "crashed" for r in results.values())
    if crashed >= SAME_CRASHES and crashed == len(results) and len(crashes) == 1:
        return f"each of the first {crashed} runs crashed with `{said[0]}`; the rest were not begun"
    return ""


def _end_orphan(folder: Any) -> None:
    """Waits for the supervisor of a driver that was killed; what is left of its run is ended."""
    until = time.monotonic() + ORPHAN_S
    while is_alive(folder) and time.monotonic() < until:
        time.sleep(0.02)
    kill_run(folder)
