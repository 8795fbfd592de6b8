"""The line at which a stain begins, ends or spreads, from synthetic logs of lines."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from lifesigns.paired import hunts, kept
from lifesigns.paired.locate import LinePath, Mark

SCRIPT = dedent("""\
    obs, reward, done = env.step(action)
    started = clock()
    store(reward, started)
    def store(value, when):
        scaled = value * 0
        rows.append(scaled)
    total = rows[0]
    loss = total + 1
    print("done")
""")


class Log:
    """Events of one run: `at` begins one, with the variables that it gives new values."""

    def __init__(self, script: Path) -> None:
        self.files, self.rows = [str(script)], []

    def at(self, line: int, frame: int = 1, **values: object) -> Log:
        self.rows.append([0, line, "", "", frame])
        self.rows += [[0, line, name, str(value), frame] for name, value in values.items()]
        return self

    def write(self, path: Path) -> Path:
        path.write_text(json.dumps({"files": self.files, "rows": self.rows}), "utf-8")
        return path


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT, "utf-8")
    return path


def compared(script: Path, base: Log, dyed: Log, again: Log | None = None) -> LinePath:
    names = {"base": base, "dyed": dyed, "again": again or base}
    return LinePath(*(log.write(script.parent / f"{name}.json") for name, log in names.items()))


def run(script: Path, reward: float, clock: int = 0) -> Log:
    """A reward that is handed to `store` and multiplied by 0 there."""
    log = Log(script).at(1, reward=reward).at(2, started=clock).at(4, 2, value=reward, when=clock)
    return log.at(5, 2, scaled=0.0).at(6, 2).at(3).at(7, total=0.0).at(8, loss=1.0)


def line(mark: Mark | None) -> int:
    assert mark is not None
    return mark.line


def test_a_stain_begins_ends_and_is_stored_inside_the_function_that_took_it(script: Path) -> None:
    path = compared(script, run(script, 1.0), run(script, 2.0))
    assert [(m.line, m.names) for m in path.marks] == [(1, ("reward",)), (4, ("value",))]
    assert line(path.first()) == 1
    assert line(path.first(after_step=True)) == 4
    assert line(path.end()) == 5, "the line that reads the last stained variable and passes nothing on"
    assert line(hunts.stored(path)) == 5, "the step's reward is taken up inside the called function"
    assert path.negative is None


def test_equal_runs_have_no_marks(script: Path) -> None:
    path = compared(script, run(script, 1.0), run(script, 1.0))
    assert (path.marks, path.first(), path.end(), hunts.stored(path), path.spread(1)) == ([], None, None, None, None)


def test_variables_that_differ_without_a_dye_are_left_out(script: Path) -> None:
    path = compared(script, run(script, 1.0, 100), run(script, 2.0, 200), run(script, 1.0, 300))
    assert [(m.line, m.names) for m in path.marks] == [(1, ("reward",)), (4, ("value",))]
    restless = compared(script, run(script, 1.0, 100), run(script, 2.0, 200))
    assert [m.line for m in restless.marks] == [1, 2, 4]


def test_runs_are_compared_until_they_take_other_lines(script: Path) -> None:
    base = Log(script).at(1, reward=1).at(7, total=1).at(8, loss=1)
    dyed = Log(script).at(1, reward=2).at(9, total=2).at(8, loss=2)
    assert [m.line for m in compared(script, base, dyed).marks] == [1]


def test_the_line_at_which_a_number_falls(script: Path) -> None:
    base = Log(script).at(1, reward=1).at(5, scaled="abc(2,)").at(7, total=-1)
    dyed = Log(script).at(1, reward=2).at(5, scaled="def(2,)").at(7, total=-2)
    assert line(compared(script, base, dyed).negative) == 7


def test_the_end_is_the_reader_in_the_same_call(script: Path) -> None:
    """A line of another call that has the same word in it is not the reader."""
    base = Log(script).at(7, total=1).at(8, 2).at(9).at(8)
    dyed = Log(script).at(7, total=2).at(8, 2).at(9).at(8)
    end = compared(script, base, dyed).end()
    assert end is not None
    assert (end.line, end.frame, end.at) == (8, 1, 3)
    unread = compared(script, Log(script).at(7, total=1).at(9), Log(script).at(7, total=2).at(9))
    assert line(unread.end()) == 7


@pytest.mark.parametrize(("planted", "stained", "expected"), [(1, 1, None), (1, 3, 7), (3, 3, None)])
def test_where_one_steps_reward_reaches_more_steps_than_were_planted(
    script: Path, planted: int, stained: int, expected: int | None
) -> None:
    def rollout(by: int) -> Log:
        log = Log(script).at(1, reward=1 + by).at(9).at(1, reward=1).at(9)
        for k in range(4):
            log.at(7, total=10 * k + by * (k < stained))
        return log

    found = compared(script, rollout(0), rollout(1)).spread(planted)
    assert (found.line if found else None) == expected


def test_a_name_that_is_bound_anew_is_not_read_any_more(tmp_path: Path) -> None:
    """`reward` is given a tensor and nothing reads it before the next step gives another reward."""
    path = tmp_path / "slip.py"
    path.write_text("obs, reward = env.step(action)\nreward = tensor(reward)\nprint(obs)\n", "utf-8")

    def log(by: int) -> Log:
        return Log(path).at(1, reward=1 + by).at(2, reward=f"t{by}").at(3).at(1, reward=1).at(2, reward="t").at(3)

    found = compared(path, log(0), log(1))
    assert line(found.unread()) == 2
    assert line(found.lost()) == 2


def test_what_survives_a_reset_is_named_where_it_is_first_mentioned_after_it(tmp_path: Path) -> None:
    path = tmp_path / "memory.py"
    path.write_text("a, h = net(o, h)\no = env.step(a)\no = env.reset()\nkeep = h[0]\nh = (h[0] * 0, h[1])\n", "utf-8")

    def log(by: int) -> Log:
        found = Log(path).at(1, h=0).at(2, o=0)
        for k in range(3):
            found.at(1, h=k * by).at(2, o=k + by)
        return found.at(3, o=9).at(4).at(5, h=5 * by).at(1, h=6 * by).at(2, o=8)

    found = compared(path, log(0), log(1))
    assert line(kept.survives(found, 3)) == 4
    assert line(kept.survives(found, 30)) == 2, "where the steps are not known, the first stained line"


def test_what_a_reset_keeps_is_named_where_it_keeps_it(tmp_path: Path) -> None:
    path = tmp_path / "change.py"
    path.write_text(
        dedent("""\
        class Change(Wrapper):
            def reset(self):
                obs = self.env.reset()
                self.last = getattr(self, "last", obs)
                return obs
            def step(self, action):
                obs = self.env.step(action)
                change = obs - self.last
                self.last = obs
                return change
        """),
        "utf-8",
    )

    def log(by: int) -> Log:
        found, last = Log(path), 0
        for k in range(3):
            found.at(6, k, **{"self.last": last}).at(7, k, obs=k + by).at(8, k, change=k + by - last)
            last = k + by
            found.at(9, k, **{"self.last": last}).at(10, k)
        found.at(2, 5, **{"self.last": last}).at(3, 5, obs=7).at(4, 5).at(5, 5)
        return found.at(6, 6, **{"self.last": last}).at(7, 6, obs=8).at(8, 6, change=8 - last).at(9, 6).at(10, 6)

    assert line(kept.survives(compared(path, log(0), log(1)), 3)) == 4


def test_the_line_that_should_have_cut_a_spread(tmp_path: Path) -> None:
    path = tmp_path / "gae.py"
    path.write_text("def gae(ended):\n  for t in ts:\n    if ended[t]:\n      g = 0\n    g = d[t] + g\n", "utf-8")

    def log(by: int) -> Log:
        found = Log(path).at(1, 2)
        for k in range(4):
            found.at(2, 2).at(3, 2).at(5, 2, g=k + by)
        return found

    assert line(compared(path, log(0), log(1)).cut(1)) == 3


SUMS = dedent("""\
    while True:
        state2, r, done = env.step(action)
        memory.push(state, total)
        memory.push(state, r)
        total += r
        state = state2
        kept = state2
""")


def sums(script: Path, lines: tuple[int, ...], by: float, kept: bool = False) -> Log:
    """Two steps of a loop, `lines` run after each; the first step's reward and observation moved by `by`."""
    script.write_text(SUMS, "utf-8")
    log, total = Log(script).at(1), 0.0
    for step in range(2):
        r = 1.0 + (0.0 if step else by)
        log.at(2, state2=by + step, r=r)
        for line_number in lines:
            values = {5: {"total": total + r}, 6: {"state": by + step}, 7: {"kept": by + step}}
            log.at(line_number, **values.get(line_number, {}))
        total += r
    return log


@pytest.mark.parametrize(
    ("lines", "expected"), [((3, 5), 3), ((5, 4), 4), ((4, 5), 4)], ids=["sum stored", "sum for show", "reward stored"]
)
def test_a_running_sum_is_passed_over(script: Path, lines: tuple[int, ...], expected: int) -> None:
    assert line(hunts.stored(compared(script, sums(script, lines, 0.0), sums(script, lines, 1.0)))) == expected


def test_an_observation_that_is_never_acted_on(script: Path) -> None:
    """The line that gives it a name that nothing reads; without one, the last line that reads what the step gave."""
    for lines, expected in (((4, 7), 7), ((4, 5), 5)):
        found = compared(script, sums(script, lines, 0.0), sums(script, lines, 1.0)).ignored()
        assert line(found) == expected
