"""Resets of environments whose episode goes on: beside another's end, or by themselves."""

from __future__ import annotations

from types import SimpleNamespace

from lifesigns.record.dyes.resets import Resets


def noted(ends: list[tuple[int, ...]], resets: list[tuple[int, ...]]) -> dict[str, int]:
    """Rounds of steps of three environments: which end in each, and which are reset after it."""
    session = SimpleNamespace(notes={}, log=SimpleNamespace(update=0))
    held = Resets(session, {0, 1, 2})
    parts = [SimpleNamespace(number=n, in_episode=0, ended=False) for n in range(3)]
    for ended, reset in zip(ends, resets, strict=True):
        for part in parts:
            part.in_episode, part.ended = part.in_episode + 1, part.number in ended
            held.stepped(part.ended)
        for number in reset:
            held.note(parts[number], None)
            parts[number].in_episode, parts[number].ended = 0, False
    found = session.notes.get("unended_resets", {})
    return {"beside": found.get("beside_an_end", 0), "alone": found.get("alone", 0)}


def test_only_those_that_ended_are_reset() -> None:
    assert noted([(0,), (), (1, 2)], [(0,), (), (1, 2)]) == {"beside": 0, "alone": 0}


def test_one_end_resets_all() -> None:
    everyone = (0, 1, 2)
    assert noted([(0,), (), (2,), (1,)], [everyone, (), everyone, everyone]) == {"beside": 3, "alone": 0}


def test_all_are_reset_before_each_rollout() -> None:
    assert noted([(), (), ()], [(), (0, 1, 2), (0, 1, 2)]) == {"beside": 0, "alone": 2}
