"""Rule D324: a checkpoint held an optimiser's state that was never given to an optimiser."""

from __future__ import annotations

from collections.abc import Iterable

from lifesigns.model import Evidence, Finding
from lifesigns.rules import CannotTell, Case, Likelihood, Rule, View, case


class OptimizerStateNotRestored(Rule):
    """A checkpoint held an optimiser's state that was never given to an optimiser, and training went on.

    What it detects
    ---------------
    A file that was read with `torch.load` holds the state of an optimiser, no optimiser's `load_state_dict` was
    called, and optimiser steps were made.

    Why it matters
    --------------
    A resumed run whose moments start from 0 takes its first steps at full size: Adam's first step moves each
    parameter by the whole learning rate. The loss jumps at each resume, and long runs never get over it.

    How it decides
    --------------
    By what was read and what was called. A note: starting anew is right for fine-tuning.

    When it is wrong
    ----------------
    Fine-tuning, which wants the weights alone. Optimisers of a user's own that restore by other means.

    What to do
    ----------
    Call `optimizer.load_state_dict(checkpoint[...])`, and the scheduler's, when a run is resumed.

    References
    ----------
    PyTorch's documentation on saving and loading a general checkpoint.
    """

    code = "D324"
    since = "0.2"
    status = "preview"
    families = "any that resumes from a PyTorch checkpoint"
    reads = {"run.updates": 1}
    needs_events = ("checkpoint_read", "optimizer_restored")
    causes = {
        "learning-rate-too-high": Likelihood(0.02, source="judgement"),
        "any fault": Likelihood(0.01, source="judgement"),
    }
    false_alarm = Likelihood(0.01, source="judgement: fine-tuning")

    def check(self, view: View) -> Iterable[Finding]:
        """At most one finding."""
        read = list(view.events("checkpoint_read"))
        one = view["run.updates"]
        if not read or not one.y.max() > 0:
            raise CannotTell("no checkpoint was read with `torch.load`, or no step was made")
        held = [(e, keys) for e in read if isinstance(keys := e.data.get("optimizer_states"), list) and keys]
        if not held or any(True for _ in view.events("optimizer_restored")):
            return
        event, keys = held[0]
        named = f" under `{keys[0]}`" if keys[0] else ""
        yield self.finding(
            view,
            f"a checkpoint that was read holds an optimiser's state{named}; no optimiser was given it, and "
            f"{one.y.max():.0f} steps were made",
            "note",
            [Evidence(one.name, "run", float(one.y.max()), None, one.unit, one.clock, float(one.x[-1]))],
            location=event.location,
        )

    def fires_on(self) -> Iterable[Case]:
        """By its key, and a file that is the state alone."""
        for keys in (["optimizer"], [""]):
            yield case(
                f"under {keys}",
                {"run.updates": [0.0, 50.0]},
                events=(("checkpoint_read", {"optimizer_states": keys}),),
            )

    def quiet_on(self) -> Iterable[Case]:
        """Restored, weights alone, several files without."""
        steps = {"run.updates": [0.0, 50.0]}
        held = ("checkpoint_read", {"optimizer_states": ["optimizer"]})
        yield case("restored", steps, events=(held, ("optimizer_restored", {"class": "Adam"})))
        yield case("weights alone", steps, events=(("checkpoint_read", {"optimizer_states": []}),))
        yield case("several", steps, events=(("checkpoint_read", {"optimizer_states": []}),) * 3)
