"""Verdicts on scores that are known: winners, refusals, what is missing, and every choice said in a note."""

from __future__ import annotations

import json
from importlib.resources import files
from io import StringIO

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from lifesigns.campaign.curves import Curve
from lifesigns.compare.arms import GIVEN, Arm, CompareError, Field, Run, field_of
from lifesigns.compare.scores import lay_out
from lifesigns.compare.verdict import Comparison, compare
from lifesigns.report.compare import render
from lifesigns.report.compare_json import to_json
from lifesigns.report.compare_page import page

SCHEMA = json.loads(files("lifesigns.report").joinpath("comparison.schema.json").read_text("utf-8"))


def final(name: str, scores: object, seeds: bool = False, task: str = "") -> Arm:
    """An arm of final scores."""
    values = np.asarray(scores, dtype=float)
    return Arm(
        name,
        tuple(
            Run({GIVEN: Curve(np.ones(1), np.array([v]), "")}, str(i) if seeds else "", task)
            for i, v in enumerate(values)
        ),
    )


def curves(name: str, ends: object, steps: int = 100, seeds: bool = False) -> Arm:
    """An arm of curves that rise to their end."""
    x = np.arange(1.0, steps + 1)
    return Arm(
        name,
        tuple(
            Run({GIVEN: Curve(x, e * np.minimum(1.0, x / 50), "logged")}, str(i) if seeds else "")
            for i, e in enumerate(np.asarray(ends, dtype=float))
        ),
    )


def told(found: Comparison) -> str:
    return " ".join([found.headline, *found.sentences, *found.scores.notes])


NORMAL = np.random.default_rng(1).normal(size=40)


def test_a_clear_winner() -> None:
    found = compare(field_of([final("A", 100 + 5 * NORMAL[:10]), final("B", 130 + 5 * NORMAL[10:20])]))
    assert (found.outcome, found.winner) == ("better", "B")
    assert found.headline.startswith("B is better than A: P(improvement) 1.00")
    assert "exact" in found.headline
    assert "almost never" in told(found)


def test_no_winner_says_how_many_more_seeds() -> None:
    found = compare(field_of([final("A", 100 + 10 * NORMAL[:8]), final("B", 106 + 10 * NORMAL[:8])]))
    assert found.outcome == "no winner"
    assert "No winner yet" in found.headline
    assert "Five seeds of each could have shown the opposite" in told(found)
    pair = found.pairs[0]
    assert pair.more is not None
    assert "more of each to tell" in told(found)


@pytest.mark.parametrize(("runs", "least"), [(2, "2 more"), (3, "1 more")])
def test_too_few_seeds_are_refused_whatever_they_score(runs: int, least: str) -> None:
    found = compare(field_of([final("A", NORMAL[:runs]), final("B", 1000.0 + NORMAL[:runs])]))
    assert found.outcome == "refused"
    assert found.winner == ""
    assert "cannot be significant at 5 %" in found.headline
    assert f"at least {least} of each" in found.headline
    assert found.pairs[0].test is None


def test_one_seed_is_refused() -> None:
    found = compare(field_of([final("A", [1.0]), final("B", NORMAL[:10] + 100)]))
    assert found.outcome == "refused"
    assert "A has one seed" in found.headline
    both = compare(field_of([final("A", [1.0]), final("B", [100.0])]))
    assert "A and B have one seed each" in both.headline.replace("B and A", "A and B")
    assert to_json(both)["arms"][0]["mean_interval"] is None


def test_four_against_four_can_be_shown() -> None:
    found = compare(field_of([final("A", [1, 2, 3, 4]), final("B", [11, 12, 13, 14])]))
    assert found.outcome == "better"
    assert found.pairs[0].p == pytest.approx(2 / 70)


def test_false_winners_are_as_rare_as_they_should_be() -> None:
    rng = np.random.default_rng(0)
    drawn = [
        compare(field_of([final("A", rng.normal(size=6)), final("B", rng.normal(size=6))])).outcome for _ in range(120)
    ]
    assert drawn.count("better") <= 13, "a binomial 99.9 % bound of 5 % in 120"


def test_pairs_of_the_same_seed_are_used_where_they_help() -> None:
    hard = 50 * NORMAL[:10]
    arms = [final("A", hard, seeds=True), final("B", hard + 3 + 0.5 * NORMAL[10:20], seeds=True)]
    found = compare(field_of(arms))
    assert found.outcome == "better"
    assert "B is ahead on 10 of 10 seeds" in found.headline
    assert "runs were paired by seed" in told(found)
    unpaired = compare(field_of([final("A", hard), final("B", hard + 3 + 0.5 * NORMAL[10:20])]))
    assert unpaired.outcome == "no winner"


def test_three_arms_are_corrected_and_the_best_ones_luck_is_told() -> None:
    arms = [final("A", 100 + 5 * NORMAL[:10]), final("B", 130 + 5 * NORMAL[10:20]), final("C", 131 + 5 * NORMAL[20:30])]
    found = compare(field_of(arms))
    assert found.outcome == "no winner"
    best = "C" if np.mean(131 + 5 * NORMAL[20:30]) > np.mean(130 + 5 * NORMAL[10:20]) else "B"
    assert f"{best} scores highest and cannot be told from" in found.headline
    assert "it is better than A" in found.headline
    assert "luck of being the best of 3" in told(found)
    raw = {(p.ahead, p.behind): p for p in found.pairs}
    assert all(p.test is not None and p.p >= p.test.p for p in raw.values())


def test_runs_of_unequal_length_are_compared_where_all_have_been() -> None:
    short = curves("A", 100 + NORMAL[:6], steps=60)
    found = compare(field_of([short, curves("B", 100 + NORMAL[6:12], steps=200)]))
    assert found.scores.steps == (60.0,)
    assert "different lengths" in told(found)
    assert all(len(c) == 60 for c in found.scores.arms[1].curves[0])


def test_a_run_that_stopped_early_does_not_shorten_the_rest() -> None:
    stub = Run({GIVEN: Curve(np.arange(1.0, 11.0), np.full(10, 7.0), "logged")}, "9")
    arm = curves("A", 100 + NORMAL[:6], seeds=True)
    found = compare(field_of([Arm("A", (*arm.runs, stub)), curves("B", 100 + NORMAL[6:12])]))
    assert found.scores.steps == (100.0,)
    assert "A seed 9 ends at 10 of 100: its last score is carried forward." in found.scores.notes
    assert found.scores.arms[0].raw[-1, 0] == 7.0


def test_runs_that_are_not_finite_or_crashed_count_as_failed_and_never_as_good() -> None:
    x = np.arange(1.0, 101.0)
    nan = Run({GIVEN: Curve(x, np.where(x > 50, np.nan, x), "logged")}, "7")
    crashed = Run({GIVEN: Curve(x[:30], x[:30], "logged")}, "8", broken="crashed")
    arm = curves("A", 100 + NORMAL[:6], seeds=True)
    found = compare(field_of([Arm("A", (*arm.runs, nan, crashed)), curves("B", 100 + NORMAL[6:12])]))
    assert found.scores.arms[0].failed[:, 0].tolist() == [False] * 6 + [True, True]
    assert found.scores.arms[0].raw[6, 0] == found.scores.arms[0].raw.min()
    assert "seed 7 ended not finite" in told(found)
    assert "seed 8: crashed" in told(found)
    assert "Failed runs: A 2 of 8" in told(found)


def test_losses_are_better_when_lower() -> None:
    arms = [final("A", 1.0 + 0.01 * NORMAL[:8]), final("B", 0.5 + 0.01 * NORMAL[8:16])]
    found = compare(field_of(arms, lower_is_better=True))
    assert found.winner == "B"
    assert "less is better" in to_text(found)
    assert compare(field_of(arms)).winner == "A"


def test_two_groups_of_scores_give_a_line() -> None:
    good, bad = 480 + 5 * NORMAL[:12], 20 + 5 * NORMAL[12:20]
    found = compare(field_of([final("A", [*good[:6], *bad[:6]]), final("B", [*good[6:11], bad[7]])]))
    assert 100 < found.scores.line < 400
    assert "Failed runs: A 6 of 12" in told(found)
    assert "two groups" in told(found)
    apart = compare(field_of([final("A", good[:6]), final("B", bad[:6])]))
    assert np.isnan(apart.scores.line), "two arms that differ are not a line between failed and good runs"
    worse = compare(field_of([final("A", [*good[:6], *bad[:6]]), final("B", 150 + 5 * NORMAL[20:30])]))
    assert np.isnan(worse.scores.line), "an arm that is wholly below may be worse without failing"
    given_line = compare(field_of([final("A", good[:6]), final("B", bad[:6])]), success_at=100.0)
    assert "The failure rates differ (Fisher exact" in told(given_line)


def test_equivalence_is_a_claim_of_its_own() -> None:
    arms = [final("A", 100 + NORMAL[:20]), final("B", 100.2 + NORMAL[20:40])]
    assert compare(field_of(arms), margin=3.0).outcome == "equivalent"
    assert compare(field_of(arms), margin=0.3).outcome == "no winner"


def test_tasks_are_normalised_and_that_is_said() -> None:
    def several(name: str, shift: float) -> Arm:
        one = final(name, 1 + shift + 0.1 * NORMAL[:6], task="pong").runs
        two = final(name, 1000 * (1 + shift) + 100 * NORMAL[6:12], task="qbert").runs
        return Arm(name, (*one, *two))

    found = compare(field_of([several("A", 0.0), several("B", 0.5)]))
    pool = np.concatenate([a.oriented for a in found.scores.arms])
    assert pool.min(axis=0).tolist() == [0.0, 0.0]
    assert pool.max(axis=0).tolist() == [1.0, 1.0]
    assert any(n.startswith("Normalisation: scores of 2 tasks are on 2 scales") for n in found.scores.notes)
    assert found.winner == "B"
    atari = lay_out(field_of([several("A", 0.0), several("B", 0.5)]), normalise="atari-human")
    assert "human-normalised" in atari.normalisation
    with pytest.raises(CompareError, match="57 Atari"):
        lay_out(field_of([final("A", [1.0], task="chess"), final("B", [2.0], task="chess")]), normalise="atari-human")


def test_tasks_that_an_arm_lacks_are_left_out() -> None:
    both = Arm("A", (*final("A", NORMAL[:5], task="x").runs, *final("A", NORMAL[:5], task="y").runs))
    found = lay_out(field_of([both, final("B", NORMAL[5:10], task="x")]))
    assert found.tasks == ("x",)
    assert any("Left out" in n for n in found.notes)
    with pytest.raises(CompareError, match="no task in common"):
        lay_out(field_of([final("A", [1.0], task="x"), final("B", [1.0], task="y")]))


def to_text(found: Comparison) -> str:
    console = Console(file=StringIO(), width=80)
    render(found, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_reports() -> None:
    arms = [curves("<b>A</b>", [*(480 + 5 * NORMAL[:6]), 20, 25]), curves("B", 300 + 5 * NORMAL[8:16])]
    found = compare(field_of(arms), success_at=100.0)
    text = to_text(found)
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith(found.headline[:40])
    value = to_json(found)
    jsonschema.validate(value, SCHEMA)
    json.dumps(value, allow_nan=False)
    assert value["headline"] == found.headline
    assert value["arms"][0]["failure_rate"]["estimate"] == pytest.approx(0.25)
    html = page(found)
    assert "<b>A</b>" not in html.split('id="specs"')[0]
    for chart in ("chart-curves", "chart-seeds", "chart-profiles", "chart-failures"):
        assert f'data-spec="{chart}"' in html


def test_the_same_seed_the_same_answer() -> None:
    arms = [curves("A", 100 + NORMAL[:6]), curves("B", 101 + NORMAL[6:12])]
    assert to_json(compare(field_of(arms))) == to_json(compare(field_of(arms)))


@settings(max_examples=40, deadline=None)
@given(
    data=st.lists(
        st.lists(
            st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=0, max_size=8),
            min_size=1,
            max_size=6,
        ),
        min_size=2,
        max_size=3,
    )
)
def test_whatever_the_numbers_are_there_is_an_answer_or_one_sentence(data: list[list[list[float]]]) -> None:
    arms = [
        Arm(
            f"arm {i}",
            tuple(
                Run({GIVEN: Curve(np.arange(1.0, len(row) + 1), np.array(row, dtype=float), "logged")}) for row in runs
            ),
        )
        for i, runs in enumerate(data)
    ]
    try:
        found = compare(Field(tuple(arms), GIVEN))
    except CompareError:
        return
    value = to_json(found)
    json.dumps(value, allow_nan=False)
    jsonschema.validate(value, SCHEMA)
    assert to_text(found)


def test_few_runs_are_told_what_their_intervals_are_worth() -> None:
    few, many = (to_text(compare(field_of([final("A", NORMAL[:n]), final("B", NORMAL[n : 2 * n])]))) for n in (10, 20))
    assert "hold in 75 to 94 % with so few runs" in " ".join(few.split())
    assert "so few runs" not in many
