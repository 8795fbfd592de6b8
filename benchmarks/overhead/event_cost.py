"""What each tap costs where it stands: in a real script, each tapped call is made with or without us, by lot.

`python event_cost.py OUT.json SCRIPT ARGS…` runs the script in this process under the recorder, and at each call of a
tapped function draws whether ours (three times in four) or the original answers. The difference of the two means,
times the calls, and what the recorder says its samples and flushes cost, over the seconds of the run, is the computed
overhead. The slowest 2 % of either are left out: interruptions, and samples, which are counted apart. A difference
within one run is free of what makes whole runs differ; it holds what a call costs when the caches hold the learner's
code, and leaves out what our code drives out of them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import random
import runpy
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[2] / "src" / "lifesigns"
WITH_US, KEPT = 0.75, 0.98
"""Share of calls that ours answers (our thinning goes by the calls that it sees, so that rarer ones would each cost
more), and of the times that enter the mean."""
WANTED = ("step", "backward", "zero_grad", "clip_grad_norm_")
Hooks = Sequence[tuple[dict[int, Any], dict[int, Any]]]
Times = dict[str, tuple[list[float], list[float]]]


def start_recorder() -> Any:
    """Begins recording in this process, as the injected `sitecustomize` does."""
    spec = importlib.util.spec_from_file_location(
        "_lifesigns", PACKAGE / "__init__.py", submodule_search_locations=[str(PACKAGE)]
    )
    assert spec is not None
    assert spec.loader is not None
    sys.modules["_lifesigns"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    start = importlib.import_module("_lifesigns.record.start")
    start.start(tempfile.mkdtemp())
    return sys.modules["_lifesigns.record.taps"]


class Lot:
    """Draws for each call; a call inside another is part of that, as if ours were there in both."""

    def __init__(self) -> None:
        self.draw = random.Random(0).random
        self.times: Times = {}
        self.inside = False

    def between(
        self, name: str, ours: Callable[..., Any], original: Callable[..., Any], hooks: Hooks = ()
    ) -> Callable[..., Any]:
        """A function that is `ours` or, as the lot falls, the original, for which the `hooks` are emptied."""
        times = self.times.setdefault(name, ([], []))

        def call(*args: Any, **kwargs: Any) -> Any:
            if self.inside:
                return ours(*args, **kwargs)
            with_us = self.draw() < WITH_US
            self.inside = True
            for live, kept in hooks:
                live.clear()
                if with_us:
                    live.update(kept)
            started = time.perf_counter()
            try:
                return (ours if with_us else original)(*args, **kwargs)
            finally:
                times[with_us].append(time.perf_counter() - started)
                self.inside = False
                for live, kept in hooks:
                    live.update(kept)

        return call

    def replace_all(self, taps: Any) -> None:
        """Puts a lot in the place of each tap, also of those that come later."""
        place = taps.replace

        def replace(owner: Any, attribute: str, new: Any) -> None:
            place(owner, attribute, new)
            self._put(taps, len(taps._undo) - 1)

        for i in range(len(taps._undo)):
            self._put(taps, i)
        taps.replace = replace

    def _put(self, taps: Any, place: int) -> None:
        owner, attribute, ours, original, own = taps._undo[place]
        often = attribute in WANTED or getattr(owner, "__module__", "").startswith("torch.distributions")
        if often and vars(owner).get(attribute) is ours and callable(ours) and callable(original):
            lot = self.between(f"{getattr(owner, '__name__', owner)}.{attribute}", ours, original)
            setattr(owner, attribute, lot)
            taps._undo[place] = (owner, attribute, lot, original, own)

    def optimizer_hooks(self, torch: Any) -> None:
        """The same for the global hooks around a step."""
        module = sys.modules["torch.optim.optimizer"]
        hooks = [(d, dict(d)) for d in (module._global_optimizer_pre_hooks, module._global_optimizer_post_hooks)]
        for cls in (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD):
            step = cls.__dict__.get("step")
            if step is not None:
                cls.step = self.between("Optimizer.step", step, step, hooks)
                cls.step.hooked = True  # torch then leaves it as it is


def cost(times: Times) -> dict[str, dict[str, float]]:
    """For each tap: its calls, and the difference of the means in µs."""
    return {
        name: {
            "calls": len(without) + len(ours),
            "extra_us": 1e6 * (_mean(ours) - _mean(without)),
        }
        for name, (without, ours) in times.items()
        if len(without) > 20 and len(ours) > 20
    }


def _mean(times: list[float]) -> float:
    return statistics.fmean(sorted(times)[: int(KEPT * len(times))])


def main() -> None:
    """Runs the script and writes the costs."""
    out, script, *arguments = sys.argv[1:]
    taps = start_recorder()
    import gymnasium  # noqa: F401
    import torch
    import torch._dynamo

    torch.set_num_threads(1)
    lot = Lot()
    lot.replace_all(taps)
    lot.optimizer_hooks(torch)
    sys.argv = [script, *arguments]
    sys.path.insert(0, os.path.dirname(script))
    started, cpu = time.perf_counter(), time.process_time()
    runpy.run_path(script, run_name="__main__")
    wall_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    recorder = sys.modules["_lifesigns.record.recorder"]._recorder
    events = cost(lot.times)
    taps_s = sum(e["calls"] * e["extra_us"] * 1e-6 for e in events.values())
    sampled_s = recorder.budget.spent_s + recorder.flush_s
    result = {
        "computed": taps_s / cpu_s + sampled_s / wall_s,
        "taps": taps_s / cpu_s,
        "samples_and_flushes": sampled_s / wall_s,
        "wall_s": wall_s,
        "cpu_s": cpu_s,
        "events": events,
    }
    Path(out).write_text(json.dumps(result), "utf-8")


if __name__ == "__main__":
    main()
