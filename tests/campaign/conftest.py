"""New campaigns in a folder of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lifesigns.campaign.folder import CampaignFolder, new_campaign
from lifesigns.campaign.plan import Plan, SeedArgument


@pytest.fixture
def make_campaign(tmp_path: Path) -> Callable[..., tuple[CampaignFolder, Plan]]:
    """A new campaign of `seeds` seeds."""

    def make(seeds: int = 6, **given: Any) -> tuple[CampaignFolder, Plan]:
        base = {"script": "train.py", "arguments": (), "seeds": tuple(range(seeds)), "cwd": os.fspath(tmp_path)}
        plan = Plan(**{**base, "seed_argument": SeedArgument("--seed"), **given})
        return new_campaign(plan, tmp_path / "home"), plan

    return make
