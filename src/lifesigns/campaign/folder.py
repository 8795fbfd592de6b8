"""A campaign's folder: `campaign.json` (the plan), `ledger.jsonl`, `runs/<job>.<attempt>/` (each a run folder)."""

from __future__ import annotations

import fcntl
import json
import os
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from lifesigns.campaign.ledger import Progress, read_ledger
from lifesigns.campaign.plan import Plan, PlanError
from lifesigns.store import runs_home
from lifesigns.store.folder import ignore

FORMAT = 1


class CampaignError(Exception):
    """A campaign that cannot be opened or run; the message says what to do."""


@dataclass(frozen=True)
class CampaignFolder:
    """Paths inside one campaign's folder."""

    path: Path

    @property
    def plan_file(self) -> Path:
        """The plan."""
        return self.path / "campaign.json"

    @property
    def ledger_file(self) -> Path:
        """What was started and what has ended."""
        return self.path / "ledger.jsonl"

    def attempt(self, name: str) -> Path:
        """The run folder of an attempt."""
        return self.path / "runs" / name

    def read_plan(self) -> Plan:
        """The plan. Raises CampaignError."""
        try:
            value = json.loads(self.plan_file.read_text("utf-8"))
            if value["format"] > FORMAT:
                raise CampaignError(
                    f"`{self.path}` was written by a newer lifesigns: upgrade with `pip install -U lifesigns`"
                )
            return Plan.from_json(value["plan"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CampaignError(
                f"`{self.path}` is no campaign: its `campaign.json` cannot be read ({error})"
            ) from error

    def write_plan(self, plan: Plan) -> None:
        """Replaces the plan in one step."""
        handle, name = tempfile.mkstemp(dir=self.path, prefix=".campaign-", suffix=".json")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"format": FORMAT, "plan": plan.to_json()}, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, self.plan_file)

    def progress(self) -> dict[str, Progress]:
        """What the ledger says of each job."""
        return read_ledger(self.ledger_file) if self.ledger_file.is_file() else {}

    def lock(self) -> int:
        """Keeps other drivers out until the descriptor is closed or this process ends. Raises CampaignError."""
        handle = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise CampaignError(f"the campaign `{self.path.name}` is being run by another process") from error
        return handle


def campaigns_home(home: Path | None = None) -> Path:
    """Where campaigns are kept, beside the runs."""
    return (home or runs_home()) / "campaigns"


def is_campaign(path: Path) -> bool:
    """Whether a folder is a campaign's."""
    return (path / "campaign.json").is_file()


def list_campaigns(home: Path | None = None) -> list[CampaignFolder]:
    """Campaigns, newest first."""
    root = campaigns_home(home)
    entries = root.iterdir() if root.is_dir() else ()
    found = [CampaignFolder(p) for p in entries if not p.name.startswith(".") and is_campaign(p)]
    return sorted(found, key=lambda f: f.path.name, reverse=True)


def find_campaign(name: str, home: Path | None = None) -> CampaignFolder:
    """The campaign at a path, or of that name in the usual place. Raises CampaignError."""
    for path in (Path(name), campaigns_home(home) / name):
        if is_campaign(path):
            return CampaignFolder(path)
    known = ", ".join(f"`{f.path.name}`" for f in list_campaigns(home)[:3]) or "none"
    raise CampaignError(f"no campaign `{name}`; the newest here: {known}")


def new_campaign(plan: Plan, home: Path | None = None) -> CampaignFolder:
    """A new folder with its plan, named by time and script. Raises CampaignError.

    It is made under another name and renamed when it is whole: a driver that is killed here leaves no campaign.
    """
    stem = re.sub(r"[^\w.-]+", "-", Path(plan.script).stem)[:40] or "campaign"
    stamp = time.strftime("%Y%m%d-%H%M%S")
    root = campaigns_home(home)
    try:
        root.mkdir(parents=True, exist_ok=True)
        ignore(home or runs_home())
        made = CampaignFolder(Path(tempfile.mkdtemp(dir=root, prefix=".new-")))
        made.path.chmod(0o755)
        (made.path / "runs").mkdir()
        made.write_plan(plan)
    except OSError as error:
        raise CampaignError(f"cannot create a campaign in `{root}` ({error.strerror}); name another --home") from error
    for attempt in range(1000):
        path = root / (f"{stamp}-{stem}" + (f"-{attempt}" if attempt else ""))
        try:
            made.path.rename(path)  # onto a folder that is not empty, this fails
        except OSError:
            continue
        return CampaignFolder(path)
    raise CampaignError("cannot find a free name for a campaign")


def unfinished_like(plan: Plan, home: Path | None = None) -> CampaignFolder | None:
    """The newest campaign of the same script, sources and settings that lacks results; None where there is none."""
    for folder in list_campaigns(home):
        try:
            there = folder.read_plan()
            done = {key for key, p in folder.progress().items() if p.result is not None}
        except (CampaignError, PlanError, OSError):
            continue
        if there.same_but_for_seeds(plan):
            return None if done >= {job.key for job in there.jobs()} else folder
    return None


def attempt_result(path: Path) -> dict[str, Any] | None:
    """What the supervisor of an attempt wrote at its end; None where it did not get that far."""
    try:
        value = json.loads((path / "result.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
