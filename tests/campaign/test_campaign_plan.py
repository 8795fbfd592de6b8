"""Plans: which runs, with which arguments, and what is refused."""

from __future__ import annotations

import pytest

from lifesigns.campaign.plan import Job, Plan, PlanError, SeedArgument, check, parse_grid


def plan(**given: object) -> Plan:
    """A plan of two seeds."""
    base = {"script": "train.py", "arguments": (), "seeds": (0, 1), "seed_argument": SeedArgument("--seed")}
    return Plan(**{**base, **given})  # type: ignore[arg-type]


def test_a_grid_of_every_combination_seed_by_seed() -> None:
    made = plan(grid=parse_grid(["lr=1e-3,3e-4", "layers=2"]))
    keys = [job.key for job in made.jobs()]
    assert keys == [
        "lr=1e-3 layers=2 seed=0",
        "lr=3e-4 layers=2 seed=0",
        "lr=1e-3 layers=2 seed=1",
        "lr=3e-4 layers=2 seed=1",
    ]


def test_arguments_of_a_job() -> None:
    made = plan(arguments=("--steps", "10"), grid=parse_grid(["lr=1e-3,3e-4"]))
    job = made.jobs()[1]
    assert made.command_arguments(job) == ["--steps", "10", "--lr", "3e-4", "--seed", "0"]
    hydra = plan(grid=parse_grid(["algo.lr=1"]), seed_argument=SeedArgument("seed", assigns=True))
    assert hydra.command_arguments(hydra.jobs()[0]) == ["algo.lr=1", "seed=0"]
    assert plan(seed_argument=SeedArgument()).command_arguments(Job((), 3)) == []


def test_folder_names_are_safe_and_unique() -> None:
    values = ["a/b", "a b", "a?b", "../x", "x" * 300, "ü"]
    names = [Job((("net", v),), s).folder for v in values for s in (0, 1)]
    assert len(set(names)) == len(names)
    assert all("/" not in n and len(n) < 120 for n in names)


def test_json_and_back() -> None:
    made = plan(grid=parse_grid(["lr=1,2"]), time_limit_s=3.0, memory_limit_bytes=10)
    assert Plan.from_json(made.to_json()) == made
    assert made.same_but_for_seeds(
        plan(grid=parse_grid(["lr=1,2"]), time_limit_s=3.0, memory_limit_bytes=10, seeds=(5,))
    )
    assert not made.same_but_for_seeds(plan())


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["lr"], "NAME=VALUE"),
        (["lr="], "NAME=VALUE"),
        (["=1"], "NAME=VALUE"),
        (["lr=1,,2"], "NAME=VALUE"),
        (["lr=1,1"], "twice"),
        (["lr=1", "lr=2"], "given twice"),
    ],
)
def test_grids_that_are_refused(texts: list[str], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        parse_grid(texts)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"arguments": ("--seed", "3")}, "already"),
        ({"arguments": ("--seed=3",)}, "already"),
        ({"arguments": ("--lr", "1"), "grid": {"lr": ("1", "2")}}, "varied"),
        ({"seeds": tuple(range(20_000))}, "at most 10,000"),
    ],
)
def test_contradictions(given: dict[str, object], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        check(plan(**given))
