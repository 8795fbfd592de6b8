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


WRAPPED = dedent("""\
    class Layer(Wrapper):
        def step(self, action):
            obs, reward, ended, infos = self.env.step(action)
            return obs, reward, ended, infos
    obs, reward, ended, infos = envs.step(action)
    if "final_observation" in infos:
        final_obs = infos["final_observation"]
    buffer.append(reward)
    last.terminal_obs = obs
""")


def wrapped(folder: Path, **values: str) -> Log:
    """A step of two environments, each in a layer of the script's own, the first with these values."""
    log = Log(folder)
    log.script.write_text(WRAPPED, "utf-8")
    for number, held in ((2, values), (3, {})):
        log.at(2, number, action="0").at(3, number, **held).at(4, number)
    return log.at(5, **values).at(6).at(8).at(5, reward="1.0", infos="{}")


def test_what_a_step_gave_is_taken_up_by_the_script_and_not_by_a_layer(tmp_path: Path) -> None:
    path = compared(wrapped(tmp_path, reward="1.0"), wrapped(tmp_path, reward="2.0"))
    assert line(hunts.stored(path)) == 8


def test_last_observations_that_are_asked_for_by_a_key_that_is_not_there(tmp_path: Path) -> None:
    base, dyed = wrapped(tmp_path, infos="{a}"), wrapped(tmp_path, infos="{b}")
    assert line(hunts.asked(compared(base, dyed))) == 6
    base.rows, dyed.rows = base.rows[:-3], dyed.rows[:-3]
    found = compared(base.at(7, final_obs="1"), dyed.at(7, final_obs="2"))
    assert hunts.asked(found) is None, "they were there, and got lost later"


def test_first_observations_that_are_given_a_name_of_last_ones(tmp_path: Path) -> None:
    base, dyed = wrapped(tmp_path, obs="1").at(8, buffer="1"), wrapped(tmp_path, obs="2").at(8, buffer="2")
    assert line(hunts.taken(compared(base, dyed))) == 8
    found = compared(base.at(9, **{"last.terminal_obs": "1"}), dyed.at(9, **{"last.terminal_obs": "2"}))
    assert line(hunts.taken(found)) == 9
