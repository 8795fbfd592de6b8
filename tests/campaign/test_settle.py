"""Sequential campaigns stop when the question is settled, at whole groups of seeds, and not on a coin's luck."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from played import FINISHED, run_result

from lifesigns.campaign import settle
from lifesigns.campaign.driver import State
from lifesigns.campaign.plan import parse_grid
from lifesigns.campaign.settle import Settled


@pytest.fixture
def asked(make_campaign: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Number of seeds after which a campaign is settled (0: never), given the final return of (variant, seed)."""

    def ask(score: Any, seeds: int, *vary: str) -> tuple[int, str]:
        folder, plan = make_campaign(seeds, grid=parse_grid(vary))

        def load(folder: Any, plan: Any, job: Any, ended: Any) -> Any:
            end = score(dict(job.variant), job.seed)
            learning = "learning" if end > 100 else "not learning"
            return run_result(job.seed, end, learning, variant=job.variant)

        monkeypatch.setattr(settle, "load_result", load)
        ask, state = Settled(folder, plan), State(plan.jobs())
        for done, job in enumerate(plan.jobs(), 1):
            state.results[job.key] = FINISHED
            said = ask(state)
            if said:
                return done // len(plan.variants()), said
        return 0, ""

    return ask


def test_a_failure_rate_is_settled_where_it_is_clear(asked: Any) -> None:
    seeds, said = asked(lambda variant, seed: 12.0, 40)
    assert seeds == 5
    assert "fails more often than 20%" in said
    seeds, said = asked(lambda variant, seed: 480.0, 60)
    assert 20 <= seeds <= 40
    assert "fails less often" in said
    assert asked(lambda variant, seed: 12.0 if seed % 5 == 0 else 480.0, 40) == (0, "")


def test_variants_are_settled_where_they_differ(asked: Any) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(size=1000)
    seeds, said = asked(lambda v, s: 200.0 + 100.0 * float(v["lr"]) + 10.0 * noise[s + 50 * int(v["lr"])], 20, "lr=1,2")
    assert seeds == 5
    assert "lr=2 is best" in said
    assert asked(lambda v, s: 300.0 + 10.0 * noise[s + 50 * int(v["lr"])], 20, "lr=1,2") == (0, "")


def test_looks_are_made_at_whole_groups_of_the_first_seeds_only(make_campaign: Any) -> None:
    folder, plan = make_campaign(20)
    ask = Settled(folder, plan)
    ended = {f"seed={s}": FINISHED for s in range(1, 20)}
    assert ask._whole_groups(ended) == 0, "the first seed has not ended"
    assert ask._whole_groups({**ended, "seed=0": FINISHED}) == 4
    assert ask.looks() == 4
