"""Rule D501: all episodes end after the same number of steps, before any time limit."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lifesigns.model import Evidence, Finding, Severity
from lifesigns.rules import Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import Array, constant, finite

FEWEST_EPISODES = 50
"""episodes; catalogue D16."""
CUT_OFF_SHARE = 0.5
"""share of truncated episodes from which the length is put down to a limit; assumed."""


class EpisodeLengthConstant(Rule):
    """All episodes end after the same number of steps, and no time limit explains it.

    What it detects
    ---------------
    At least 50 episodes of one and the same length, ended by the environment itself below its time limit;
    in the worst case after a single step.

    Why it matters
    --------------
    Something other than the task ends the episodes: a termination flag that is always set, a counter, an
    error that is swallowed, a state that is not reset. The agent cannot change how long it lives, so it
    cannot learn to.

    How it decides
    --------------
    All lengths are equal, most episodes are terminated rather than truncated, and the length is below the
    registered limit. Or every episode of the later half, at least 50, ends after a single step, however it
    ends. A warning if a limit is known or the length is 1; a note if the environment has no registered
    limit, as it may then be its own fixed horizon.

    When it is wrong
    ----------------
    Bandits and one-turn tasks have episodes of length 1. Environments with a fixed horizon that say
    `terminated` at its end. A deterministic environment in which a run begins with a policy that is already
    optimal.

    What to do
    ----------
    Step the environment by hand and print `terminated` and `truncated` with the state that caused them. If
    the length is a horizon, report it as `truncated`, through `TimeLimit`.

    References
    ----------
    Jones, Debugging RL, without the agonizing pain (2021); Gymnasium's documentation of `terminated` and
    `truncated`.
    """

    code = "D501"
    since = "0.1"
    families = "any RL"
    per = "env"
    reads = {"env.episode_length": FEWEST_EPISODES}
    may_read = {"env.episode_truncated": 1}
    causes = {
        "environment-ends-episodes-wrongly": Likelihood(
            0.50, source="judgement: of its faults some leave lengths free"
        ),
        "time-limit-treated-as-terminal": Likelihood(0.03, source="a horizon reported as `terminated`"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.02, source="judgement: fixed horizons and bandits")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        one = view["env.episode_length"]
        count = len(one) if constant(one.y) else _single_steps(one.y)
        if count < FEWEST_EPISODES:
            return
        length, limit = float(one.y[-1]), view.subject.info.get("max_episode_steps")
        cut = view.get("env.episode_truncated")
        ends = finite(cut.y[-count:]) if cut is not None else np.zeros(0)
        cut_off = float(ends.mean()) if len(ends) else 0.0
        if (cut_off >= CUT_OFF_SHARE and length > 1) or (limit is not None and length >= limit):
            return
        severity: Severity = "warning" if limit is not None or length <= 1 else "note"
        below = f"its limit is {limit}" if limit is not None else "it has no registered limit"
        yield self.finding(
            view,
            f"{'all' if count == len(one) else 'the last'} {count} recorded episodes of "
            f"`{view.subject.name}` end after {length:.0f} step"
            f"{'' if length == 1 else 's'}, {1 - cut_off:.0%} of them by termination; {below}",
            severity,
            [
                Evidence(
                    one.name,
                    view.subject.id,
                    length,
                    None if limit is None else float(limit),
                    "steps",
                    one.clock,
                    float(one.x[-1]),
                )
            ],
        )

    def fires_on(self) -> Iterable[Case]:
        """One step, also from some episode on, ten steps below a limit, a fixed horizon without one."""
        ended = {"env.episode_truncated": np.zeros(60)}
        yield case("one step", {"env.episode_length": np.ones(60), **ended})
        lengths = [*[20.0] * 10, *[1.0] * 60]
        yield case("counter never reset", {"env.episode_length": lengths, "env.episode_truncated": np.ones(70)})
        yield case("ten steps", {"env.episode_length": np.full(60, 10.0), **ended}, info={"max_episode_steps": 500})
        yield case(
            "own horizon",
            {"env.episode_length": np.full(60, 128.0), **ended},
            info={"max_episode_steps": None},
        )

    def quiet_on(self) -> Iterable[Case]:
        """The time limit, a limit that is not registered but truncates, and lengths that vary."""
        yield case("solved CartPole", {"env.episode_length": np.full(60, 500.0)}, info={"max_episode_steps": 500})
        yield case("own truncation", {"env.episode_length": np.full(60, 200.0), "env.episode_truncated": np.ones(60)})
        yield case("varied", {"env.episode_length": [9.0, *[10.0] * 59]}, info={"max_episode_steps": 500})


def _single_steps(lengths: Array) -> int:
    """How many episodes at the end have one step only; 0 unless they are half of all."""
    longer = np.flatnonzero(lengths != 1)
    count = len(lengths) - (int(longer[-1]) + 1 if len(longer) else 0)
    return count if 2 * count >= len(lengths) else 0
