"""Network copies that look like target networks: how far a copy is from its network, and whether it ever
moves."""

from __future__ import annotations

import weakref
from typing import Any

from ..recorder import Recorder
from . import torch_networks

MAX_ELEMENTS = 1 << 14
MAX_PAIRS = 16
DEPTH = 3
"""Levels of modules below a root at which networks and copies are looked for: Tianshou keeps both inside of wrappers
inside of one algorithm."""


class Pair:
    """A network that an optimiser trains, and another of the same shape that none does."""

    def __init__(self, online: Any, copy: Any, subject: str) -> None:
        self.online, self.copy = weakref.ref(online), weakref.ref(copy)
        self.subject = subject
        self.last: tuple[list[Any], list[Any]] | None = None


class Copies:
    """The pairs of this process."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.pairs: list[Pair] = []
        self._version = -1
        self._paired: set[int] = set()
        self._owned: set[int] = set()

    def look_for(self, owned: set[int]) -> None:
        """Pairs candidate modules by shape, equal values first; called before an optimiser's first step."""
        self._owned = owned
        registry = torch_networks.registry
        candidates = _candidates(registry.roots())
        copies = [c for c in candidates if _none_owned(c[0], owned) and id(c[0]) not in self._paired]
        online = [c for c in candidates if _all_owned(c[0], owned)]
        for module, name, network in copies:
            alike = [c for c in online if _signature(c[0]) == _signature(module)]
            if alike and len(self.pairs) < MAX_PAIRS:
                self._add(min(alike, key=lambda c: _distance(c[0], module)), (module, name, network))

    def _add(self, online: tuple[Any, str, str], copy: tuple[Any, str, str]) -> None:
        if any(self._inside(copy[0], pair) for pair in self.pairs):
            return
        registry = torch_networks.registry
        at, _ = registry.made_at.get(id(copy[0]), (None, ""))
        equal = _distance(online[0], copy[0]) == 0.0
        if not equal or not any(_part(p).any() for p in copy[0].parameters() if p.dim() >= 2):  # not all of them zeros
            return
        self._paired.add(id(copy[0]))
        subject = self.recorder.subject(
            "target",
            copy[1],
            at,
            {
                "online": online[2],
                "copy": copy[2],
                "online_name": online[1],
                "equal_at_start": equal,
                "aliased": False,
            },
        )
        self.pairs.append(Pair(online[0], copy[0], subject))

    def _inside(self, module: Any, pair: Pair) -> bool:
        outer = pair.copy()
        return outer is not None and any(m is module for m in outer.modules())

    def sample(self, deferred: Any) -> None:
        """Distance of each pair, and how far both have moved since the last sample."""
        import torch

        for pair in self.pairs:
            online, copy = pair.online(), pair.copy()
            if online is None or copy is None:
                continue
            with torch.no_grad():
                now = ([_part(p) for p in online.parameters()], [_part(p) for p in copy.parameters()])
                at, put, series = self.recorder.update, deferred.put, self.recorder.series
                apart = _total(torch._foreach_sub(now[0], now[1])) / (_total(now[0]) + 1e-30)
                put([apart], series("target.distance", pair.subject), at)
                if pair.last is not None:
                    put(
                        [_total(torch._foreach_sub(now[1], pair.last[1]))],
                        series("target.change", pair.subject),
                        at,
                    )
                    put(
                        [_total(torch._foreach_sub(now[0], pair.last[0]))],
                        series("target.online_change", pair.subject),
                        at,
                    )
                pair.last = ([t.clone() for t in now[0]], [t.clone() for t in now[1]])


def _candidates(roots: list[tuple[Any, str]]) -> list[tuple[Any, str, str]]:
    """(module, name, network id) of the roots and what they hold down to `DEPTH`, outermost first."""
    names = torch_networks.registry.recorder._subjects
    found = level = [(root, str(names[network]["name"]), network) for root, network in roots]
    for _ in range(DEPTH):
        level = [(c, f"{name}.{key}", net) for module, name, net in level for key, c in module.named_children()]
        found = found + level
    return [
        c
        for c in found
        if any(_is_plain(p) and p.dim() >= 2 for p in c[0].parameters()) and all(map(_is_plain, c[0].parameters()))
    ]


def _is_plain(parameter: Any) -> bool:
    """Whether it has numbers of its own: not fake, not on the meta device, not waiting for its shape."""
    return type(parameter).__name__ == "Parameter" and parameter.device.type != "meta"


def _signature(module: Any) -> tuple[Any, ...]:
    return (type(module), *((n, tuple(p.shape)) for n, p in module.named_parameters()))


def _none_owned(module: Any, owned: set[int]) -> bool:
    return not any(id(p) in owned for p in module.parameters())


def _all_owned(module: Any, owned: set[int]) -> bool:
    return all(id(p) in owned for p in module.parameters())


def _part(parameter: Any) -> Any:
    data = parameter.detach().reshape(-1)
    return data if data.numel() <= MAX_ELEMENTS else data[:: data.numel() // MAX_ELEMENTS + 1]


def _total(tensors: Any) -> Any:
    import torch

    return torch.stack([n.float() for n in torch._foreach_norm(list(tensors))]).norm()


def _distance(first: Any, second: Any) -> float:
    import torch

    with torch.no_grad():
        pairs = zip(first.parameters(), second.parameters(), strict=True)
        return float(sum((_part(a) - _part(b)).abs().sum().item() for a, b in pairs if a.device == b.device))


copies: Copies


def reset(recorder: Recorder) -> None:
    """Forgets all pairs; called at the start and in a forked worker."""
    global copies
    copies = Copies(recorder)
