"""What dyes showed, in the diagnosis: the right cause first, and nothing changed where no dye was planted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lifesigns.diagnose import BY_ID, CAUSES, diagnose
from lifesigns.diagnose.dyed_causes import CREDIT_CAUSES, DATA_CAUSES, END_CAUSES
from lifesigns.dyes.base import DyeRule, dye_case
from lifesigns.model import Event, Subject, Trace
from lifesigns.model.series import series
from lifesigns.rules import Rule, all_rules

DYES = [r for r in all_rules() if isinstance(r, DyeRule)]
NOT_LEARNING = np.random.default_rng(0).normal(20, 5, 90)
LEARNING = NOT_LEARNING + np.linspace(0, 200, 90)
QUIET = {"planted": 30, "gradients": 32, "gradients_touched": 0, "largest_effect": 0.0}
LOUD = {**QUIET, "gradients_touched": 32, "largest_effect": 0.4}
BATCH = {"planted": 9, "gradients": 32, "gradients_touched": 32, "largest_effect": 0.9}
SUPERVISED = {"labels": BATCH, "inputs": BATCH}


def run(returns: Any = NOT_LEARNING, **dyes: Mapping[str, Any]) -> Trace:
    """A run with an environment, and dyes by name (`_` for `-`)."""
    env = Subject("env/0", "env", "CartPole-v1", info={"role": "train"})
    watched = (series("env.episode_return", "env_step", returns, subject="env/0"),)
    return dyed(Trace({"script": "train.py"}, {"env/0": env}, watched), **dyes)


def dyed(trace: Trace, **dyes: Mapping[str, Any]) -> Trace:
    subjects, events = dict(trace.subjects), list(trace.events)
    for number, (name, facts) in enumerate(dyes.items()):
        key = f"dye/{number}"
        subjects[key] = Subject(key, "dye", name.replace("_", "-"))
        events.append(Event("dye", key, dict(facts)))
    return replace(trace, subjects=subjects, events=tuple(events))


def supervised(**dyes: Mapping[str, Any]) -> Trace:
    subjects = {k: Subject(k, k.split("/")[0], k) for k in ("loss/0", "optimizer/0")}
    losses = (series("loss.value", "backward", np.ones(60), subject="loss/0"),)
    return dyed(Trace({}, subjects, losses), **dyes)


def main_cause(rule: Rule) -> str:
    return max(rule.causes, key=lambda c: rule.causes[c].probability)


def test_every_cause_that_a_dye_names_is_there_and_every_cause_of_dyes_is_named() -> None:
    named = {c for r in DYES for c in r.causes if c != "any fault"}
    assert named <= set(BY_ID)
    assert {c.id for c in (*CREDIT_CAUSES, *END_CAUSES, *DATA_CAUSES)} <= {main_cause(r) for r in DYES}


MILD = ("Y406", "Y702", "Y703")
"""Rules whose findings do not say why a run fails."""


@pytest.mark.parametrize("rule", [r for r in DYES if r.code not in MILD], ids=lambda r: r.code)
def test_what_one_dye_broke_comes_first_in_a_run_that_does_not_learn(rule: DyeRule) -> None:
    trace = next(iter(rule.fires_on())).trace
    (event,) = trace.events
    (subject,) = trace.of_kind("dye")
    base = supervised() if rule.subject_folder == "data" else run()
    told = diagnose(dyed(base, **{subject.name: event.data}))
    first = told.causes[0]
    assert first.cause == main_cause(rule)
    assert first.probability > (0.2 if rule.code == "Y701" else 0.4)
    assert any(f.code == rule.code for f in first.findings)
    assert any(d.finding.code == rule.code for d in told.defects) == any(
        f.exact for v in told.verdicts if v.code == rule.code for f in v.findings
    )


def quiet_dyes(folder_is_data: bool) -> dict[str, Mapping[str, Any]]:
    """Facts of each dye that is planted in such runs, on which every rule is clear."""
    found: dict[str, Mapping[str, Any]] = {}
    for rule in DYES:
        if rule.code == "Y406" or (
            (rule.subject_folder == "data") != folder_is_data and rule.code not in ("Y602", "Y301")
        ):
            continue
        for one in rule.quiet_on():
            (event,), (subject,) = one.trace.events, one.trace.of_kind("dye")
            found.setdefault(subject.name, event.data)
    return found


@pytest.mark.parametrize("rule", [r for r in DYES if r.code not in MILD], ids=lambda r: r.code)
def test_what_one_dye_broke_comes_first_where_all_others_found_nothing(rule: DyeRule) -> None:
    is_data = rule.subject_folder == "data"
    (event,), (subject,) = (t := next(iter(rule.fires_on())).trace).events, t.of_kind("dye")
    told = diagnose(dyed(supervised() if is_data else run(), **{**quiet_dyes(is_data), subject.name: event.data}))
    fired = [v.code for v in told.verdicts if v.status == "fired" and v.code != "D105"]
    assert rule.code in fired
    assert told.causes[0].cause == main_cause(rule), (fired, [(c.cause, c.probability) for c in told.causes[:3]])


AUTORESET = {
    "autoreset_rows": LOUD,
    "terminal_observation": LOUD,
    "episode_boundary": {"own_rows": 9, "crossing_rows": 9, "crossing": 0.94, "gradients": 32},
}
STARTS = {
    "truncated_end": {**QUIET, "bootstraps": True, "kind_matters": False},
    "next_episode": {"ended_rows": 9, "ended_rows_touched": 9},
}
BLINDNESS = {"observation": {"acting_calls": 64, "acting_touched": 0, "by_network": {"Q#0": [16, 0]}}, "reward": LOUD}
MIXED = {
    "environment_rows": {"own_row": 1, "other_rows": 1},
    "reward_pairing": {"right": 1, "shifted": 0, "other_environment": 20},
}


@pytest.mark.parametrize(
    ("dyes", "cause"),
    [
        (AUTORESET, "autoreset-rows-trained"),
        (STARTS, "next-episode-as-next-state"),
        (BLINDNESS, "observation-ignored"),
        (MIXED, "environment-rows-mixed"),
        ({"truncated_end": STARTS["truncated_end"], "next_episode": {"ended_rows": 9, "ended_rows_touched": 0}},
         "time-limit-treated-as-terminal"),
        ({"action": {"right": 2, "wrong": 60}, "first_ratio": {"rows": 64, "largest": 0.9, "share": 0.9}},
         "scored-action-differs"),
        ({"action": {"right": 62, "wrong": 0}, "first_ratio": {"rows": 64, "largest": 0.9, "share": 0.9}},
         "wrong-importance-ratio"),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)  # fmt: skip
def test_several_answers_point_at_the_one_cause_behind_them(dyes: Mapping[str, Any], cause: str) -> None:
    told = diagnose(run(**dyes))
    assert told.causes[0].cause == cause, [(c.cause, c.probability) for c in told.causes[:3]]


def test_a_run_that_learns_has_the_defect_and_says_so() -> None:
    told = diagnose(run(LEARNING, terminal_observation=LOUD))
    assert [d.finding.code for d in told.defects] == ["Y501"]
    assert told.causes[0].title.endswith("(present, yet this run learns)")


def test_a_note_leaves_the_run_healthy() -> None:
    told = diagnose(run(LEARNING, terminal_observation={**LOUD, "largest_effect": 1e-8}))
    assert not told.defects
    assert told.causes[0].cause == "healthy"


@pytest.mark.parametrize("trace", [run(), run(LEARNING), supervised(), Trace()], ids=["bad", "good", "sup", "empty"])
def test_without_dyes_the_rules_of_dyes_change_nothing(trace: Trace) -> None:
    others = [r for r in all_rules() if not isinstance(r, DyeRule)]
    with_dyes, without = diagnose(trace), diagnose(trace, others)
    assert [(c.cause, c.probability) for c in with_dyes.causes] == [(c.cause, c.probability) for c in without.causes]
    assert not {c.cause for c in with_dyes.causes} & {c.id for c in CAUSES if c.if_looked}
    blind = [v for v in with_dyes.verdicts if v.code.startswith("Y")]
    assert {v.status for v in blind} == {"blind"}
    assert {v.reason for v in blind} == {"no dye was planted: `lifesigns dye SCRIPT` does"}


def test_dyes_that_find_nothing_raise_what_is_left() -> None:
    clear = {"terminal_observation": QUIET, "reward": {**LOUD, "parted": False}, "autoreset_rows": QUIET}
    before, after = (
        {c.cause: c.probability for c in diagnose(t).causes} for t in (run(LEARNING), run(LEARNING, **clear))
    )
    assert after["healthy"] == pytest.approx(before["healthy"], rel=0.02)


@pytest.mark.parametrize("trace", [supervised(**SUPERVISED), dyed(Trace(), **SUPERVISED)], ids=["watched", "dyed only"])
def test_supervised_training_has_no_causes_of_reinforcement_learning(trace: Trace) -> None:
    only_rl = {c.id for c in CAUSES if c.only_rl}
    mixed = {"network_rows": {"recalls": [{"network": "N", "rows": 8, "other_rows": 3}]}}
    differ = {"reproducible": {"same": False, "records": 9}}
    for extra in ({}, mixed, differ, {"seeds": {"agent_given": 1, "agent_touched": 0}}):
        told = diagnose(dyed(trace, **{**SUPERVISED, **extra}))
        assert not only_rl & {c.cause for c in told.causes}


def test_a_dye_that_is_not_for_the_run_is_blind_and_says_so() -> None:
    verdicts = {v.code: v for v in diagnose(supervised(**SUPERVISED)).verdicts}
    assert (verdicts["Y501"].status, verdicts["Y501"].reason) == ("blind", "its dye is not for this kind of run")
    assert verdicts["Y601"].status == "clear"


def test_a_case_of_a_dye_is_diagnosed_by_itself() -> None:
    one = dye_case("leak", "terminal-observation", LOUD)
    assert diagnose(one.trace).causes[0].cause == "terminal-state-bootstrapped"
