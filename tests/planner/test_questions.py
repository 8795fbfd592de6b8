"""The questions that are left to the user, and what an answer changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from lifesigns.appraisal import judge
from lifesigns.baselines.survey import Survey
from lifesigns.planner.cost import BAD_SHARE, REAL, Facts, estimate
from lifesigns.planner.ladder import Ladder, Rung
from lifesigns.planner.properties import Properties, Property
from lifesigns.planner.questions import Answers, questions
from lifesigns.report.env_html import html
from lifesigns.report.env_page import Told, to_json
from lifesigns.report.env_terminal import render

FACTS = Facts("CartPole-v1", "classic", True, 50_000.0, {}, step_seconds=0.02, target=475.0, episode_steps=20.0)


def test_each_question_has_an_option_and_says_what_was_assumed() -> None:
    asked = questions(Answers(), 475.0, "the threshold that the environment registers")
    assert len(asked) == 5
    assert not any(q.answered for q in asked)
    assert all(q.flag.startswith("--") and q.answer for q in asked)
    told = questions(Answers(4.0, 0.1, True, 50.0), 475.0, "named by you")
    assert all(q.answered for q in told)
    assert "leaves it out" in questions(Answers(real=True), None, "", real_known=False)[0].answer


def test_a_real_system_takes_its_own_time() -> None:
    real, simulated = estimate(replace(FACTS, real=True)), estimate(FACTS)
    assert real.bottleneck == REAL
    assert real.run_hours.p50 == pytest.approx(real.run_steps.p50 * 0.02 / 3600)
    assert real.run_hours.p50 > simulated.run_hours.p50
    assert real.hours_of == "hours of the real system"
    assert estimate(replace(FACTS, real=True, step_seconds=None)).bottleneck != REAL


def test_bad_episodes_have_a_price() -> None:
    cost = estimate(replace(FACTS, bad_episode=50.0))
    assert cost.bad_episodes_dollars is not None
    assert cost.bad_episodes_dollars.p50 == pytest.approx(cost.run_steps.p50 / 20 * BAD_SHARE[0] * 50)
    assert estimate(FACTS).bad_episodes_dollars is None


def test_answers_reach_every_report() -> None:
    found = Survey("CartPole-v1", target=475.0, target_source="named by you")
    planner = Rung("UCT", "planner", (500.0, 500.0), 3.0)
    found.ladder = Ladder((Rung("random", "floor", (20.0, 22.0), 0.1), planner))
    rows = {"steps_per_s": 50_000.0, "step_seconds": 0.02, "episode_steps": 20.0, "carry_over": 1.0}
    found.properties = Properties(tuple(Property(k, v, k) for k, v in rows.items()))
    judged = judge(found, Answers(hours=4.0, real=True, bad_episode=50.0))
    assert judged.verdict is not None
    assert judged.verdict.kind == "plan"
    assert any("true to it" in e for e in judged.verdict.evidence)
    told = Told("CartPole-v1", found.ladder, found.properties, verdict=judged.verdict, cost=judged.cost)
    told = replace(told, questions=judged.questions)
    assert [q["answered"] for q in to_json(told)["questions"]] == [True, True, True, True, False]
    console = Console(record=True, width=200)
    render(told, console)
    text = console.export_text()
    assert "WHAT ONLY YOU CAN SAY" in text
    assert "What does one bad episode cost? --bad-episode DOLLARS (you said: $50)" in text
    assert "bad ones" in text
    assert "hours of the real system" in text
    page = html(told)
    assert "What only you can say" in page
    assert "Bad episodes of one run" in page
