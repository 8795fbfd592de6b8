"""What a campaign runs: one job for each seed of each combination of the values that are varied."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from zlib import crc32

MAX_JOBS = 10_000


class PlanError(ValueError):
    """A campaign that cannot be planned; the message says what to do."""


@dataclass(frozen=True)
class SeedArgument:
    """How a seed is given to the script: `--seed 3`, `seed=3`, or (without a name) imposed by the recorder.

    `found` says where the name comes from, for the user.
    """

    name: str = ""
    assigns: bool = False
    found: str = ""

    @property
    def imposed(self) -> bool:
        """Whether the recorder sets the seed, since the script takes none."""
        return not self.name

    def tokens(self, seed: int) -> list[str]:
        """The arguments that give a seed; none where it is imposed."""
        return [] if self.imposed else argument(self.name, str(seed), self.assigns)


@dataclass(frozen=True)
class Job:
    """One run to be made: its variant (the values varied) and its seed."""

    variant: tuple[tuple[str, str], ...]
    seed: int

    @property
    def key(self) -> str:
        """What the ledger calls it: `lr=1e-3 seed=3`."""
        return " ".join([*(f"{n}={v}" for n, v in self.variant), f"seed={self.seed}"])

    @property
    def folder(self) -> str:
        """A name for its folder, unique within the campaign."""
        words = re.sub(r"[^\w.=+-]+", "-", "_".join(f"{n}={v}" for n, v in self.variant))[:60]
        unique = f"{words}.{crc32(variant_name(self.variant).encode()):08x}_" if self.variant else ""
        return f"{unique}seed={self.seed}"


@dataclass(frozen=True)
class Plan:
    """Everything that decides what is run; saved as the campaign's `campaign.json`."""

    script: str
    arguments: tuple[str, ...]
    seeds: tuple[int, ...]
    seed_argument: SeedArgument
    grid: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    module: bool = False
    python: str = ""
    cwd: str = ""
    sources: str = ""
    """digest of the script and the local modules that it imports"""
    time_limit_s: float | None = None
    memory_limit_bytes: int | None = None
    metric: str = ""

    def variants(self) -> list[tuple[tuple[str, str], ...]]:
        """Every combination of the values varied; one empty one without."""
        return [
            tuple(zip(self.grid, values, strict=True))
            for values in itertools.product(*(self.grid[n] for n in self.grid))
        ]

    def jobs(self) -> list[Job]:
        """All jobs, seed by seed, so that an unfinished campaign has about as many seeds of each variant."""
        return [Job(variant, seed) for seed in self.seeds for variant in self.variants()]

    def command_arguments(self, job: Job) -> list[str]:
        """The script's arguments for one job."""
        assigns = self.seed_argument.assigns
        varied = [token for name, value in job.variant for token in argument(name, value, assigns)]
        return [*self.arguments, *varied, *self.seed_argument.tokens(job.seed)]

    def same_but_for_seeds(self, other: Plan) -> bool:
        """Whether both run the same thing, so that runs of the one are runs of the other."""
        mine, theirs = self.to_json(), other.to_json()
        return {**mine, "seeds": 0} == {**theirs, "seeds": 0}

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "grid": {k: list(v) for k, v in self.grid.items()}}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Plan:
        """The inverse of `to_json`. Raises KeyError, TypeError for what is no plan."""
        known = {k: value[k] for k in cls.__dataclass_fields__ if k in value}
        known |= {
            "arguments": tuple(value["arguments"]),
            "seeds": tuple(value["seeds"]),
            "seed_argument": SeedArgument(**value["seed_argument"]),
            "grid": {k: tuple(v) for k, v in value["grid"].items()},
        }
        return cls(**known)


def argument(name: str, value: str, assigns: bool) -> list[str]:
    """`--lr 1e-3`, or `lr=1e-3`; a name that begins with `-` is taken as it is."""
    if assigns:
        return [f"{name}={value}"]
    return [name if name.startswith("-") else f"--{name}", value]


def variant_name(variant: Sequence[tuple[str, str]]) -> str:
    """`lr=1e-3 layers=2`; empty for the only one."""
    return " ".join(f"{n}={v}" for n, v in variant)


def parse_grid(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """{"lr": ("1e-3", "3e-4")} of ["lr=1e-3,3e-4"]. Raises PlanError."""
    grid: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, equals, listed = text.partition("=")
        values = tuple(v.strip() for v in listed.split(","))
        if not equals or not name.strip() or not all(values):
            raise PlanError(f"expected `--vary NAME=VALUE,VALUE…` such as `lr=1e-3,3e-4`, got `{text}`")
        if len(set(values)) < len(values):
            raise PlanError(f"expected different values, got one twice in `--vary {text}`")
        if name in grid:
            raise PlanError(f"`--vary {name}` is given twice; write all its values in one: `{name}=VALUE,VALUE`")
        grid[name.strip()] = values
    return grid


def check(plan: Plan) -> None:
    """Raises PlanError where the plan contradicts itself or is far too large."""
    given = {token.partition("=")[0].lstrip("-").replace("_", "-") for token in plan.arguments}
    seed = plan.seed_argument
    if not seed.imposed and seed.name.lstrip("-").replace("_", "-") in given:
        raise PlanError(
            f"`{seed.name}` is among the script's arguments already; leave it out: the campaign gives each run its own"
        )
    for name in plan.grid:
        if name.lstrip("-").replace("_", "-") in given:
            raise PlanError(f"`{name}` is varied and among the script's arguments; leave it out after `--`")
    count = len(plan.seeds) * len(plan.variants())
    if count > MAX_JOBS:
        raise PlanError(f"expected at most {MAX_JOBS:,} runs, got {count:,}; take fewer seeds or values")
