"""What the source of a line says: names read and bound, guards of episode ends, settings handed on crosswise."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from lifesigns.paired.source import crossed, guard_of, names_of, never_run, own_reward, shared_container

KINDS = {"gamma": "gamma", "discount": "gamma", "lam": "lambda", "gae_lambda": "lambda"}


def written(folder: Path, text: str) -> str:
    path = folder / "train.py"
    path.write_text(dedent(text), "utf-8")
    return str(path)


def test_an_item_that_is_stored_into_is_neither_read_nor_bound(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """\
        obs, reward = env.step(action)
        self.rewards[t] = reward
        total += reward
        """,
    )
    names = names_of(file)
    assert names[1].bound == {"obs", "reward"}
    assert names[1].read == {"env", ".step", "action"}
    assert (names[2].read, names[2].bound) == ({"t", "reward"}, set())
    assert names[3].adds
    assert names[3].read == {"reward"}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ("shaped_reward = 0.1 if not done else -1.0", 4),
        ("shaped_reward = reward - 0.1 * abs(action)", 0),
        ("shaped_reward = 0.0", 0),
        ("shaped_reward = done", 0),
        ("mean_reward = total / count", 0),
    ],
)
def test_a_reward_of_the_scripts_own(tmp_path: Path, made: str, expected: int) -> None:
    text = f"""\
        while not done:
            next_state, reward, terminated, truncated, _ = env.step(action)
            done = terminated or truncated
            {made}
            total += reward
            agent.remember(state, action, shaped_reward, next_state, done)
        """
    assert own_reward(written(tmp_path, text), 2) == expected


def test_a_file_that_is_no_python_has_no_names(tmp_path: Path) -> None:
    assert names_of(written(tmp_path, "def (:")) == {}
    assert names_of(str(tmp_path / "absent.py")) == {}


@pytest.mark.parametrize(
    ("body", "line", "expected"),
    [
        ("if ended[t]:\n    gae = 0.0\nboot = 0.0 if terminated[t] else v[t]\ngae = r[t] + boot + gae", 5, 2),
        ("keep = 1.0 - dones[t + 1]\ngae = r[t] + keep * gae", 3, 2),
        ("gae = r[t] + (1.0 - dones[t]) * gae", 2, 2),
        ("delta = r[t]\ngae = delta + gae", 3, 3),
        ("delta = r[t] + v[t] * (1.0 - terminated[t])\ngae = delta + 0.9 * gae", 3, 3),
    ],
)
def test_the_guard_of_a_sum(tmp_path: Path, body: str, line: int, expected: int) -> None:
    text = "def advantages(r, v, ended, terminated, dones):\n" + "\n".join("    " + row for row in body.split("\n"))
    assert guard_of(written(tmp_path, text), line, {"gae"}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("lam, gamma = args.gamma, args.gae_lambda", 1),
        ("def gae(rewards, gamma, lam):\n    pass\ngae(rewards,\n    args.gae_lambda, args.gamma)", 4),
        ("def gae(rewards, gamma, lam):\n    pass\ngae(rewards, lam=args.gae_lambda, gamma=0.9)", 3),
        ("class Buffer:\n    def __init__(self, gamma):\n        self.gamma = gamma\nBuffer(args.lam)", 4),
        ("gamma, lam = args.gamma, args.gae_lambda", None),
        ("def gae(gamma=0.9, lam=0.9):\n    pass\ngae(args.gamma, args.gae_lambda)", None),
    ],
)
def test_where_a_setting_is_given_anothers_value(tmp_path: Path, text: str, expected: int | None) -> None:
    found = crossed([written(tmp_path, text)], KINDS, "gamma", 0.9)
    assert (found[1] if found else None) == expected


def test_a_branch_on_an_end_that_never_values_anything(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """\
        def play(env):
            last = 0.0 if terminated or truncated else critic(obs).item()
        def fit():
            loss = critic(batch)
        """,
    )
    assert never_run(file, {"critic"}, {4}, {2, 4}) == 2
    assert never_run(file, {"critic"}, {2, 4}, {2, 4}) == 0, "it ran"
    assert never_run(file, {"critic"}, {4}, {4}) == 0, "its function was never called"
    assert never_run(file, {"actor"}, {4}, {2, 4}) == 0


def test_a_list_that_holds_one_container_several_times(tmp_path: Path) -> None:
    file = written(tmp_path, "zeros = [0.0] * n\nrows = [list(x) for x in zeros]\nwindows = [deque(maxlen=3)] * n\n")
    assert shared_container([file]) == (file, 3)


def test_numbers_and_lists_of_their_own_are_not_shared(tmp_path: Path) -> None:
    assert shared_container([written(tmp_path, "a = [0] * 3\nb = [deque() for _ in a]\n")]) is None
