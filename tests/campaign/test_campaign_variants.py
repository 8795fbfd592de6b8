"""Variants of a campaign by their scores: who is better, whether that is settled, and when nothing can be told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from io import StringIO

import jsonschema
import numpy as np
import pytest
from played import run_result
from rich.console import Console

from lifesigns.campaign.judge import judge
from lifesigns.campaign.plan import Plan, SeedArgument
from lifesigns.campaign.results import RunResult
from lifesigns.campaign.verdict import CampaignVerdict, verdict
from lifesigns.compare.arms import Arm, Run
from lifesigns.compare.variants import LOOKED, VariantsCompared, compare_variants
from lifesigns.report.campaign import render
from lifesigns.report.campaign_json import to_json
from lifesigns.report.campaign_page import page

NORMAL = np.random.default_rng(3).normal(size=60)


def runs_of(name: str, ends: Sequence[float], **given: object) -> list[RunResult]:
    """A run for each end, with digests of their own."""
    return [run_result(s, float(e), **{"digest": f"{name} {s}", **given}) for s, e in enumerate(ends)]  # type: ignore[arg-type]


def compared(
    looked: bool = False, success_at: float | None = None, **variants: list[RunResult]
) -> tuple[VariantsCompared, CampaignVerdict]:
    """Variants lr=NAME of these runs."""
    answer = verdict({(("lr", name),): judge(runs, success_at) for name, runs in variants.items()})
    arms = [
        Arm(f"lr={name}", tuple(Run(r.curves, str(r.seed)) for r in runs), environment="Line-v0")
        for name, runs in variants.items()
    ]
    return compare_variants(arms, answer, success_at=success_at, looked=looked), answer


def outputs(found: VariantsCompared, answer: CampaignVerdict) -> tuple[str, dict, str]:
    """The terminal's text on one line, the JSON (valid by its schema), the page."""
    plan = Plan("train.py", (), tuple(range(8)), SeedArgument("--seed"), grid=(("lr", ("a", "b")),))
    console = Console(file=StringIO(), width=80)
    render(answer, found, plan, "a campaign", console)
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    value = to_json(answer, found, plan, "a campaign")
    schema = json.loads(files("lifesigns.report").joinpath("campaign.schema.json").read_text("utf-8"))
    jsonschema.validate(json.loads(json.dumps(value, allow_nan=False)), schema)
    return " ".join(text.split()), value, page(answer, found, plan, "a campaign")


def test_variants_that_all_learn_still_have_a_winner() -> None:
    """No run fails, so that failure rates say nothing; returns do."""
    found, answer = compared(a=runs_of("a", 400 + 5 * NORMAL[:8]), b=runs_of("b", 450 + 5 * NORMAL[8:16]))
    assert answer.headline == "None of 16 runs of 2 variants failed."
    assert (found.outcome, found.settled) == ("better", True)
    assert found.sentence.startswith("By training return, settled: lr=b is better than lr=a: lr=b is ahead on 8 of 8")
    assert "P(improvement) 1.00 [" in found.sentence
    text, value, html = outputs(found, answer)
    assert found.sentence in text
    assert value["headline"] == f"{answer.headline} {found.sentence}"
    scores = value["scores"]
    assert (scores["ahead"], scores["behind"], scores["settled"]) == ("lr=b", "lr=a", True)
    assert scores["probability_of_improvement"]["estimate"] == 1.0
    assert scores["p"] <= 0.05
    assert "By training return, settled: lr=b is better than lr=a" in html.split("<h2>")[0]


def test_what_is_not_settled_says_how_many_more_seeds() -> None:
    found, answer = compared(a=runs_of("a", 400 + 10 * NORMAL[:8]), b=runs_of("b", 406 + 10 * NORMAL[8:16]))
    assert (found.outcome, found.settled) == ("no winner", False)
    assert "not settled: No winner" in found.sentence
    assert "more of each to tell" in found.sentence
    text, value, _ = outputs(found, answer)
    assert found.sentence in text
    assert value["scores"]["more_seeds"]["power"] == 0.8


def test_of_more_than_two_the_nearest_rival_is_told() -> None:
    ends = {"a": 400 + 5 * NORMAL[:8], "b": 450 + 5 * NORMAL[8:16], "c": 300 + 5 * NORMAL[16:24]}
    found, answer = compared(**{name: runs_of(name, e) for name, e in ends.items()})
    assert "lr=b is better than lr=a and lr=c: nearest is lr=" in found.sentence
    assert "P(improvement) 1.00 [" in found.sentence
    _, value, _ = outputs(found, answer)
    assert value["scores"]["ahead"] == "lr=b"
    close, _ = compared(**{name: runs_of(name, 400 + 5 * NORMAL[8 * i : 8 * i + 8]) for i, name in enumerate("abc")})
    assert "cannot be told from" in close.sentence
    assert "; nearest is lr=" in close.sentence


def test_false_winners_are_rare() -> None:
    rng = np.random.default_rng(1)
    settled = [
        compared(a=runs_of("a", 400 + 9 * rng.normal(size=6)), b=runs_of("b", 400 + 9 * rng.normal(size=6)))[0].settled
        for _ in range(24)
    ]
    assert sum(settled) <= 5, "a binomial 99.9 % bound of 5 % in 24"


@pytest.mark.parametrize(("runs", "says"), [(1, "have one seed each"), (3, "cannot be significant at 5 %")])
def test_from_few_seeds_nothing_can_be_told_whatever_they_score(runs: int, says: str) -> None:
    found, answer = compared(a=runs_of("a", [20.0] * runs), b=runs_of("b", [900.0] * runs))
    assert (found.outcome, found.settled) == ("refused", False)
    assert found.sentence.startswith("By training return nothing can be told.")
    assert says in found.sentence
    text, value, html = outputs(found, answer)
    assert "nothing can be told" in text
    assert value["scores"]["p"] is None
    assert "nothing can be told" in html


def test_copies_of_one_run_are_one_sample() -> None:
    """Eight seeds that have no effect would make any difference look certain."""
    copies = {name: runs_of(name, [end] * 8, digest=name) for name, end in (("a", 400.0), ("b", 450.0))}
    found, _ = compared(**copies)
    assert found.outcome == "refused"
    assert "one seed each" in found.sentence
    assert "lr=a: seeds 0, 1, 2, 3, 4, 5, 6, 7 are one run, number for number; in the comparison it counts once." in (
        found.notes
    )
    part, _ = compared(a=runs_of("a", 400 + NORMAL[:8]), b=[*runs_of("b", 450 + NORMAL[8:14]), *copies["b"][6:]])
    assert part.comparison is not None
    assert [arm.runs for arm in part.comparison.scores.arms] == [8, 7]


def test_a_setting_without_effect_is_no_comparison() -> None:
    runs = runs_of("a", 400 + NORMAL[:8])
    found, answer = compared(a=runs, b=runs)
    assert found.outcome == "not comparable"
    assert "the runs of lr=a and lr=b are the same, number for number: what was varied has no effect" in found.sentence
    text, value, html = outputs(found, answer)
    assert "what was varied has no effect" in text
    assert value["comparison"] is None
    assert value["scores"]["ahead"] is None
    assert "what was varied has no effect" in html
    third, _ = compared(a=runs, b=runs, c=runs_of("c", 480 + NORMAL[8:16]))
    assert third.outcome == "better"
    assert "The runs of lr=a and lr=b are the same, number for number." in third.notes


def test_variants_without_scores() -> None:
    dead = runs_of("c", [0.0] * 8, curves={}, diagnosis=None, ended="crashed", digest="")
    found, answer = compared(a=runs_of("a", 400 + NORMAL[:8]), c=dead)
    assert found.outcome == "not comparable"
    assert "expected returns, losses or scores in the runs of `lr=c`, got none" in found.sentence
    outputs(found, answer)
    two, _ = compared(a=runs_of("a", 400 + NORMAL[:8]), b=runs_of("b", 450 + NORMAL[8:16]), c=dead)
    assert two.outcome == "better"
    assert "lr=c is left out of the comparison: none of its runs has a score." in two.notes


def test_a_campaign_that_looked_says_what_its_p_is_worth() -> None:
    runs = {"a": runs_of("a", 400 + NORMAL[:8]), "b": runs_of("b", 450 + NORMAL[8:16])}
    assert LOOKED in compared(looked=True, **runs)[0].notes
    assert LOOKED not in compared(**runs)[0].notes
