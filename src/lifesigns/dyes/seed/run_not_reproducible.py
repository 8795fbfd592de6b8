"""Rule Y701: two runs with the same seeds are not the same run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lifesigns.dyes.base import DyeRule, dye_case, known, rows, spot
from lifesigns.model import Finding
from lifesigns.rules import CannotTell, Case, Likelihood, View

SHOWN = 3


class RunNotReproducible(DyeRule):
    """Two runs of the script with every seed the same are not the same, or its seeds come from the clock.

    What it detects
    ---------------
    The script was run twice with all global random streams seeded alike, one thread, and the same hash seed. The two
    runs differ. Or they are the same only after seeds that the script draws from the clock or the system were replaced.

    Why it matters
    --------------
    A run that cannot be repeated cannot be debugged, and a difference between two settings cannot be told from noise.
    No dye can be read in such a run.

    How it decides
    --------------
    Every tensor operation, observation, action and gradient of the two runs is compared, bit for bit; the line is the
    first that differs. Seeds that differ between the two are listed with the line that set them: a warning, since they
    were replaced and the other dyes could be read.

    When it is wrong
    ----------------
    On a GPU, or with more threads, further sources of noise exist that are switched off here. A script that is meant to
    depend on the time of day, on the network or on other processes does.

    What to do
    ----------
    Look at the first line that differs: a clock, `os.urandom`, `hash()` or the order of a set, a thread or a process,
    an environment or action space that keeps a generator of its own. Seed it from the script's seed.

    References
    ----------
    PyTorch, reproducibility; Henderson et al., Deep reinforcement learning that matters (2018).
    """

    code = "Y701"
    since = "0.2"
    dye = "reproducible"
    causes = {"not-reproducible": Likelihood(0.95, source="the definition of the cause")}
    false_alarm = Likelihood(0.05, source="many scripts that learn cannot be repeated, judgement")

    def check(self, view: View) -> Iterable[Finding]:
        """A finding on the runs, and one on the seeds that were drawn from the clock or the system."""
        facts = self.facts(view)
        if not isinstance(facts.get("same"), bool):
            raise CannotTell("the two undyed runs were not compared")
        if not facts["same"]:
            alike = known(facts, "records")
            name = facts.get("first_operation")
            first = f"; the first operation that differs is `{name}`" if name else ""
            among = f" ({alike:.0f} records compared)" if alike is not None else ""
            message = f"two runs with the same seeds differ{first}{among}"
            yield self.found(view, message, "error", 0.0, 1.0, series="dye.same", unit="0/1")
        unseeded = known(facts, "entropy_touched")
        if unseeded and facts["same"]:
            places = ", ".join(f"line {s.line}" for one in rows(facts, "drawn_at") if (s := spot(one)))
            message = (
                f"with other random bits from the operating system the run differs ({unseeded:.0f} records): a "
                f"generator that it draws from was given no seed{f' (made at {places})' if places else ''}"
            )
            where = next((s for one in rows(facts, "drawn_at") if (s := spot(one))), None)
            seeded = bool(facts.get("gave_seeds"))
            yield self.found(
                view,
                message,
                "warning" if seeded else "note",
                unseeded,
                0.0,
                series="dye.entropy_touched",
                unit="records",
                location=where,
            )
        if known(facts, "hash_touched") and facts["same"]:
            message = "with another hash seed (the order of sets of strings) the run differs"
            yield self.found(view, message, "warning", 1.0, 0.0, series="dye.hash_touched", unit="0/1")
        drawn = rows(facts, "drawn_seeds")
        if drawn:
            message = (
                f"{len(drawn)} seed{'s are' if len(drawn) > 1 else ' is'} drawn from the clock or the system "
                f"({'; '.join(_drawn(one) for one in drawn[:SHOWN])}): replaced for this analysis"
            )
            where = next((s for one in drawn if (s := spot(one.get("at")))), None)
            yield self.found(
                view, message, "note", len(drawn), 0.0, series="dye.drawn_seeds", unit="seeds", location=where
            )

    def fires_on(self) -> Iterable[Case]:
        """Runs that differ, seeds of the clock, and both."""
        at = {"file": "train.py", "line": 12}
        drawn = {"drawn_seeds": [{"what": "torch.manual_seed", "at": at, "seeds": [1700000001, 1700000002]}]}
        differ = {"same": False, "records": 4000, "first_operation": "__add__", "drawn_seeds": [], "unseeded": 0}
        yield dye_case("differ", self.dye, differ)
        yield dye_case("clock", self.dye, {"same": True, "records": 4000, "unseeded": 0, **drawn})
        free = {"entropy_touched": 900, "drawn_at": [at], "gave_seeds": 3, "drawn_seeds": []}
        yield dye_case("a generator without a seed that matters", self.dye, {"same": True, "records": 4000, **free})
        yield dye_case("hash", self.dye, {"same": True, "records": 4000, "hash_touched": 12})
        yield dye_case("both", self.dye, {**differ, **drawn, "first_operation": ""})

    def quiet_on(self) -> Iterable[Case]:
        """The same: with all seeds given, with a generator made without one, and after few records."""
        same = {"same": True, "records": 4000, "drawn_seeds": [], "unseeded": 0}
        yield dye_case("same", self.dye, same)
        yield dye_case("a generator without a seed", self.dye, {**same, "unseeded": 2})
        yield dye_case("few records", self.dye, {**same, "records": 12})


def _drawn(one: Mapping[str, Any]) -> str:
    seeds = one.get("seeds")
    pair = f" {' and '.join(str(s) for s in seeds)}" if isinstance(seeds, list | tuple) and len(seeds) == 2 else ""
    return f"`{one.get('what', 'a seed')}`{pair}"
