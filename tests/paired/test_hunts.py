"""Hunts that follow no stain: the line that made a number, that calls an end a termination, that empties a window."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

from lifesigns.paired import hunts
from lifesigns.paired.locate import LinePath, Mark
from lifesigns.paired.source import emptying_branch

SCRIPT = dedent("""\
    def fold(window, gamma):
        for reward in window:
            total += gamma * reward
    def store(last, terminated):
        factor = gamma
        keep(last, factor, fold(window, gamma))
    def train():
        obs, reward, terminated, truncated = env.step(action)
        ended = terminated or truncated
        store(obs, terminated)
        if ended:
            env.reset()
        if ended:
            window.popleft()
            store(obs, ended)
""")


class Log:
    """Events of one run: `at` begins one, with the texts of the variables that it gives new values."""

    def __init__(self, folder: Path) -> None:
        self.script = folder / "train.py"
        self.script.write_text(SCRIPT, "utf-8")
        self.rows: list[list[object]] = []

    def at(self, line: int, frame: int = 1, **values: str) -> Log:
        self.rows.append([0, line, "", "", frame])
        self.rows += [[0, line, name, text, frame] for name, text in values.items()]
        return self

    def write(self, name: str) -> Path:
        path = self.script.parent / f"{name}.json"
        path.write_text(json.dumps({"files": [str(self.script)], "rows": self.rows}), "utf-8")
        return path


def compared(base: Log, dyed: Log) -> LinePath:
    return LinePath(base.write("base"), dyed.write("dyed"), base.write("again"))


def line(mark: Mark | None) -> int:
    return 0 if mark is None else mark.line


def stepped(log: Log, *, factor: str, terminated: str = "False", last: str = "False", frame: int = 2) -> Log:
    """A step that was truncated, its transition stored twice."""
    log.at(8, terminated=terminated, truncated="True").at(9, ended="True")
    log.at(4, frame, terminated=terminated).at(5, frame, factor=factor).at(1, frame + 1, gamma="0.98")
    log.at(3, frame + 1, total="2.9404").at(6, frame).at(10)
    return log.at(14).at(4, frame + 2, terminated=last).at(5, frame + 2, factor=factor).at(6, frame + 2).at(15)


def test_a_number_is_made_where_a_name_has_it_most_of_the_times(tmp_path: Path) -> None:
    log = Log(tmp_path).at(7, gamma="0.98")
    for k in range(3):
        stepped(log, factor="0.98" if k else "0.0", frame=2 + 4 * k)
    path = compared(log, log)
    assert line(hunts.number(path, [0.98], ["gamma"])) == 5
    assert line(hunts.number(path, [0.9799999595], ["gamma"])) == 5, "float32 of it"
    assert line(hunts.number(path, [0.9604], ["gamma"])) == 0


def test_a_setting_under_its_own_name_is_not_where_a_number_is_made(tmp_path: Path) -> None:
    log = Log(tmp_path).at(7, gamma="0.98").at(1, 2, gamma="0.98").at(3, 2).at(6)
    assert hunts.number(compared(log, log), [0.98], ["gamma"]) is None


def test_an_argument_is_made_by_the_line_that_calls(tmp_path: Path) -> None:
    log = Log(tmp_path).at(4, 2, last="np.float64(0.98)").at(5, 2).at(10)
    assert line(hunts.number(compared(log, log), [0.98], [])) == 10


def test_the_line_that_calls_truncated_ends_terminations(tmp_path: Path) -> None:
    base, dyed = Log(tmp_path), Log(tmp_path)
    for k in range(3):
        stepped(base, factor="0.98", last="True", frame=2 + 4 * k)
        stepped(dyed, factor="0.98", terminated="True", last="True", frame=2 + 4 * k)
        base.at(8, truncated="False")
        dyed.at(8, truncated="False", terminated="False")  # falls back: a mark, and no end
    assert line(hunts.flagged(compared(base, dyed))) == 15, "handed on merged by the second call"


def test_ends_that_keep_their_kind_are_called_nothing_else(tmp_path: Path) -> None:
    base, dyed = Log(tmp_path), Log(tmp_path)
    for k in range(3):
        stepped(base, factor="0.98", frame=2 + 4 * k)
        stepped(dyed, factor="0.98", terminated="True", last="True", frame=2 + 4 * k)
    assert hunts.flagged(compared(base, dyed)) is None


def test_a_window_is_emptied_in_the_branch_of_a_caller(tmp_path: Path) -> None:
    log = Log(tmp_path)
    for k in range(3):
        stepped(log, factor="0.98", frame=2 + 4 * k)
    path = compared(log, log)
    inside = next(i for i, e in enumerate(path.events) if e.line == 3)
    mark = Mark(str(log.script), 3, ("total",), inside, path.events[inside].frame)
    assert line(hunts.emptied(path, mark)) == 14
    assert emptying_branch(str(log.script), 10) == 14
    assert emptying_branch(str(log.script), 3) == 0
