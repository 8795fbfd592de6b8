"""Seeds that the program sets, and which global random streams it draws from."""

from __future__ import annotations

import sys
from typing import Any

from .. import callsite, taps
from ..recorder import Recorder, on_fork

MAX_EVENTS = 50
_count = 0


def install(module: Any, recorder: Recorder) -> None:
    """Taps the seeding functions of `random` or `numpy`."""
    if module.__name__ == "random":
        _tap(module, "seed", "random.seed", recorder)
        _watch_streams(recorder)
        on_fork(_watch_streams)
    else:
        _tap(module, "seed", "numpy.random.seed", recorder)
        _tap(module, "default_rng", "numpy.random.default_rng", recorder)


def tap_torch(torch: Any, recorder: Recorder) -> None:
    """Taps `torch.manual_seed`, under both of its names."""
    tapped = _tap(torch.random, "manual_seed", "torch.manual_seed", recorder)
    taps.replace(torch, "manual_seed", tapped)


def _tap(owner: Any, name: str, what: str, recorder: Recorder) -> Any:
    def on_seed(args: Any, kwargs: Any, result: Any) -> None:
        global _count
        frame = callsite.here(2)
        if _count >= MAX_EVENTS or callsite.kind_of(frame.f_code.co_filename) == callsite.OURS:
            return
        user = callsite.user_frame(frame)
        if user is None:
            return
        _count += 1
        given = args[0] if args else next(iter(kwargs.values()), None)
        recorder.event(
            "seed",
            "run",
            {"what": what, "seed": given if isinstance(given, (int, float, str)) else repr(given)[:80]},
            callsite.location(user),
        )

    return taps.observe(owner, name, on_seed)


def _watch_streams(recorder: Recorder) -> None:
    recorder.on_flush.append(_Streams(recorder).look)


class _Streams:
    """Whether each global stream has moved since the first look; reading a state does not change it."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._first: dict[str, Any] = {}
        self._used: set[str] = set()

    def look(self) -> None:
        for name, state in self._states():
            if name not in self._first:
                self._first[name] = state
            elif name not in self._used and state != self._first[name]:
                self._used.add(name)
                self._recorder.event("rng_used", "run", {"stream": name})

    def _states(self) -> list[tuple[str, Any]]:
        wanted = [n for n in ("random", "numpy", "torch") if n not in self._used]
        found: list[tuple[str, Any]] = []
        if "random" in wanted and "random" in sys.modules:
            found.append(("random", hash(sys.modules["random"].getstate())))
        numpy = sys.modules.get("numpy")
        if "numpy" in wanted and "numpy.random" in sys.modules and numpy is not None:
            state = numpy.random.get_state()
            found.append(("numpy", (hash(state[1].tobytes()), state[2])))
        torch = sys.modules.get("torch")
        if "torch" in wanted and torch is not None and hasattr(torch, "get_rng_state"):
            found.append(("torch", hash(torch.get_rng_state().numpy().tobytes())))
        return found
