"""Rule D504: parallel environments begin with the same observation although starts are random."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.detectors.levels import own_evidence
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case


class ParallelEnvironmentsStartAlike(Rule):
    """Several of the parallel environments begin with the same observation, although starts differ.

    What it detects
    ---------------
    At the first reset fewer different observations than environments were seen, and a later episode began
    with another observation than its environment's first one.

    Why it matters
    --------------
    Environments with one seed live through the same episodes: a batch of eight holds the experience of one,
    and looks eight times as certain.

    How it decides
    --------------
    The rows of the first reset of a vector environment are compared byte for byte. A warning where all are
    equal; a note where some are. Starts must be known to differ: in tasks with one fixed start all rows are
    equal rightly.

    When it is wrong
    ----------------
    Tasks with a small set of random starts, of which some coincide.

    What to do
    ----------
    Give each environment its own seed: `env.reset(seed=[seed + i for i in range(n)])`, or the library's own
    way, once.

    References
    ----------
    Gymnasium's documentation of vector environments and seeding.
    """

    code = "D504"
    since = "0.2"
    per = "env"
    families = "any RL with parallel environments"
    reads = {"env.episode_length": 2}
    needs_events = ("first_observations",)
    causes = {
        "environments-identical": Likelihood(0.95, source="the definition of the cause"),
        "any fault": Likelihood(0.003, source="judgement"),
    }
    false_alarm = Likelihood(0.0104, "measured", "0 of 47 healthy runs, benchmarks/atlas")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        told = [e.data for e in view.events("first_observations")]
        counts = [(d.get("rows"), d.get("distinct")) for d in told if d.get("starts_differ") is True]
        counts = [(r, d) for r, d in counts if isinstance(r, int) and isinstance(d, int) and 1 <= d <= r]
        if not counts:
            raise CannotTell(
                "it is not known whether starts differ (no second episode of a vector environment was seen)"
            )
        rows, distinct = counts[0]
        if distinct == rows:
            return
        yield self.finding(
            view,
            f"the {rows} environments of `{view.subject.name}` begin with {distinct} different observations, and "
            "a later episode begins with another",
            "warning" if distinct == 1 else "note",
            own_evidence(view, view["env.episode_length"], float(distinct), float(rows)),
        )

    def fires_on(self) -> Iterable[Case]:
        """One seed for all, and pairs."""
        lengths = {"env.episode_length": [20.0, 30.0]}
        yield case(
            "one seed",
            lengths,
            events=(("first_observations", {"subject": "env/0", "rows": 8, "distinct": 1, "starts_differ": True}),),
        )
        yield case(
            "pairs",
            lengths,
            events=(("first_observations", {"subject": "env/0", "rows": 8, "distinct": 4, "starts_differ": True}),),
        )

    def quiet_on(self) -> Iterable[Case]:
        """All different, of many sizes."""
        lengths = {"env.episode_length": [20.0, 30.0]}
        for rows in (2, 8, 16):
            yield case(
                f"{rows} of {rows}",
                lengths,
                events=(
                    ("first_observations", {"subject": "env/0", "rows": rows, "distinct": rows, "starts_differ": True}),
                ),
            )
