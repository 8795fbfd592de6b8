"""What ten seeds of a reference learner cost in one process, against one seed: CPU seconds, measured in turn.

`training` is the training alone; `as shipped` has the evaluations in it, whose cost grows with every seed (NAF on
Pendulum for 4,000 steps as in MEASURED H1, which had 9 and 23 CPU seconds with an environment that is batched as well;
here each seed steps a Gymnasium environment of its own).
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from lifesigns.baselines.environment import open_world
from lifesigns.baselines.spaces import actions, features
from lifesigns.learners.settings import settings_of
from lifesigns.learners.training.begin import course_of, train

CASES = (
    ("dqn", "CartPole-v1", {"steps": 1_000}),
    ("naf", "Pendulum-v1", {"steps": 1_000}),
    ("sac", "Pendulum-v1", {"steps": 1_000}),
    ("ppo", "CartPole-v1", {"steps": 4_096, "epochs": 4}),
)
SEEDS = (1, 10)
ROUNDS = 1


def cost(learner: str, env: str, changed: dict, seeds: int, evaluated: bool) -> float:
    """CPU seconds of one training."""
    settings, first = settings_of(learner, changed), open_world(env, {}, [])
    kinds = actions(first.env.action_space), features(first.env.observation_space)
    course = course_of(lambda: open_world(env, {}, []), range(seeds), *kinds, settings)
    if not evaluated:
        course.look = lambda *_: None
        course.finish = lambda *_: None
    begun = time.process_time()
    train(course, settings)
    return time.process_time() - begun


def row(learner: str, env: str, changed: dict, rounds: int, evaluated: bool) -> dict:
    """The least cost of each number of seeds over the rounds, and their ratio."""
    least = dict.fromkeys(SEEDS, float("inf"))
    for _ in range(rounds):
        for seeds in SEEDS:
            least[seeds] = min(least[seeds], cost(learner, env, changed, seeds, evaluated))
    return {
        "learner": learner,
        "environment": env,
        "steps": changed["steps"],
        "what": "as shipped" if evaluated else "training",
        "one seed, CPU s": round(least[1], 2),
        "ten seeds, CPU s": round(least[10], 2),
        "ratio": round(least[10] / least[1], 2),
        "rounds": rounds,
    }


def rows(smoke: bool, only: str, earlier: list[dict]) -> list[dict]:
    """All rows, or those of one learner (the others' are kept as they were); a smoke run takes seconds."""
    made = list(_rows(smoke, only))
    return made if not only else [r for r in earlier if r["learner"] != only] + made


def _rows(smoke: bool, only: str) -> Iterator[dict]:
    cases = [c for c in CASES if only in ("", c[0])]
    for learner, env, _ in cases[:1]:
        cost(learner, env, {"steps": 600, "width": 8}, 1, False)  # torch's first use is not the learner's cost
    for learner, env, changed in cases:
        few = {"steps": 600, "width": 8} if learner != "ppo" else {"steps": 512, "rollout": 64}
        yield row(learner, env, few if smoke else changed, 1 if smoke else ROUNDS, False)
    if not smoke and only in ("", "naf"):
        yield row("naf", "Pendulum-v1", {"steps": 4_000}, 1, True)
