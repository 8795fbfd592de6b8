"""One run in progress: its request, its clocks, where it stops; the taps meet here.

A run ends where its request says (updates, environment steps, seconds), when the script ends, or when a tap of ours
fails: the run is then no evidence, and says so.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .. import callsite
from ..imports import AfterImport
from .held_back import HeldBack
from .oplog import KINDS, OpLog

KIND = {name: number for number, name in enumerate(KINDS)}
LEFT_OUT = frozenset(("op", "input", "call", "outgrad", "loss"))
OF_ENVS = frozenset(("action", "reward", "obs", "end"))
LONG_PHASE = 8
"""Updates without an environment step between them that make one phase of learning (an on-policy method's)."""

WRITING_S, WRITING_CPU_S = 5.0, 1.5
"""Left of a run's time for writing its log: seconds, and seconds of the processor, of which a busy machine gives a run
only a part."""


class Session:
    """What the taps of one run share."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.log = OpLog()
        self.stop = {
            "updates": 40,
            "phases": 20,
            "env_steps": 0,
            "seconds": 20.0,
            "updates_after": 0,
            "second": False,
            **request["stop"],
        }
        self.held_back = HeldBack(self.log) if self.stop["second"] else None
        self.plants: list[dict[str, Any]] = request.get("plants") or []
        self.world: dict[str, Any] = request.get("world") or {}
        self.planted: list[dict[str, Any]] = []
        self.notes: dict[str, Any] = {}
        self.quiet = 0
        self.phases = self.in_phase = 0
        self.mute = False
        self.lines_only = bool(request.get("lines"))
        self.light = self.lines_only  # of the lines' runs no operation is read
        self.stepped_training: bool | None = None
        self.eval_seen_at = self.loader = -1
        self.started, self.cpu_started = time.monotonic(), time.process_time()
        self.closing: list[Callable[[], None]] = []
        self.seeds: Any = None
        self.on_tokens: Callable[[Any], None] | None = None
        self.starting: tuple[int, Callable[[], None]] | None = None
        self._finder = AfterImport()
        self._written = False
        self._sites: dict[tuple[Any, ...], int] = {}
        sys.meta_path.insert(0, self._finder)  # type: ignore[arg-type]

    def when(self, name: str, install: Callable[[ModuleType], None]) -> None:
        """Calls `install(module)` when the module is there; a failure ends the run."""

        def guarded(module: ModuleType) -> None:
            try:
                install(module)
            except Exception:
                self.fail()

        self._finder.when(name, guarded)

    def kinds(self, *kinds: str) -> list[dict[str, Any]]:
        """The plants of these kinds."""
        return [p for p in self.plants if p["kind"] in kinds]

    def site(self, frame: Any) -> int:
        """A record's place: the nearest frame outside torch and lifesigns, the nearest of the user's, its caller."""
        near = frame
        while near is not None and _skipped(near.f_code.co_filename):
            near = near.f_back
        if near is None:
            return self.log.site(None)
        user = callsite.user_frame(near)
        outer = callsite.user_frame(user.f_back) if user else None
        key = (near.f_code, near.f_lineno, user and user.f_code, user and user.f_lineno, outer and outer.f_lineno)
        found = self._sites.get(key)
        if found is None:
            place = (
                near.f_code.co_filename,
                near.f_lineno,
                os.path.abspath(user.f_code.co_filename) if user else "",
                user.f_lineno if user else 0,
                near.f_code.co_name,
                os.path.abspath(outer.f_code.co_filename) if outer else "",
                outer.f_lineno if outer else 0,
            )
            found = self._sites[key] = self.log.site(place)
        return found

    def add(
        self, kind: str, name: str, site: int, array: Any, parents: tuple[int, ...] = (), grad: bool = False
    ) -> int:
        """One record; what is computed after an update is held back where only that before the next rollout counts."""
        if self.held_back is None:
            return self.log.add(KIND[kind], name, site, array, parents, grad)
        if self.mute and kind in LEFT_OUT:
            return self.held_back.add(KIND[kind], name, site, array, parents, grad)
        if kind in OF_ENVS:
            self.speak()
        return self.log.add(KIND[kind], name, site, array, self.held_back.known(parents), grad)

    def speak(self) -> None:
        """What was held back since the last update enters the log, as does what comes now."""
        if self.mute and self.held_back is not None:
            self.mute = False
            self.held_back.release()

    def on_env_step(self, training: bool) -> None:
        """An environment has been stepped."""
        log = self.log
        self.stepped_training = training
        if self.in_phase:
            self.phases += 1
            goes_on = self.stop["updates_after"] or self.stop["second"] or self.stop["phases"] > 20
            if self.in_phase >= LONG_PHASE and not goes_on:
                self.finish("phase")
            self.speak()
            self.in_phase = 0
        if training:
            log.env_step += 1
        if self.starting and log.env_step >= self.starting[0]:
            start, self.starting = self.starting[1], None
            start()
        if self.stop["env_steps"] and log.env_step >= self.stop["env_steps"]:
            self.finish("env steps")
        if not log.env_step % 64:
            self.look_at_clock()

    def on_update(self) -> None:
        """An optimiser has stepped."""
        self.log.update += 1
        self.in_phase += 1
        stop = self.stop
        # until it evaluates, of a long run only what is acted on and the gradients are wanted
        long = bool(stop["updates_after"]) and self.log.env_step > 0 and self.eval_seen_at < 0
        self.light = self.lines_only or long
        if stop["second"] and self.phases:
            self.finish("second phase")
        if self.held_back is not None:
            self.mute = True
            self.held_back.drop()
        if self.log.update >= stop["updates"] or self.phases >= stop["phases"]:
            self.finish("updates")
        if stop["updates_after"] and 0 <= self.eval_seen_at <= self.log.update - stop["updates_after"]:
            self.finish("evaluation")
        self.look_at_clock()

    def look_at_clock(self) -> None:
        """Ends the run at its time limit: processor time, since other runs may have the cores, or all of its time."""
        used, passed = time.process_time() - self.cpu_started, time.monotonic() - self.started
        limit = self.request.get("limit_s", 0.0)
        writing = min(max(WRITING_S, WRITING_CPU_S * passed / max(used, 1e-3)), limit / 2)
        longest = limit - writing if limit else self.stop["seconds"]
        if used > self.stop["seconds"] or passed > longest or self.log.full:
            self.finish("time")

    def fail(self) -> None:
        """Something of ours went wrong: the run is no evidence."""
        self.notes["failure"] = traceback.format_exc(limit=-4)
        self.finish("failed")

    def finish(self, why: str, error: str = "") -> None:
        """Writes the log and ends the process at once."""
        if self._written:
            os._exit(0)
        self._written = True
        self.quiet += 1
        try:
            sys.settrace(None)
            for close in self.closing:
                close()
            about = {
                "why": why,
                "error": error,
                "wall_s": time.monotonic() - self.started,
                "env_steps": self.log.env_step,
                "updates": self.log.update,
                "phases": self.phases,
                "planted": self.planted[:2000],
                "plantings": len(self.planted),
                "seeds": self.seeds.given if self.seeds else [],
                "drawn": self.seeds.drawn if self.seeds else 0,
                "notes": self.notes,
            }
            self.log.write(self.request["out"], about)
            sys.stdout.flush()
            sys.stderr.flush()
        except Exception:
            traceback.print_exc()
            os._exit(72)
        os._exit(0)


_skip: dict[str, bool] = {}


def _skipped(filename: str) -> bool:
    found = _skip.get(filename)
    if found is None:
        torch_own = f"{os.sep}torch{os.sep}" in filename and "site-packages" in filename
        found = _skip[filename] = torch_own or filename.startswith("<") or callsite.kind_of(filename) == callsite.OURS
    return found
