"""Rule D505: episodes end and the script logs numbers, but no return."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from lifesigns.detectors.levels import training_returns
from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case

_RETURN = re.compile(r"ret(urn)?s?\b|_return|return_|rew(ard)?s?(\b|_)|score|epret")
"""names that may be a return of episodes."""


class EpisodesEndButNoneIsLogged(Rule):
    """Episodes end and the script logs numbers, but none of them is a return.

    What it detects
    ---------------
    The script uses a logger throughout the run, episodes end, and nothing under a name for returns is logged.

    Why it matters
    --------------
    The return is what tells whether it learns. Its absence often means that the code that should log it never
    runs: an `info` key that was renamed, an autoreset that moved it.

    How it decides
    --------------
    At least 10 finished training episodes and at least 3 logged names with 5 values or more, and no logged
    name that is known as a return of episodes. A note; the dashboards that the script fills lack the one
    curve that counts.

    When it is wrong
    ----------------
    Scripts that log under a name of their own: assign it with `--role return=NAME`.

    What to do
    ----------
    Print `info` at the end of an episode and read off where the return is in this version of the library.

    References
    ----------
    Gymnasium's migration guides for 0.26, 0.29 and 1.0, on `final_info` and `RecordEpisodeStatistics`.
    """

    code = "D505"
    since = "0.2"
    families = "any RL"
    reads = {}
    may_read = {"log.*": 1}
    across = {"env.episode_return": 10}
    needs_events = ()
    causes = {
        "environment-ends-episodes-wrongly": Likelihood(0.03, source="judgement"),
        "returns-never-logged": Likelihood(0.95, source="the definition of the cause"),
        "any fault": Likelihood(0.02, source="judgement"),
    }
    false_alarm = Likelihood(0.0102, "measured", "0 of 48 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        returns = training_returns(view)
        logged = list(view.matching("log."))
        names = [s.name.removeprefix("log.") for s in logged]
        if returns is None or sum(len(s) >= 5 for s in logged) < 3:
            raise CannotTell("fewer than 10 training episodes, or fewer than three names logged")
        if any(_RETURN.search(name.lower()) for name in names):
            return
        yield self.finding(
            view,
            f"{len(returns)} episodes ended and {len(names)} names were logged (`{sorted(names)[0]}`, …), none of "
            "them a return",
            "note",
            [
                Evidence(
                    returns.name,
                    returns.subject,
                    float(len(returns)),
                    None,
                    "episodes",
                    returns.clock,
                    float(returns.x[-1]),
                )
            ],
        )

    def fires_on(self) -> Iterable[Case]:
        """Losses only, and throughput only."""
        returns = {"env.episode_return": np.arange(40.0)}
        yield case(
            "losses only",
            {
                **returns,
                "log.losses/td_loss": np.ones(9),
                "log.losses/q_values": np.ones(9),
                "log.charts/SPS": np.ones(9),
            },
        )
        yield case(
            "throughput",
            {**returns, "log.time/fps": np.ones(9), "log.time/iterations": np.ones(9), "log.train/loss": np.ones(9)},
        )

    def quiet_on(self) -> Iterable[Case]:
        """CleanRL's name, SB3's, and RLlib's."""
        rest = {"env.episode_return": np.arange(40.0), "log.losses/td_loss": np.ones(9), "log.charts/SPS": np.ones(9)}
        yield case("CleanRL", {**rest, "log.charts/episodic_return": np.ones(9)})
        yield case("SB3", {**rest, "log.rollout/ep_rew_mean": np.ones(9)})
        yield case("RLlib", {**rest, "log.env_runners/episode_return_mean": np.ones(9)})
