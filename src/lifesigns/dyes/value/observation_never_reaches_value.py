"""Rule Y201: a network puts out the same in updates whatever was observed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lifesigns.dyes.base import DyeRule, dye_case, known, named
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View

FEWEST_CALLS = 2
"""calls in updates; assumed."""


class ObservationNeverReachesValue(DyeRule):
    """Every observation was changed, and a network that is called in updates put out nothing else.

    What it detects
    ---------------
    All observations of the training environments were replaced. The outputs of one of the networks that updates call, a
    value function say, are the undyed run's, bit for bit.

    Why it matters
    --------------
    A value function that does not see the state learns one number, the mean return: no baseline, and no target that
    tells states apart.

    How it decides
    --------------
    Two runs, bit for bit the same but for the observations. A network called at least twice in updates, none of whose
    outputs differs.

    When it is wrong
    ----------------
    Networks that do not depend on the observation on purpose: a learned temperature, a prior, an embedding of the task.
    Inputs that a clip flattens to the same numbers.

    What to do
    ----------
    Print what the network is given in two updates. Look for a batch filled with one observation, a buffer column
    that is never written, a slice of the wrong axis, an encoder whose output is not used.

    References
    ----------
    Sutton and Barto, Reinforcement Learning (2018), section 3.5.
    """

    code = "Y201"
    since = "0.2"
    dye = "observation"
    causes = {
        "observation-ignored-in-updates": Likelihood(0.95, source="the definition of the cause"),
        "observation-ignored": Likelihood(0.6, source="what acting is not given is often not stored either, judgement"),
    }
    false_alarm = Likelihood(0.004, source="networks that take no observation, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """One finding for each network that does not answer."""
        calls = _calls(named(self.facts(view), "by_network"))
        judged = {network: (n, hit) for network, (n, hit) in calls.items() if n >= FEWEST_CALLS}
        if not judged:
            raise CannotTell(f"no network was called {FEWEST_CALLS} times in updates that both runs reached")
        for network, (n, hit) in judged.items():
            if not hit:
                message = f"with every observation changed, none of {n} calls of `{network}` in updates changed"
                yield self.found(view, message, "error", 0.0, None, series="dye.learning_touched", unit="calls")

    def fires_on(self) -> Iterable[Case]:
        """One of two networks, and the only one."""
        seen = {"acting_calls": 9, "acting_touched": 9, "learning_calls": 16, "learning_touched": 8}
        yield dye_case("value", self.dye, {**seen, "by_network": {"Value#1": [8, 0], "Policy#0": [8, 8]}})
        yield dye_case("only one", self.dye, {"by_network": {"Net#0": [2, 0]}})

    def quiet_on(self) -> Iterable[Case]:
        """All answer, one call answers, and one that was called once."""
        yield dye_case("all", self.dye, {"by_network": {"Value#1": [8, 8], "Policy#0": [8, 8]}})
        yield dye_case("one call", self.dye, {"by_network": {"Value#1": [8, 1]}})
        yield dye_case("called once", self.dye, {"by_network": {"Value#1": [1, 0], "Policy#0": [8, 8]}})


def _calls(by_network: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Network → (calls, calls that answered), of the entries that hold two numbers."""
    found: dict[str, tuple[int, int]] = {}
    for network, pair in by_network.items():
        if isinstance(pair, list | tuple) and len(pair) == 2:
            calls, hit = (known({"": one}, "") for one in pair)
            if calls is not None and hit is not None:
                found[str(network)] = (int(calls), int(hit))
    return found
