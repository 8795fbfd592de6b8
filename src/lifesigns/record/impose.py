"""Gives a script that takes no seed one of its own: the one deliberate change that a campaign makes to a run.

Active only where `LIFESIGNS_SEED` is set. The global streams of Python, NumPy and torch begin from it; what the
operating system would have given (a generator made without a seed) is drawn from it; a seed that is written in the
script is moved by a fixed step a seed, so that those that differ go on to differ. With seed 0 a written seed stays as
it is. Generators of other libraries, of `numpy.random.RandomState(k)` and `torch.Generator` are left alone.
"""

from __future__ import annotations

import operator
import os
import random
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import callsite, taps

VARIABLE = "LIFESIGNS_SEED"
STEP = 1_000_003
"""Added to a written seed for each seed of the campaign; larger than the seeds that scripts derive from one (`seed + i`
for the i-th environment)."""
LIMIT = 1 << 32
"""NumPy's global stream takes no larger seed."""


def imposed() -> int | None:
    """The seed to impose; None for none."""
    given = os.environ.get(VARIABLE, "")
    return int(given) if given.isdigit() else None


class Imposed:
    """The seed of this process."""

    def __init__(self, seed: int, main: bool) -> None:
        self.seed, self.main = seed, main
        self._drawn = 0

    def moved(self, given: Any) -> Any:
        """The seed to use for one that the script gave."""
        if given is None or isinstance(given, bool) or not self.seed:
            return given
        if isinstance(given, str):
            return f"{given}#{self.seed}"
        if isinstance(given, (list, tuple)):
            return [*given, self.seed]
        try:
            written = operator.index(given)
        except TypeError:
            return given
        return (written + STEP * self.seed) % (LIMIT if 0 <= written < LIMIT else 1 << 63)

    def entropy(self, bits: int) -> int:
        """Stands in for the operating system's entropy; each worker process has its own."""
        self._drawn += 1
        multiprocessing = sys.modules.get("multiprocessing.process")
        worker = multiprocessing.current_process()._identity if multiprocessing else ()  # type: ignore[attr-defined]
        return random.Random(f"{self.seed}/{worker}/{self._drawn}").getrandbits(bits)


def install(main: bool, when: Callable[[str, Callable[[ModuleType], None]], None]) -> None:
    """Seeds Python's stream now, and the others when their library is there.

    A worker process that is spawned keeps the operating system's seed for its global streams: one of ours would be
    the same in all of them.
    """
    seed = imposed()
    if seed is None:
        return
    own = Imposed(seed, main)
    _python(own)
    when("numpy.random", lambda module: _numpy(module, own))
    when("torch", lambda module: _torch(module, own))
    when("gymnasium.utils.seeding", lambda module: _gymnasium(module, own))


def _python(own: Imposed) -> None:
    original = random.seed

    def seed(a: Any = None, version: int = 2) -> None:
        original(own.entropy(128) if a is None else own.moved(a), version)

    _replace(random, "seed", seed)
    if own.main:
        original(own.seed)


def _numpy(module: Any, own: Imposed) -> None:
    original, generator = module.seed, module.default_rng

    def seed(seed: Any = None) -> None:
        original(own.entropy(32) if seed is None else own.moved(seed))

    def default_rng(seed: Any = None) -> Any:
        """A library's own fixed generator is left alone."""
        asking = callsite.outside(callsite.here(1), "\0")
        users = asking is not None and callsite.kind_of(asking.f_code.co_filename) == callsite.USER
        return generator(own.moved(seed) if users else seed)

    if own.main:
        original(own.seed)
    module.bit_generator.randbits = own.entropy
    _replace(module, "seed", seed)
    _replace(module, "default_rng", default_rng)


def _torch(torch: Any, own: Imposed) -> None:
    original = torch.random.manual_seed

    def manual_seed(seed: Any) -> Any:
        return original(own.moved(int(seed)))

    def seed() -> int:
        drawn = own.entropy(63)
        original(drawn)
        return drawn

    if own.main:
        original(own.seed)
    _replace(torch.random, "manual_seed", manual_seed)
    taps.replace(torch, "manual_seed", torch.random.manual_seed)
    _replace(torch.random, "seed", seed)
    taps.replace(torch, "seed", torch.random.seed)


def _gymnasium(module: Any, own: Imposed) -> None:
    """Environments and spaces; without a seed they ask NumPy, which has been seen to."""
    original = module.np_random

    def np_random(seed: Any = None) -> Any:
        return original(own.moved(seed))

    _replace(module, "np_random", np_random)


def _replace(owner: ModuleType, name: str, new: Any) -> None:
    new.__doc__ = getattr(owner, name).__doc__
    new.__name__ = name
    taps.named_after(new, owner, name)
    taps.replace(owner, name, new)
