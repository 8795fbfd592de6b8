"""What campaigns are kept here and how far each has come, from its plan and ledger; no trace is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lifesigns.campaign.folder import CampaignError, list_campaigns
from lifesigns.campaign.progress import counts


@dataclass(frozen=True)
class Listed:
    """A campaign in a list; `problem` says why it cannot be read."""

    name: str
    path: Path
    script: str = ""
    seeds: int = 0
    variants: int = 1
    planned: int = 0
    ended: dict[str, int] = field(default_factory=dict[str, int])
    """How many runs ended in each way: finished, crashed, …"""
    problem: str = ""

    @property
    def done(self) -> int:
        """Runs that have a result."""
        return sum(self.ended.values())

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "campaign": self.name,
            "script": self.script,
            "seeds": self.seeds,
            "variants": self.variants,
            "planned": self.planned,
            "done": self.done,
            "ended": dict(self.ended),
            "problem": self.problem,
            "path": str(self.path),
        }


def listed(home: Path | None = None) -> list[Listed]:
    """The campaigns under `home`, newest first."""
    found: list[Listed] = []
    for folder in list_campaigns(home):
        try:
            plan, progress = folder.read_plan(), folder.progress()
        except (CampaignError, OSError) as error:
            found.append(Listed(folder.path.name, folder.path, problem=str(error)))
            continue
        results = {k: progress[k].result or {} for k in (j.key for j in plan.jobs()) if k in progress}
        ended = counts({k: r for k, r in results.items() if r})
        jobs, variants = len(plan.jobs()), len(plan.variants())
        found.append(Listed(folder.path.name, folder.path, plan.script, len(plan.seeds), variants, jobs, ended))
    return found
