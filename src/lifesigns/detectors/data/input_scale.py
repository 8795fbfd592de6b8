"""Rule D601: the inputs of a network are far from unit scale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import hypot

import numpy as np

from lifesigns.model import Evidence, Finding, Severity
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case
from lifesigns.stats.samples import columns, median, total_std

LARGE_TYPICAL = 10.0
"""root mean square of the median component, from which it is a warning; catalogue D08 (after Schulman)."""
SATURATING = 8.7
"""times √d: root mean square of one of d components, from which it is a warning. With PyTorch's default
initialisation, weights uniform in ±1/√d, such a component alone gives pre-activations of standard deviation
5, where a tanh is flat; arithmetic."""
SMALL_ALL = 0.01
"""root mean square of the largest component, below which it is a warning; assumed (MountainCar's velocity has
0.02 beside a position of 0.5, CartPole's angle 0.07)."""
MOSTLY_CONSTANT = 0.5
"""share of components that never vary, from which it is a note; assumed (at the border of MNIST about
0.15)."""


@dataclass(frozen=True)
class _Component:
    name: str
    mean: float
    std: float

    @property
    def rms(self) -> float:
        return hypot(self.mean, self.std)


class InputScale(Rule):
    """The inputs of a network are far from unit scale.

    What it detects
    ---------------
    Input components whose size is far above or below 1, and inputs that never vary, at the first layer with
    parameters.

    Why it matters
    --------------
    Default initialisations and learning rates are made for inputs of mean 0 and standard deviation 1. One
    component in the thousands drowns the others; inputs of a thousandth leave outputs that hardly depend on
    them.

    How it decides
    --------------
    Mean and standard deviation of each component over all samples. A warning where the median component's
    root mean square is above 10, one component's alone would saturate a first layer (above 8.7 √d with d
    components, by PyTorch's default initialisation), the largest one's is below 0.01, or no
    component ever varies; a note where half of the components never vary.

    When it is wrong
    ----------------
    Networks that begin with a normalising layer do not mind (what reaches the first layer with parameters
    is measured, so a division by 255 in `forward` counts). One-hot codes and images in 0…1 are below the
    lines. A bandit's dummy observation never varies.

    What to do
    ----------
    Normalise with running statistics (`NormalizeObservation`, `VecNormalize`), divide images by 255, and
    freeze the statistics for evaluation. Remove components that never vary, or find out why they do not.

    References
    ----------
    Schulman, The nuts and bolts of deep RL research (2016); LeCun et al., Efficient backprop (1998),
    section 4.3.
    """

    code = "D601"
    since = "0.1"
    families = "any"
    per = "network"
    reads = {"network.input_mean": 5, "network.input_std": 5}
    causes = {
        "observation-scale": Likelihood(0.90, source="the definition of the cause"),
        "any fault": Likelihood(0.03, source="judgement"),
    }
    false_alarm = Likelihood(
        0.01, source="judgement: networks that normalise inside; 0 of 40 correct runs (benchmarks/detection)"
    )

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        found = _components(view)
        if not found:
            raise CannotTell("no finite input component")
        told = _judge(found)
        if told is None:
            return
        text, severity, part, limit = told
        one = view["network.input_std"]
        yield self.finding(
            view,
            f"inputs of `{view.subject.name}`: {text}",
            severity,
            [Evidence(one.name, view.subject.id, part.rms, limit, "", one.clock, float(one.x[-1]), part.name)],
        )

    def fires_on(self) -> Iterable[Case]:
        """One huge component, all large, all tiny, all constant, and a raw image."""
        yield case("one huge", _inputs([0.0, 5000.0], [1.0, 300.0]))
        yield case("all large", _inputs([40.0, 60.0, 0.0], [20.0, 20.0, 50.0]))
        yield case("all tiny", _inputs([0.0, 1e-4], [1e-4, 1e-3]))
        yield case("never varies", _inputs([1.0, 1.0], [0.0, 0.0]))
        yield case("raw image", _inputs([120.0] * 3, [60.0] * 3))

    def quiet_on(self) -> Iterable[Case]:
        """Healthy observations as they are, one-hot codes and images in 0…1."""
        yield case("CartPole", _inputs([0.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.07, 0.6]))
        yield case("MountainCar", _inputs([-0.5, 0.0], [0.1, 0.012]))
        yield case("Pendulum", _inputs([0.2, 0.0, 0.0], [0.7, 0.7, 3.0]))
        yield case("one-hot", _inputs([1 / 16] * 16, [0.24] * 16))
        yield case("image in 0…1", _inputs([0.0, *[0.13] * 9], [0.0, *[0.3] * 9]))


def _components(view: View) -> list[_Component]:
    stds = dict(columns(view["network.input_std"]))
    every = [
        _Component(name, median(y), total_std(y, stds[name]))
        for name, y in columns(view["network.input_mean"])
        if name in stds
    ]
    return [c for c in every if np.isfinite(c.mean) and np.isfinite(c.std)]


def _judge(found: list[_Component]) -> tuple[str, Severity, _Component, float] | None:
    ordered = sorted(found, key=lambda c: c.rms)
    largest, typical = ordered[-1], ordered[len(ordered) // 2]
    still = [c for c in found if c.std == 0]
    if len(still) == len(found):
        return f"none of the {len(found)} components ever varies", "warning", largest, 0.0
    saturating = SATURATING * len(found) ** 0.5
    if largest.rms > saturating:
        return (
            _told(largest, "the largest component", f"above {saturating:.3g}"),
            "warning",
            largest,
            saturating,
        )
    if typical.rms > LARGE_TYPICAL:
        return (
            _told(typical, "the median component", f"above {LARGE_TYPICAL:g}"),
            "warning",
            typical,
            LARGE_TYPICAL,
        )
    if largest.rms < SMALL_ALL:
        return _told(largest, "the largest component", f"below {SMALL_ALL:g}"), "warning", largest, SMALL_ALL
    if len(still) >= MOSTLY_CONSTANT * len(found):
        return f"{len(still)} of {len(found)} components never vary", "note", still[0], 0.0
    return None


def _told(part: _Component, which: str, line: str) -> str:
    name = f" (`{part.name}`)" if part.name else ""
    return f"{which}{name} has mean {part.mean:.3g} and standard deviation {part.std:.3g}; its size is {line}"


def _inputs(mean: list[float], std: list[float]) -> dict[str, np.ndarray]:
    return {"network.input_mean": np.tile(mean, (10, 1)), "network.input_std": np.tile(std, (10, 1))}
