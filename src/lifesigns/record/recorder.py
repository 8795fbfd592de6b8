"""The recorder of one process: clocks, subjects, series, events; flushes once a second from the user's
thread."""

from __future__ import annotations

import atexit
import math
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from ..store.writer import Column, TraceWriter
from . import taps
from .budget import Budget

FLUSH_S, MAX_FLUSH_S = 1.0, 5.0
"""Between two flushes; longer where one takes more than 10 ms, and by `Budget.rate`: where other programs take the
processor, a flush then comes as often for the work that the script gets done."""
KEEP = 20_000
"""Points a per-step series keeps before every second one is dropped from then on; non-finite ones always
stay."""


class Thinned:
    """A series with a point for each step of a long run: its stride doubles each `KEEP` points kept."""

    __slots__ = ("_column", "_count", "_kept", "_stride")

    def __init__(self, column: Column) -> None:
        self._column, self._count, self._kept, self._stride = column, 0, 0, 1

    def add(self, x: float, y: float) -> None:
        """Appends the point if its turn has come or it is not finite."""
        self._count += 1
        if self._count % self._stride == 0 or y - y != 0:
            self._column.add(x, y)
            self._kept += 1
            if self._kept % KEEP == 0:
                self._stride *= 2


class Recorder:
    """What the targets write to. All of its methods may raise; the taps that call them are guarded."""

    def __init__(self, run: str, main: bool) -> None:
        self.run, self.main = run, main
        self.budget = Budget()
        self.env_step = self.update = self.backward = self.episode = 0
        self.env_step_at_update = self.rollout = 0  # when the last update was; steps between two phases of updates
        self.arm_at: float = math.inf  # the environment step from which a forward pass is to be sampled
        self.looking: set[str] = set()  # what needs to see every backward call, for now
        self.on_flush: list[Callable[[], None]] = []
        self.closed = False
        self.deferred: Any = None  # set by the torch targets: what waits for a device
        folder = Path(run)
        self._writer = TraceWriter(folder / ("trace.lst" if main else f"trace-{os.getpid()}.lst"))
        self._lock = threading.RLock()
        self._numbers: dict[str, int] = {}
        self._columns: dict[tuple[str, str], Column] = {}
        self._subjects: dict[str, dict[str, Any]] = {}
        self.next_flush = perf_counter() + FLUSH_S
        self._last_clocks: tuple[int, int, int] | None = None
        self._disabled = False
        self._processor = (0.0, process_time())
        self.flush_s = 0.0  # spent in flushes so far

    def wall_s(self) -> float:
        """Seconds since recording began."""
        return perf_counter() - self.budget.started

    def subject(self, kind: str, name: str, at: dict[str, Any] | None, info: dict[str, Any]) -> str:
        """Introduces a thing observed; returns its id, `kind/number`."""
        number = self._numbers.get(kind, 0)
        self._numbers[kind] = number + 1
        key = f"{kind}/{number}"
        self._subjects[key] = {
            "t": "subject",
            "id": key,
            "kind": kind,
            "name": name or key,
            "at": at,
            "info": info,
        }
        self._writer.record(self._subjects[key])
        return key

    def describe(self, subject: str, *, name: str | None = None, **info: Any) -> None:
        """Adds to what is known of a subject; written again only if something changed."""
        entry = self._subjects[subject]
        if (name is None or name == entry["name"]) and all(entry["info"].get(k) == v for k, v in info.items()):
            return
        entry["info"] = {**entry["info"], **info}
        entry["name"] = name or entry["name"]
        self._writer.record(entry)

    def info(self, subject: str) -> dict[str, Any]:
        """What is known of a subject."""
        return self._subjects[subject]["info"]

    def subjects(self, kind: str) -> list[str]:
        """Ids of the subjects of one kind."""
        return [f"{kind}/{i}" for i in range(self._numbers.get(kind, 0))]

    def series(
        self, name: str, subject: str = "run", columns: Sequence[str] = (), *, clock: str = "", unit: str = ""
    ) -> Column:
        """The column of a series of the catalogue (or of one the user's logger named, with its clock
        given)."""
        found = self._columns.get((name, subject))
        if found is None:
            from ..model.catalogue import SERIES

            entry = SERIES.get(name)
            if entry is not None:
                clock, unit = entry.clock, entry.unit
            found = self._columns[(name, subject)] = self._writer.series(name, clock, unit, subject, columns)
        return found

    def event(self, kind: str, subject: str, data: dict[str, Any], at: dict[str, Any] | None = None) -> None:
        """Something that happened once."""
        self._writer.record(
            {
                "t": "event",
                "kind": kind,
                "subject": subject,
                "data": data,
                "at": at,
                "wall_s": self.wall_s(),
                "env_step": self.env_step,
            }
        )

    def meta(self, **data: Any) -> None:
        """Facts about the run known only inside it (library versions)."""
        self._writer.record({"t": "meta", "data": data})

    def tick(self) -> None:
        """Called by the taps; flushes when a second has passed."""
        if perf_counter() >= self.next_flush:
            self.flush()

    def flush(self) -> None:
        """Writes what has been collected. A disk that fails ends the recording, not the run."""
        if not self._lock.acquire(blocking=False):
            return
        started = perf_counter()
        try:
            for collect in self.on_flush:
                taps.guarded(collect)()
            self._clocks()
            if self._disabled:
                self._writer.discard()
            else:
                self._writer.flush()
        except OSError as error:
            self._disabled = True
            taps.failed("store", error)
        finally:
            self._lock.release()
            now = perf_counter()
            self.budget.taps_s += now - started
            self.flush_s += now - started
            self.budget.keep_pace()
            rate = self.budget.rate()
            self.next_flush = now + max(min(FLUSH_S / rate, MAX_FLUSH_S), 100 * (now - started) / rate)

    def _clocks(self) -> None:
        now = (self.env_step, self.update, self.episode)
        if now == self._last_clocks or not (any(now) or self.main):
            return
        if not any(now) and not self._subjects:
            return
        self._last_clocks = now
        wall = self.wall_s()
        for name, value in zip(("run.env_steps", "run.updates", "run.episodes"), now, strict=True):
            self.series(name).add(wall, value)
        self.series("run.own_share").add(wall, self.budget.own_share())
        for name, value in process_figures():
            self.series(name).add(wall, value)
        then, self._processor = self._processor, (wall, process_time())
        if wall > then[0]:
            self.series("run.cpu_share").add(wall, (self._processor[1] - then[1]) / (wall - then[0]))
        self._writer.record(
            {
                "t": "health",
                "data": {
                    "failures": dict(taps.failures),
                    "own_share": self.budget.own_share(),
                    "wall_s": wall,
                    "env_steps": now[0],
                    "updates": now[1],
                    "episodes": now[2],
                    "backwards": self.backward,
                },
            }
        )

    def close(self) -> None:
        """The last flush; what comes later is still taken, but written only by another `close`."""
        self.closed = True
        self.flush()


def process_figures() -> list[tuple[str, float]]:
    """Memory and open files of this process, where this system tells them (tens of microseconds)."""
    found: list[tuple[str, float]] = []
    try:
        with open("/proc/self/statm") as statm:
            pages = int(statm.read().split()[1])
        found.append(("run.memory_mb", pages * os.sysconf("SC_PAGE_SIZE") / 2**20))
        found.append(("run.open_files", float(len(os.listdir("/proc/self/fd")))))
    except (OSError, ValueError, IndexError):
        pass
    return found


_recorder: Recorder | None = None
_reset_in_child: list[Callable[[Recorder], None]] = []


def get_recorder(run: str, main: bool) -> Recorder:
    """The recorder of this process, made at the first call."""
    global _recorder
    if _recorder is None:
        _recorder = Recorder(run, main)
        atexit.register(taps.guarded(_close))
        os.register_at_fork(after_in_child=taps.guarded(_after_fork))
        _flush_before_os_exit()
    return _recorder


def on_fork(reset: Callable[[Recorder], None]) -> None:
    """Registers what a target must forget in a forked worker."""
    _reset_in_child.append(reset)


def _close() -> None:
    if _recorder is not None:
        _recorder.close()


def _after_fork() -> None:
    """A forked worker starts with an empty recorder and a file of its own, made only if it records
    anything."""
    if _recorder is None:
        return
    _recorder.__init__(_recorder.run, False)
    for reset in _reset_in_child:
        reset(_recorder)


def _flush_before_os_exit() -> None:
    original = os._exit

    def _exit(status: int) -> None:
        taps.guarded(_close)()
        original(status)

    _exit.__doc__ = original.__doc__
    taps.named_after(_exit, os, "_exit")
    taps.replace(os, "_exit", _exit)
