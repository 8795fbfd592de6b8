"""Policies that are torch distributions: entropy of Categorical, standard deviation of Normal, one call in
sixteen."""

from __future__ import annotations

import math
import sys
from time import perf_counter
from typing import Any

from .. import callsite, taps
from ..budget import GROWTH
from ..recorder import Recorder, on_fork
from . import seeding, torch_networks

FIRST, EVERY = 8, 16
"""Calls of each kind that are looked at before it is one in so many."""
MAX_ROWS, MAX_DIMS = 256, 64


class Policies:
    """Distribution sites by the user's line."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.calls = self.sure_at = 0
        self.sites: dict[tuple[Any, int, str], str] = {}

    def due(self) -> bool:
        """Whether this call is sampled."""
        due = self.recorder.budget.admit("policies", overdue=self.calls >= self.sure_at)
        if due:
            self.sure_at = int(self.calls * GROWTH) + 1
        return due

    def leave_out(self) -> int:
        """How many calls are left out after this one: none after the first few."""
        self.calls += 1
        return 0 if self.calls < FIRST else EVERY - 1

    def site(self, frame: Any, distribution: str, width: int) -> str:
        """The subject of a line that builds distributions of this kind and width."""
        near = callsite.outside(frame, "/torch/")
        while near is not None and near.f_code.co_name == "__init__":
            near = near.f_back
        if near is None:
            raise LookupError("no caller outside torch")
        key = (near.f_code, width, distribution)
        found = self.sites.get(key)
        if found is None:
            at, names = callsite.maker(near, "/torch/", distribution)
            name = names[0] if names else distribution.lower()
            found = self.sites[key] = self.recorder.subject(
                "policy",
                name,
                at,
                {
                    "distribution": distribution,
                    "actions": width,
                    "matches_action_space": self._matches(width, distribution),
                },
            )
        return found

    def _matches(self, width: int, distribution: str) -> bool:
        for env in self.recorder.subjects("env"):
            space = self.recorder.info(env).get("action_space", {})
            if distribution == "Categorical" and space.get("type") == "Discrete" and space.get("n") == width:
                return True
            if distribution == "Normal" and space.get("type") == "Box" and math.prod(space.get("shape", ())) == width:
                return True
        return False


policies: Policies


def install(torch: Any, recorder: Recorder) -> None:
    """Taps the two constructors; called when torch has been imported."""
    _reset(recorder)
    on_fork(_reset)
    taps.observe_some(torch.distributions.Categorical, "__init__", _on_categorical)
    taps.observe_some(torch.distributions.Normal, "__init__", _on_normal)
    seeding.tap_torch(torch, recorder)


def _reset(recorder: Recorder) -> None:
    global policies
    policies = Policies(recorder)


def _rows(tensor: Any, width: int) -> Any:
    """At most `MAX_ROWS` rows [n, width] as a tensor where it lies; None for an empty one."""
    rows = tensor.detach().reshape(-1, width)
    return rows[:: rows.shape[0] // MAX_ROWS + 1] if rows.shape[0] else None


def _entropy(rows: Any, is_logits: bool) -> Any:
    """Mean entropy in nats of rows of log-probabilities or probabilities; 0·log 0 is 0. A 0-dimensional tensor."""
    torch = sys.modules["torch"]
    p = (rows.exp() if is_logits else rows).double()
    return torch.special.entr(p).sum(dim=1).mean()


def _on_categorical(args: Any, kwargs: Any, result: Any) -> int:
    if policies.due():
        _sample_categorical(args)
    return policies.leave_out()


def _sample_categorical(args: Any) -> None:
    started = perf_counter()
    held = args[0].__dict__
    given = held.get("logits", held.get("probs"))
    if not torch_networks.readable(given) or given.dim() == 0 or given.shape[-1] < 2:
        return
    width = given.shape[-1]
    values = _rows(given, width)
    if values is None:
        return
    recorder, at = policies.recorder, policies.recorder.env_step
    with sys.modules["torch"].no_grad():
        entropy = _entropy(values, "logits" in held)
    subject = policies.site(callsite.here(3), "Categorical", width)
    recorder.deferred.put([entropy], recorder.series("policy.entropy", subject), at)
    recorder.deferred.put([entropy / math.log(width)], recorder.series("policy.relative_entropy", subject), at)
    recorder.budget.charge("policies", perf_counter() - started)


def _on_normal(args: Any, kwargs: Any, result: Any) -> int:
    if policies.due():
        _sample_normal(args)
    return policies.leave_out()


def _sample_normal(args: Any) -> None:
    started = perf_counter()
    scale = args[0].scale
    if not torch_networks.readable(scale) or scale.dim() == 0 or not 0 < scale.shape[-1] <= MAX_DIMS:
        return
    width = scale.shape[-1]
    values = _rows(scale, width)
    if values is None:
        return
    recorder = policies.recorder
    subject = policies.site(callsite.here(3), "Normal", width)
    column = recorder.series("policy.std", subject, [f"a{i}" for i in range(width)])
    recorder.deferred.put(list(values.double().mean(dim=0).unbind()), column, recorder.env_step)
    recorder.budget.charge("policies", perf_counter() - started)
