"""The user's line at which a stain begins to spread, ends, or turns: from the line logs of a pair of runs.

Flows in: two `lines.json`. Flows out: the lines whose variables differ, in order, and the one that a reading points at.
"""

from __future__ import annotations

import json
import linecache
import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from lifesigns.paired import source

INFO = re.compile(r"_?infos?$")
RESET_CALL = re.compile(r"\.reset\(")
STEP_CALL = re.compile(r"\.step(_wait)?\(|next\(|for .* in .*(loader|batches)")
HEADS = ("def ", "async def ", "@")
"""How the line at which a call begins starts."""


@dataclass
class Event:
    """One line that was run, with the variables it gave new values (digests or short texts)."""

    file: str
    line: int
    frame: int
    values: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Mark:
    """A line whose variables differ between the runs: which, and where in the sequence of events."""

    file: str
    line: int
    names: tuple[str, ...]
    at: int
    frame: int


class LinePath:
    """The lines that a stain went through; variables that differ between two undyed runs (a time) are left out."""

    def __init__(self, base: Path, dyed: Path, again: Path) -> None:
        a, b = _events(base), _events(dyed)
        self.events = a
        restless = _restless(a, _events(again))
        self.marks: list[Mark] = []
        self.negative: Mark | None = None
        self._calls: dict[tuple[str, int], int] = {}
        at = Counter((e.file, e.line) for e in a)
        self.steps = max((n for key, n in at.items() if STEP_CALL.search(text_of(*key))), default=0)
        for i, (x, y) in enumerate(zip(a, b, strict=False)):
            if (x.file, x.line) != (y.file, y.line):
                break
            names = tuple(
                n
                for n in dict.fromkeys([*x.values, *y.values])
                if x.values.get(n) != y.values.get(n) and (x.file, x.line, n) not in restless
            )
            if names:
                mark = Mark(x.file, x.line, names, i, x.frame)
                self.marks.append(mark)
                if self.negative is None and _falls(x, y, names):
                    self.negative = mark

    def first(self, *, after_step: bool = False) -> Mark | None:
        """The first stained line; with `after_step` the first other than the line of the step itself."""
        for mark in self.marks:
            if not (after_step and STEP_CALL.search(text_of(mark.file, mark.line))):
                return mark
        return self.marks[0] if self.marks else None

    def calls(self, *patterns: re.Pattern[str]) -> bool:
        """Whether a stained line of the user's makes one of these calls."""
        return any(p.search(text_of(m.file, m.line)) for m in self.marks for p in patterns)

    def first_read(self) -> Mark | None:
        """The first line that reads what is stained; of what a function was called with, or an object held already, the
        line inside that reads it."""
        first = self.first(after_step=True)
        if first is None or not text_of(first.file, first.line).startswith(HEADS):
            return first
        return self.reader(first, self.fresh(first)) or first

    def end(self) -> Mark | None:
        """Where the stain ends: the line that reads what the last stained line gave a new value, or that line."""
        if not self.marks:
            return None
        return self.reader(self.marks[-1], self.fresh(self.marks[-1])) or self.marks[-1]

    def unread(self) -> Mark | None:
        """The last line, apart from steps, that gave a stained value which no later line of its call reads."""
        first: dict[tuple[str, int], Mark] = {}
        for mark in self.marks:
            if not STEP_CALL.search(text_of(mark.file, mark.line)):
                first.setdefault((mark.file, mark.line), mark)
        unread = (m for m in reversed(first.values()) if self.fresh(m) and self.reader(m, self.fresh(m)) is None)
        return next(unread, None)

    def lost(self) -> Mark | None:
        """Where a step's reward is lost: from the step on, line after line that reads what the one before gave, sums
        for statistics left out, through layers that hand it on; the last that is stained and not read, or the first
        reader that passes nothing on."""
        mark = next((m for m in self.marks if STEP_CALL.search(text_of(m.file, m.line))), None)
        names = {n for n in self.fresh(mark) if not INFO.match(n)} if mark is not None else set[str]()
        start, at = mark, {m.at: m for m in self.marks}
        for _ in range(64):
            found = self.reader(mark, names, sums=False) if mark is not None and names else None
            found = found or (self._handed_back(mark) if mark is not None else None)
            if found is None:
                return None if mark is start else mark
            if found.at not in at:
                return found
            mark = at[found.at]
            names = self.fresh(mark)
        return mark

    def _handed_back(self, mark: Mark) -> Mark | None:
        """The next stained line after a call that returned something stained, in the same step of the layers around."""
        if "<return>" not in mark.names:
            return None
        found = next((m for m in self.marks if m.at > mark.at), None)
        if found is None or found.frame == mark.frame:
            return None
        between = range(mark.at + 1, found.at)
        begun = any(STEP_CALL.search(text_at(e)) and e.frame > mark.frame for e in (self.events[i] for i in between))
        return None if begun else found

    def ignored(self) -> Mark | None:
        """Beside the first stained step: the line that gives a stained variable which no later line reads, else the
        last one that reads what the step gave, before the next step."""
        taking = [m for m in self.marks if STEP_CALL.search(text_of(m.file, m.line))]
        first = min(taking, key=lambda m: m.frame, default=None)  # the script's own, not a wrapper's
        if first is None:
            return self.unread() or self.end()
        if source.function_of(first.file, first.line).startswith("step"):
            return self.lost() or first  # a layer around an environment; a library takes the steps
        beside = [m for m in self.marks if m.frame == first.frame and m.at > first.at]
        for mark in beside:
            plain = {n for n in mark.names if "." not in n and n != "<return>"}
            if plain and not STEP_CALL.search(text_of(mark.file, mark.line)) and self.reader(mark, plain) is None:
                return mark
        last = first
        while (found := self.reader_beside(last, self.fresh(first))) is not None:
            last = found
        return last

    def beside(self) -> Mark | None:
        """The first line after the first stained step, in the script's own call, that reads what the step gave."""
        taking = [m for m in self.marks if STEP_CALL.search(text_of(m.file, m.line))]
        first = min(taking, key=lambda m: m.frame, default=None)
        return self.reader_beside(first, self.fresh(first)) if first is not None else None

    def reader_beside(self, mark: Mark, names: set[str], steps: int = 0) -> Mark | None:
        """The next line of the same call, at most `steps` steps later, that reads one of `names`."""
        for i in range(mark.at + 1, min(mark.at + 4000, len(self.events))):
            one = self.events[i]
            if one.frame != mark.frame:
                continue
            steps -= STEP_CALL.search(text_at(one)) is not None
            if steps < 0:
                return None
            if one.line != mark.line and names & names_at(one).read:
                return Mark(one.file, one.line, (), i, one.frame)
        return None

    def fresh(self, mark: Mark) -> set[str]:
        """The names of a mark as the source shows them: an attribute by its last part, with the dot."""
        return {f".{n.split('.')[-1]}" if "." in n else n for n in mark.names if n != "<return>"}

    def reader(self, mark: Mark, names: set[str], depth: int = 0, *, sums: bool = True) -> Mark | None:
        """The next line of the same call that reads one of `names`, as long as they are not bound anew; the line inside
        the called function instead, where that was given one of them. Without `sums`, lines that only add to
        something are passed over."""
        names = set(names)
        for i in range(mark.at + 1, len(self.events)):
            one = self.events[i]
            if one.frame == mark.frame:
                held = names_at(one)
                if one.line != mark.line and names & held.read and (sums or not held.adds):
                    return Mark(one.file, one.line, tuple(sorted(names & held.read)), i, one.frame)
                names -= held.bound if not held.adds else set()
                if not names:
                    return None
            elif depth < 3 and (inner := self._given(i, mark.at)) is not None:
                found = self.reader(inner, self.fresh(inner), depth + 1, sums=sums)
                if found is not None:
                    return found
            if i > mark.at + 4000:
                break
        return None

    def _given(self, at: int, after: int) -> Mark | None:
        """The mark of a call's arguments at this event, if they are stained."""
        one = self.events[at]
        if not text_of(one.file, one.line).startswith(HEADS):
            return None
        return next((m for m in self.marks if m.at == at and m.at > after), None)

    def spread(self, planted: int) -> Mark | None:
        """The first line that is stained more often than was planted: where one step's reward begins to reach other
        steps. In one call of a function that takes no steps, else after the rollout (a sum of rewards is no target)."""
        steps = {i for i, e in enumerate(self.events) if STEP_CALL.search(text_of(e.file, e.line))}
        later = [m for m in self.marks if m.at not in steps]
        last_step = max((m.at for m in self.marks if m.at in steps), default=-1)
        following = sorted(i for i in steps if i > last_step)
        tail = [m for m in later if m.at > last_step]
        cut = self._rollout_end(following, tail)
        tail = [m for m in tail if m.at > cut]
        stepping = {self.events[i].frame for i in steps}
        found = self._window([m for m in later if m.frame not in stepping])
        if found is not None:
            return found
        called = [m for m in later if m.at > last_step and m.frame not in stepping]
        inside = Counter((m.file, m.line, m.frame) for m in called)
        times = {frame: self._times_before(frame) for frame in {m.frame for m in called}}
        found = next(
            (m for m in called if inside[(m.file, m.line, m.frame)] > min(planted, times[m.frame] or planted)), None
        )
        if found is not None:
            return found
        counts = Counter((m.file, m.line) for m in tail)
        return next((m for m in tail if counts[(m.file, m.line)] > planted), None)

    def _window(self, marks: list[Mark]) -> Mark | None:
        """The first line that is stained more than once in one call of a function that is called about once a step, in
        something else than a container: where a window of steps is summed up, which holds one planted step."""
        each = [m for m in marks if self.each_step(m) and self._is_number(m)]
        inside = Counter((m.file, m.line, m.frame) for m in each)
        return next((m for m in each if inside[(m.file, m.line, m.frame)] > 1), None)

    def _is_number(self, mark: Mark) -> bool:
        """Whether one of the stained variables is a number or an array (a container is written `list3:…`)."""
        values = self.events[mark.at].values
        return any(":" not in values[n] for n in mark.names if n in values)

    def each_step(self, mark: Mark) -> bool:
        """Whether the function of a mark is called about once a step: of a window of steps, which holds one planted."""
        if (mark.file, mark.line) not in self._calls:
            calls = {e.frame for e in self.events if (e.file, e.line) == (mark.file, mark.line)}
            self._calls[mark.file, mark.line] = len(calls)
        return 2 * self._calls[mark.file, mark.line] > self.steps

    def _times_before(self, frame: int) -> int:
        """Stained steps (of all environments at once, where they are stepped together) between the call of a function
        and the one before it; 0 where none is known."""
        start = next((i for i, e in enumerate(self.events) if e.frame == frame), 0)
        first = self.events[start]
        before = (
            i
            for i in range(start - 1, -1, -1)
            if (self.events[i].file, self.events[i].line) == (first.file, first.line)
        )
        since = next(before, -1)
        lines = Counter(
            (m.file, m.line) for m in self.marks if since < m.at < start and STEP_CALL.search(text_of(m.file, m.line))
        )
        return min(lines.values(), default=0)

    def cut(self, planted: int) -> Mark | None:
        """The line that should have stopped such a spread at an episode's end: where it spreads, or the condition or
        mask before it."""
        mark = self.spread(planted)
        if mark is None:
            return None
        line = source.guard_of(mark.file, mark.line, self.fresh(mark))
        return mark if line == mark.line else Mark(mark.file, line, mark.names, mark.at, mark.frame)

    def _rollout_end(self, steps: list[int], tail: list[Mark]) -> int:
        """The last of the steps that come in one run after the stained one (loops of less than 400 events)."""
        end = steps[0] if steps else -1
        for before, after in pairwise(steps):
            if after - before > 400:
                break
            end = after
        return end if any(m.at > end for m in tail) else -1


def _restless(a: list[Event], b: list[Event]) -> set[tuple[str, int, str]]:
    """(file, line, variable) of what differs without a dye."""
    found: set[tuple[str, int, str]] = set()
    for x, y in zip(a, b, strict=False):
        if (x.file, x.line) != (y.file, y.line):
            break
        found |= {(x.file, x.line, n) for n in {*x.values, *y.values} if x.values.get(n) != y.values.get(n)}
    return found


def text_at(event: Event) -> str:
    return text_of(event.file, event.line)


def names_at(event: Event) -> source.Names:
    """Names of an event's line; of a file that cannot be parsed, every word is read."""
    lines = source.names_of(event.file)
    if lines:
        return lines.get(event.line) or source.Names()
    return source.Names(read=set(re.findall(r"[A-Za-z_]\w*", text_of(event.file, event.line))))


def _falls(x: Event, y: Event, names: tuple[str, ...]) -> bool:
    """Whether a plain number fell although the reward rose."""
    for name in names:
        try:
            if float(y.values[name]) < float(x.values[name]):
                return True
        except (KeyError, ValueError):
            continue
    return False


def _events(path: Path) -> list[Event]:
    held = json.loads(path.read_text("utf-8"))
    files: list[str] = held["files"]
    found: list[Event] = []
    for file, line, name, digest, frame in held["rows"]:
        if not name:
            found.append(Event(files[file], line, frame))
        elif found:
            found[-1].values[name] = digest
    return found


def text_of(file: str, line: int) -> str:
    """A line of source, stripped."""
    return linecache.getline(file, line).strip()
