"""Keeps the recorder's own cost under a share of the run's time: a sample is admitted only if its predicted cost
fits.

The run's time is wall time, or the processor's where that is less: beside other programs a script gets a part of the
wall time, and samples that came by the clock would take more than their share of that part.
"""

from __future__ import annotations

import math
import os
from time import perf_counter, process_time

DENSE = os.environ.get("LIFESIGNS_DENSE") == "1"
"""Set by lifesigns' own tests: every sample is admitted, whatever it costs."""
CLOSELY = 2.0 if os.environ.get("LIFESIGNS_CLOSELY") == "1" else 1.0
"""Set by `lifesigns check`, which is asked for an answer soon and not for a whole run at full speed."""
SHARES = {
    k: CLOSELY * v for k, v in (("optimizer", 0.0015), ("layers", 0.001), ("bootstrap", 0.0008), ("policies", 0.0005))
}
"""Share of the run's time for each kind of sampled work; what a run pays with the taps that are always on is measured
in benchmarks/overhead. Shares are apart so that no kind starves another."""
FULL_S, LATER = math.inf if CLOSELY > 1 or DENSE else 10.0, 0.4
"""Seconds at the beginning of a run for which these shares hold, and the part of them that holds from then on: a long
run gives samples enough, and each also drives the learner's code out of the processor's caches, which nothing here can
measure (benchmarks/overhead). Where the answer is wanted soon the shares hold throughout."""
INITIAL_CREDIT_S = 0.01
MARGIN = 1.3
"""Predicted costs are charged 30 % above their moving average: measured, INSTRUMENTATION §2."""
FIRST_GUESS_S = 0.002
SETTLE_S = 0.2
"""Seconds of recording before its pace is measured, and between two measurements."""
SLOWEST = 0.2
"""The least pace that is reckoned with: on a crowded machine some samples are worth more than their share."""
ODD, FEW_S = 4.0, 0.02
"""A sample that took more than `ODD` times the usual was interrupted by other programs, and so was a later one that
took more than `FEW_S` as well, and a first one that took more than the credit at the beginning. The excess is not its
cost, and would leave nothing for later samples: on a busy machine 440 updates of a script had one (benchmarks/peers).
"""
SURE_S, GROWTH = (0.3, 1.1) if CLOSELY > 1 else (0.05, 1.25)
"""Until a kind has spent so many seconds in all, it has a sample whenever the count of its occasions has grown by this
factor since the last, whatever its credit: beside other programs 440 updates had samples of the first 23 only, and the
answer spoke of the rest too."""


class Budget:
    """Credit accrues with the run's time; `admit` spends it ahead, `charge` settles what a sample really cost."""

    def __init__(self) -> None:
        self.started, self._cpu = perf_counter(), process_time()
        self.pace = 1.0
        """Seconds of the run for one of the wall clock, 1 at most; measured again a few times a second."""
        self._measure_at = self.started + SETTLE_S
        self.taps_s = self.spent_s = 0.0
        self._spent = dict.fromkeys(SHARES, 0.0)
        self._expected: dict[str, float] = {}
        self._odd: dict[str, bool] = {}
        self._opens = {
            kind: self.started + (FIRST_GUESS_S * MARGIN - INITIAL_CREDIT_S) / SHARES[kind] for kind in SHARES
        }

    def detail(self) -> float:
        """The part of the full detail that holds now: 1, and less later in a long run."""
        return LATER if perf_counter() - self.started > FULL_S else 1.0

    def rate(self) -> float:
        """Of flushes and looks, as part of the full one: less later in a long run, and beside other programs, where an
        answer is not wanted soon."""
        return 1.0 if CLOSELY > 1 else self.detail() * self.pace

    def admit(self, kind: str, now: float = 0.0, *, overdue: bool = False) -> bool:
        """Whether a sample of this kind may be taken now (by the clock, if it is not given); one that is `overdue`, its
        occasions having grown by `GROWTH` since the last, also beyond the credit (`SURE_S`)."""
        return DENSE or (now or perf_counter()) >= self._opens[kind] or (overdue and self._spent[kind] < SURE_S)

    def left(self, kind: str) -> float:
        """Seconds of credit that this kind has now."""
        return INITIAL_CREDIT_S + SHARES[kind] * self.pace * _earned(perf_counter() - self.started) - self._spent[kind]

    def keep_pace(self) -> None:
        """Looks how much of the wall time this process got; the system call takes as long as a sample on some
        machines."""
        now = perf_counter()
        wall, self._measure_at = now - self.started, now + SETTLE_S
        self.pace = min(max((process_time() - self._cpu) / wall, SLOWEST), 1.0) if wall > SETTLE_S else 1.0

    def charge(self, kind: str, seconds: float) -> None:
        """Books what one sample cost, without what other programs took of the time."""
        usual = self._expected.get(kind)
        odd = usual is not None and seconds > ODD * usual
        if usual is None:
            seconds = min(seconds, INITIAL_CREDIT_S)
        elif odd:
            seconds = min(seconds, max(ODD * usual, FEW_S if self._odd.get(kind) else 0.0))
        self._odd[kind] = odd
        self._spent[kind] += seconds
        self.spent_s += seconds
        expected = self._expected[kind] = seconds if usual is None else 0.8 * usual + 0.2 * seconds
        if perf_counter() >= self._measure_at:
            self.keep_pace()
        needed = self._spent[kind] + expected * MARGIN - INITIAL_CREDIT_S
        self._opens[kind] = self.started + _until(needed / (SHARES[kind] * self.pace))

    def own_share(self) -> float:
        """Share of wall time that the recorder saw itself spend so far, in sampled work and taps."""
        return (self.spent_s + self.taps_s) / max(perf_counter() - self.started, 1e-9)


def _earned(seconds: float) -> float:
    """Seconds for which a kind's whole share has accrued after so many of the run."""
    return min(seconds, FULL_S) + LATER * max(seconds - FULL_S, 0.0)


def _until(earned: float) -> float:
    """The inverse: seconds of the run after which so many have accrued."""
    return min(earned, FULL_S) + max(earned - FULL_S, 0.0) / LATER
