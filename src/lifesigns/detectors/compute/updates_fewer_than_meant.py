"""Rule D807: fewer updates are made for each environment step than the settings read like."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import finite

LESS = 0.5
"""updates made over updates that the numbers read like; assumed (catalogue D48: off by 10 %)."""
FEWEST_UPDATES = 50
"""updates; assumed."""


class UpdatesFewerThanMeant(Rule):
    """Fewer updates are made for each environment step than the settings read like, with parallel environments.

    What it detects
    ---------------
    A replay method with n parallel environments that makes one round of gradient steps for each step of all of
    them: n times fewer for each transition than with one environment.

    Why it matters
    --------------
    `train_freq=1, gradient_steps=1` with 8 environments is one update for 8 transitions. The run is faster and learns
    eight times less from each transition; results are not those of the paper's settings.

    How it decides
    --------------
    The algorithm tells its train frequency, gradient steps and number of environments. Steps of the busiest optimiser
    over environment steps since the first update are compared with gradient steps over train frequency (at most 1):
    less than half of it over at least 50 updates is a note.

    When it is wrong
    ----------------
    Where this is what was meant, to gain speed.

    What to do
    ----------
    Set `gradient_steps=-1` (as many as transitions were collected), or raise it by the number of environments.

    References
    ----------
    Stable-Baselines3's documentation of `gradient_steps` with several environments.
    """

    code = "D807"
    since = "0.2"
    status = "preview"
    families = "DQN, SAC, TD3, DDPG, TQC, QR-DQN of Stable-Baselines3"
    reads = {"run.env_steps": 2, "run.updates": 2}
    across = {"optimizer.learning_rate": 1}
    needs_events = ("settings",)
    causes = {
        "too-little-training": Likelihood(0.05, source="judgement"),
        "learning-rate-too-low": Likelihood(0.02, source="judgement"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.02, source="judgement: it may be meant")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        meant = next((m for e in view.events("settings") if (m := _meant(e.data)) is not None), None)
        if meant is None:
            raise CannotTell("the algorithm did not tell how often it updates")
        steps, updates = view["run.env_steps"], finite(view["run.updates"].y)
        busiest = max(
            (float(one.x[-1] - one.x[0]) + 1 for _, one in view.across("optimizer.learning_rate")), default=0.0
        )
        total = float(updates[-1]) if len(updates) else 0.0
        if total < FEWEST_UPDATES or busiest < 1:
            raise CannotTell(f"fewer than {FEWEST_UPDATES} updates")
        begun = np.flatnonzero(view["run.updates"].y > 0)
        since = finite(steps.y)[-1] - finite(steps.y[: max(int(begun[0]), 1)])[-1] if len(begun) else 0.0
        ratio, envs = meant
        if envs < 2 or since <= 0:
            return
        made = min(total, busiest) / float(since)
        if made >= LESS * ratio:
            return
        yield self.finding(
            view,
            f"{made:.2g} updates for each environment step, where the settings read like {ratio:.2g}: with {envs:.0f} "
            "environments the train frequency counts steps of all of them together",
            "note",
            [Evidence(steps.name, "run", made, ratio, "updates a step", steps.clock, float(steps.x[-1]))],
        )

    def fires_on(self) -> Iterable[Case]:
        """Eight environments, and four with a longer interval."""
        yield _run("eight", 8, 1, 1, 8000, 1000)
        yield _run("four", 4, 4, 1, 16_000, 1000)

    def quiet_on(self) -> Iterable[Case]:
        """One environment, as many as transitions, made up for."""
        yield _run("one", 1, 1, 1, 2000, 2000)
        yield _run("as many", 8, 1, -1, 8000, 8000)
        yield _run("made up for", 4, 1, 4, 8000, 8000)


def _meant(data: Any) -> tuple[float, float] | None:
    """(gradient steps over train frequency, at most 1; environments) of an algorithm that counts in steps, or None."""
    names = ("gradient_steps", "train_every", "num_envs")
    every = [data.get(n) for n in names]
    if data.get("train_unit") != "step" or not all(type(v) in (int, float) and v == v for v in every):
        return None
    gradient_steps, train_every, envs = (float(v) for v in every)
    if train_every < 1 or envs < 1 or gradient_steps == 0:
        return None
    return (1.0 if gradient_steps < 0 else min(gradient_steps / train_every, 1.0)), envs


def _run(name: str, envs: int, every: int, gradient: int, steps: float, updates: float) -> Case:
    values = {
        "run.env_steps": np.linspace(0, steps, 20),
        "run.updates": np.r_[0.0, np.linspace(updates / 19, updates, 19)],
        "optimizer.learning_rate": (np.linspace(1, updates, 20), np.full(20, 1e-3)),
    }
    data = {"gradient_steps": gradient, "train_every": every, "train_unit": "step", "num_envs": envs}
    return case(name, values, events=(("settings", data),))
