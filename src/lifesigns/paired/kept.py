"""Where what one episode left behind is kept at its end: from the lines of a pair of runs.

Flows in: a `LinePath` of runs that differ in the observations of one episode. Flows out: a mark, or None. Used by
`lines`; decides nothing.
"""

from __future__ import annotations

from lifesigns.paired.locate import HEADS, RESET_CALL, STEP_CALL, LinePath, Mark, names_at, text_at, text_of


def survives(path: LinePath, planted: int) -> Mark | None:
    """Where what one episode left behind is kept at its end: after the last of the `planted` stained steps and the
    next reset (if there is a line of it), the first line that names what is still stained there."""
    steps: dict[tuple[str, int], list[Mark]] = {}
    for mark in path.marks:
        if STEP_CALL.search(text_of(mark.file, mark.line)):
            steps.setdefault((mark.file, mark.line), []).append(mark)
    ends = [marks[planted - 1] for marks in steps.values() if len(marks) >= planted > 0]
    ends = ends or [m for marks in steps.values() if len(marks) == planted - 1 and (m := _step_after(path, marks[-1]))]
    if not ends:
        return path.first()
    end = min(ends, key=lambda m: m.at)
    after = range(end.at + 1, len(path.events))
    again = (i for i in after if (path.events[i].file, path.events[i].line) == (end.file, end.line))
    until = next(again, after.stop)
    start = next((i for i in after if i < until and RESET_CALL.search(text_at(path.events[i]))), end.at)
    resets = _around(path, start) if start != end.at else []
    last = resets[-1] if resets else start  # what a call inside began with may be given anew
    kept = next((m for m in path.marks if start < m.at < until and not (m.at < last and _is_head(m))), None)
    if kept is None:
        return path.first()
    inside = (_kept_by(path, i, kept) for i in resets if kept.at > last)
    if (found := next((m for m in inside if m is not None), None)) is not None:
        return found
    if text_of(kept.file, kept.line).startswith(HEADS):  # the line of the call, where that is beside the reset
        frame = path.events[start].frame
        call = next((i for i in range(kept.at + 1, until) if path.events[i].frame == frame), -1)
        if call >= 0 and start != end.at:
            return Mark(path.events[call].file, path.events[call].line, kept.names, call, frame)
    names = path.fresh(kept)
    for i in range(start + 1, kept.at):
        one = path.events[i]
        if one.frame == kept.frame and names & (names_at(one).read | names_at(one).bound):
            return Mark(one.file, one.line, kept.names, i, one.frame)
    return kept


def _around(path: LinePath, reset: int) -> list[int]:
    """The event of a reset, and those of the resets in whose calls it was made, from the inside out."""
    found = [reset]
    for i in range(reset + 1, len(path.events)):
        if path.events[i].frame < path.events[found[-1]].frame:
            if not RESET_CALL.search(text_at(path.events[i])):
                break
            found.append(i)
    return found


def _kept_by(path: LinePath, reset: int, kept: Mark) -> Mark | None:
    """The line of the function that calls a reset which names something that was stained when it was called and
    that `kept`, a later call, reads."""
    frame = path.events[reset].frame
    head = next((m for m in path.marks if m.frame == frame and m.at < reset), None)
    if head is None or kept.frame == frame or not text_of(head.file, head.line).startswith(HEADS):
        return None
    used = next((m for m in path.marks if m.frame == kept.frame and m.at >= kept.at and not _is_head(m)), kept)
    names = path.fresh(head) & names_at(path.events[used.at]).read
    mine = (i for i in range(head.at + 1, kept.at) if path.events[i].frame == frame)
    at = next((i for i in mine if names & (names_at(e := path.events[i]).read | names_at(e).bound)), -1)
    return Mark(path.events[at].file, path.events[at].line, kept.names, at, frame) if at >= 0 else None


def _step_after(path: LinePath, mark: Mark) -> Mark | None:
    """The next time that the line of a step is run: of a vector that resets by itself, the last observation of an
    episode is no longer among what the step gives."""
    here = (mark.file, mark.line)
    at = next(
        (i for i in range(mark.at + 1, len(path.events)) if (path.events[i].file, path.events[i].line) == here), -1
    )
    return Mark(*here, (), at, path.events[at].frame) if at >= 0 else None


def _is_head(mark: Mark) -> bool:
    return text_of(mark.file, mark.line).startswith(HEADS)
