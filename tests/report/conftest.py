"""A run with hostile text, values that are not finite, and every kind of verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pytest

from lifesigns.diagnose import explain
from lifesigns.model import Diagnosis, Evidence, Finding, Location, Subject, Trace, Verdict
from lifesigns.model.series import series
from lifesigns.rules import Case, Likelihood, Rule, View

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
ESCAPE = "\x1b[31mred\x07"
NAN, INF = float("nan"), float("inf")
COLUMNS = tuple(f"layer{i}.weight" for i in range(20))


@dataclass(frozen=True)
class Told:
    """A diagnosis with its trace and rules."""

    diagnosis: Diagnosis
    trace: Trace
    rules: tuple[Rule, ...]


class Fake(Rule):
    """A rule for tests.

    What it detects
    ---------------
    Nothing; but `this` is **bold**, and <b>this</b> is not HTML.

    Why it matters
    --------------
    It does not.

    How it decides
    --------------
    It is told.

    When it is wrong
    ----------------
    Always.

    What to do
    ----------
    Nothing.

    References
    ----------
    None.
    """

    since, per, subject_folder = "0.1", "run", "gradient"
    reads = {"loss.value": 1}
    false_alarm = Likelihood(0.01)

    def __init__(self, code: str, name: str, causes: dict[str, float]) -> None:
        self.code, self._name = code, name  # type: ignore[misc]
        self.causes = {c: Likelihood(p) for c, p in causes.items()}  # type: ignore[misc]

    @property
    def name(self) -> str:
        return self._name

    def check(self, view: View) -> Iterable[Finding]:
        return ()

    def fires_on(self) -> Iterable[Case]:
        return ()

    def quiet_on(self) -> Iterable[Case]:
        return ()


RULES = (
    Fake("D901", "loss-not-finite", {"numerical-overflow": 0.9}),
    Fake("D902", "one-layer-stands-still", {"parameters-not-trained": 0.6}),
    Fake("D903", "always-clear", {"luck": 0.01}),
    Fake("D904", "always-blind", {"luck": 0.01}),
    Fake("D905", "always-crashed", {"luck": 0.01}),
    Fake("D906", "blind-as-well", {"luck": 0.01}),
)


def _verdicts(at: Location) -> tuple[Verdict, ...]:
    first = Finding(
        "D901",
        "loss-not-finite",
        f"loss is not finite {HOSTILE} {ESCAPE}",
        "error",
        "loss/0",
        (Evidence("loss.value", "loss/0", NAN, INF, clock="backward", step=100.0),),
        at,
        exact=True,
    )
    second = Finding(
        "D902",
        "one-layer-stands-still",
        "1 of 20 parameters: `layer19.weight` has a gradient of 0 in each of 3000 samples",
        "warning",
        "optimizer/0",
        (Evidence("optimizer.gradient_norm", "optimizer/0", 0.0, 1e-8, "", "update", 50.0, "layer19.weight"),),
    )
    return (
        Verdict("D901", "loss-not-finite", "fired", (first,), checked=1),
        Verdict("D902", "one-layer-stands-still", "fired", (second,), checked=1),
        Verdict("D903", "always-clear", "clear", checked=2),
        Verdict(
            "D904",
            "always-blind",
            "blind",
            reason="`policy.entropy` was not recorded",
            missing=("policy.entropy",),
        ),
        Verdict("D905", "always-crashed", "crashed", reason="Traceback ...\nZeroDivisionError: by zero"),
        Verdict(
            "D906",
            "blind-as-well",
            "blind",
            reason="`policy.entropy` was not recorded",
            missing=("policy.entropy",),
        ),
    )


@pytest.fixture(scope="session")
def told() -> Told:
    """The diagnosis of a run that was killed."""
    rng = np.random.default_rng(0)
    losses = rng.random(5000)
    losses[100:110], losses[200] = NAN, INF
    losses[3333], losses[4444] = 50.0, -50.0
    norms = rng.random((3000, 20)) + 0.1
    norms[:, 19] = 0.0
    at = Location("/home/me/train.py", 12, f"    loss.backward()  # {HOSTILE}")
    subjects = {
        "run": Subject("run", "run", "run"),
        "loss/0": Subject("loss/0", "loss", "loss", at),
        "env/0": Subject("env/0", "env", HOSTILE, at, {"role": "train"}),
        "optimizer/0": Subject("optimizer/0", "optimizer", "optimizer", at),
    }
    found = (
        series("loss.value", "backward", losses, subject="loss/0"),
        series("optimizer.gradient_norm", "update", norms, subject="optimizer/0", columns=COLUMNS),
        series("env.episode_return", "env_step", 20 + rng.normal(0, 3, 100), subject="env/0"),
        series("baseline.random_return", "episode", np.arange(0.0, 41.0), subject="env/0"),
    )
    meta = {
        "script": "train.py",
        "argv": ["--x", HOSTILE],
        "ended": "killed",
        "wall_s": 12.5,
        "exception": ESCAPE,
        "versions": {"torch": "2.9"},
        "last": NAN,
    }
    health = {"failures": {"torch": 2}, "own_share": 0.021, "unread_bytes": 9}
    trace = Trace(meta, subjects, found, (), health)
    return Told(explain(trace, RULES, _verdicts(at), "20250101-120000-train"), trace, RULES)


@pytest.fixture
def quiet() -> Told:
    """A diagnosis in which nothing fired."""
    trace = Trace({"ended": "finished", "wall_s": 1.0})
    verdicts = (Verdict("D903", "always-clear", "clear", checked=1), *_verdicts(Location("t.py", 1))[3:4])
    return Told(explain(trace, RULES, verdicts, "quiet"), trace, RULES)
