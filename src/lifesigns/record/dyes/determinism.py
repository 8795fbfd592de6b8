"""Makes a run a function of its script: every seed fixed, one thread; seeds drawn from the clock are replayed.

Flows in: the session. Flows out: `session.seeds`, the seeds that the script gave, in order, with their lines.
"""

from __future__ import annotations

import operator
import random
from typing import Any

from .. import callsite, taps

START_SEED = 20_240_101
"""Given to every global stream before the script begins; an arbitrary number."""


class Seeds:
    """Seeds in the order in which the script sets them. A replayed run is given those of the first one."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.replay: list[Any] = session.request.get("seeds") or []
        self.shift: dict[str, int] = session.request.get("shift_seeds") or {}
        self.given: list[dict[str, Any]] = []
        self.drawn = 0

    def take(self, what: str, seed: Any, frame: Any) -> Any:
        """The seed to use instead of `seed`: the first run's if it differs, shifted where a dye asks for it."""
        at = callsite.location(callsite.user_frame(frame))
        number = len(self.given)
        whole = _whole(seed)
        replaced = False
        if number < len(self.replay) and self.replay[number]["what"] == what and self.replay[number]["seed"] != whole:
            whole, replaced = self.replay[number]["seed"], True
        self.given.append(
            {"what": what, "seed": whole, "at": at, "replaced": replaced, "update": self.session.log.update}
        )
        by = self.shift.get("env" if what == "env.reset" else "agent", 0)
        if by and whole is not None:
            return [s + by for s in whole] if isinstance(whole, list) else whole + by
        return whole if replaced else seed

    def entropy(self, bits: int) -> int:
        """Stands in for the operating system's entropy where a generator is made without a seed."""
        self.drawn += 1
        at = callsite.location(callsite.user_frame(callsite.here(1)))
        places = self.session.notes.setdefault("drawn_at", [])
        if at is not None and at not in places and len(places) < 20:
            places.append(at)
        by = self.shift.get("entropy", 0)
        return random.Random(START_SEED + self.drawn + by).getrandbits(bits)


def _whole(seed: Any) -> Any:
    """A seed as an int or a list of them; None for anything else."""
    if isinstance(seed, list | tuple):
        return [int(s) for s in seed] if seed and all(isinstance(s, int) for s in seed) else None
    return operator.index(seed) if hasattr(seed, "__index__") else None


def install(session: Any) -> Seeds:
    """Fixes Python's stream now, the others when their library is there."""
    seeds = Seeds(session)
    random.seed(START_SEED + seeds.shift.get("entropy", 0))
    _replace(random, "seed", "random.seed", seeds)
    session.when("numpy.random", lambda module: _numpy(module, seeds))
    session.when("torch", lambda torch: _torch(torch, seeds))
    return seeds


def _numpy(module: Any, seeds: Seeds) -> None:
    module.seed(START_SEED + seeds.shift.get("entropy", 0))
    module.bit_generator.randbits = seeds.entropy
    _replace(module, "seed", "numpy.random.seed", seeds)


def _torch(torch: Any, seeds: Seeds) -> None:
    torch.set_num_threads(1)
    torch.manual_seed(START_SEED)
    original = torch.manual_seed
    _replace(torch.random, "manual_seed", "torch.manual_seed", seeds)
    taps.replace(torch, "manual_seed", torch.random.manual_seed)

    def seed() -> int:
        drawn = seeds.entropy(63)
        original(drawn)
        return drawn

    for owner in (torch, torch.random):
        taps.replace(owner, "seed", seed)


def _replace(owner: Any, name: str, what: str, seeds: Seeds) -> None:
    original = getattr(owner, name)

    def seeded(*args: Any, **kwargs: Any) -> Any:
        frame = callsite.here(1)
        if callsite.user_frame(frame) is None:
            return original(*args, **kwargs)
        given = args[0] if args else next(iter(kwargs.values()), None)
        taken = seeds.take(what, given, frame)
        if given is None:
            taken = seeds.entropy(32)
        elif not hasattr(given, "__index__"):
            taken = given
        return original(taken, *args[1:])

    taps.named_after(seeded, owner, name)
    taps.replace(owner, name, seeded)
