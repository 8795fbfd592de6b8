"""Where a run's recent returns stand among what other methods get in the same environment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PlacedRung:
    """What another method got: mean return of whole episodes with its 95 % interval (NaN for one episode).

    `unfair` says what it had that a learner has not; `cpu_s` counts fitting and evaluation (0: not known).
    """

    method: str
    kind: str
    mean: float
    low: float
    high: float
    episodes: int
    cpu_s: float = 0.0
    unfair: str = ""


@dataclass(frozen=True)
class Placing:
    """`sentence` says where the run stands, or why that cannot be told (`standing` is then `cannot tell`).

    `below` names the cheapest method that is clearly better, `above` the best that is clearly beaten; `value` is the
    mean return of the run's last `episodes`. `missing` says which rungs there are not, and why.
    """

    sentence: str
    standing: str = "cannot tell"
    below: str = ""
    above: str = ""
    value: float | None = None
    episodes: int = 0
    rungs: tuple[PlacedRung, ...] = ()
    missing: tuple[str, ...] = ()
    source: str = ""
