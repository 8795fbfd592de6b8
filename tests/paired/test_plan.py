"""What the undyed run says of a script, read off synthetic logs."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import Writing

from lifesigns.paired import targets
from lifesigns.paired.plan import Plan


def obs(env: int, t: int) -> list[float]:
    return [10.0 * env + t, 1.0]


def dqn(*, evaluate_first: bool = False, networks: dict[str, dict[str, object]] | None = None) -> Plan:
    """One training environment with episodes of 4 and 3 steps, updates from step 5 on, a target network, and an
    environment that is evaluated in one whole episode."""
    known = {"Net#0": {"trained": True, "parameters": 2}, "Net#1": {"trained": False, "parameters": 2}}
    writing = Writing(
        networks=networks or known, envs={"0": {"class": "CartPole", "action": {"type": "Discrete", "n": 2}}}
    )
    part = 1 if evaluate_first else 0
    if evaluate_first:
        evaluate(writing, 0)
    writing.reset(part, obs(part, 0))
    ends = {3: "terminated", 6: "truncated"}
    for t in range(9):
        writing.call("Net#0", [obs(part, t)], [[0.0, 1.0]])
        writing.step(part, 1, 1.0, obs(part, t + 1), ends.get(t, ""))
        if t in ends:
            writing.reset(part, obs(part, 50 + t))
        if t >= 5:
            out = writing.call("Net#0", [obs(part, 0)] * 3, np.ones((3, 2)), True)
            target = writing.call("Net#1", [obs(part, 1)] * 3, np.ones((3, 2)))
            writing.op("sub", np.ones(3), 4, (out, target), True)
            writing.update([1.0])
    if not evaluate_first:
        evaluate(writing, 1)
        writing.update([1.0])
    return Plan(writing.read())


def evaluate(writing: Writing, env: int) -> None:
    writing.reset(env, obs(env, 0))
    for t in range(3):
        writing.call("Net#0", [obs(env, t)], [[0.0, 1.0]])
        writing.step(env, 0, 1.0, obs(env, t + 1), "terminated" if t == 2 else "")


def test_steps_and_episodes() -> None:
    plan = dqn()
    mine = [s for s in plan.steps if s.part == 0]
    assert [s.number for s in mine] == list(range(9))
    assert [s.episode for s in mine] == [0, 0, 0, 0, 1, 1, 1, 2, 2]
    assert [s.in_episode for s in mine] == [1, 2, 3, 4, 1, 2, 3, 1, 2]
    assert [s.end for s in mine] == ["", "", "", "terminated", "", "", "truncated", "", ""]
    assert all(plan.log.kind(s.action) == "action" for s in mine)
    assert plan.is_rl
    assert plan.steps_to_first_update == 6
    assert plan.name_of(0)["class"] == "CartPole"
    assert plan.name_of(7) == {}


def test_a_reset_before_any_step_begins_no_second_episode() -> None:
    writing = Writing()
    writing.reset(0, [0.0])
    writing.reset(0, [0.0])
    writing.step(0, 0, 1.0, [1.0])
    assert [(s.episode, s.in_episode) for s in Plan(writing.read()).steps] == [(0, 1)]


@pytest.mark.parametrize("evaluate_first", [False, True])
def test_environments_for_training_and_for_evaluation(evaluate_first: bool) -> None:
    plan = dqn(evaluate_first=evaluate_first)
    assert plan.train_parts == [int(evaluate_first)]
    assert plan.eval_parts == [int(not evaluate_first)]
    assert {s.part for s in plan.training} == {int(evaluate_first)}


def test_calls_for_acting_and_in_updates() -> None:
    plan = dqn()
    acting = sorted(plan.acting_calls)
    assert len(acting) == 9
    assert all(plan.log.shapes[c] == (1, 2) and c < s.action for c, s in zip(acting, plan.training, strict=True))
    assert [plan.label(c) for c in plan.update_calls[:2]] == ["Net#0", "Net#1"]
    assert not set(acting) & set(plan.update_calls)
    assert plan.with_gradient == {"Net#0"}
    assert plan.calls_named("Net#1").size == 4
    assert plan.calls_named("nothing").size == 0


def test_target_networks_are_those_that_are_never_trained() -> None:
    assert dqn().target_networks == ["Net#1"]
    trained = {"Net#1": {"trained": True, "parameters": 2}}
    assert dqn(networks=trained).target_networks == []
    assert dqn(networks={"Net#1": {"trained": False, "parameters": 0}}).target_networks == []


def test_a_target_policy_that_feeds_a_target_critic_is_left_out() -> None:
    writing = Writing()
    writing.reset(0, [0.0])
    writing.call("Actor#0", [[0.0]], [[0.5]])
    writing.step(0, 0.5, 1.0, [1.0])
    writing.add("input", "TargetActor#1", np.ones((3, 1)))
    action = writing.add("call", "TargetActor#1", np.ones((3, 1)))
    both = writing.op("cat", np.ones((3, 2)), 3, (-1, action))
    writing.call("TargetCritic#2", np.ones((3, 2)), np.ones((3, 1)), parents=(both,))
    writing.call("Critic#3", np.ones((3, 2)), np.ones((3, 1)), True)
    writing.update([1.0])
    plan = Plan(writing.read())
    assert plan.target_networks == ["TargetCritic#2"]
    assert action in plan.ancestors(plan.log.of_kind("input")[2])


def test_observations_that_were_acted_on() -> None:
    plan = dqn()
    assert plan.acted_on[(0, 2)].tolist() == obs(0, 2)
    assert plan.acted_on[(0, 4)].tolist() == obs(0, 53), "after a reset it is the reset's observation"
    assert plan.observations[np.array(obs(0, 2), dtype=np.float32).tobytes()] == [(0, 2)]


def test_windows_of_updates() -> None:
    plan = dqn()
    first, second = plan.grads[:2]
    start, end = plan.window(first)
    assert (plan.log.kind(start - 1), end) == ("end", first)
    assert plan.first_grad == first
    assert all(plan.log.kind(i) not in ("grad", "step", "action") for i in range(start, end))
    assert plan.window(second)[0] > first


def test_the_step_of_the_impulse_is_deep_in_an_episode_and_not_its_last() -> None:
    chosen = dqn().impulse_step()
    assert chosen is not None
    assert (chosen.number, chosen.in_episode, chosen.end) == (2, 3, "")


@pytest.mark.parametrize("envs", [1, 3])
@pytest.mark.parametrize("kept", [True, False])
def test_the_value_that_a_rollout_is_continued_with_where_it_keeps_its_graph(envs: int, kept: bool) -> None:
    writing = Writing(networks={"Net#0": {"trained": True, "parameters": 2}})
    for env in range(envs):
        writing.reset(env, obs(env, 0))
    calls: list[int] = []
    for t in range(9):
        given = [obs(env, t) for env in range(envs)]
        writing.call("Net#0", given if envs > 1 else given[0], np.zeros((envs, 1)), kept)
        for env in range(envs):
            writing.step(env, 0, 1.0, obs(env, t + 1))
        if t == 4:
            after = [obs(env, t + 1) for env in range(envs)]
            calls.append(writing.call("Net#0", after if envs > 1 else after[0], np.zeros((envs, 1)), True))
            writing.update([1.0])
    assert targets.next_calls(Plan(writing.read())) == (calls if kept else [])


def test_a_supervised_log_has_no_steps() -> None:
    writing = Writing()
    writing.call("Net#0", np.ones((2, 3)), np.ones((2, 1)), True)
    writing.update([1.0])
    plan = Plan(writing.read())
    assert not plan.is_rl
    assert (plan.train_parts, plan.eval_parts, plan.impulse_step(), plan.acting_calls) == ([], [], None, set())
    empty = Plan(Writing().read())
    assert (empty.grads, empty.first_grad, empty.steps) == ([], 0, [])


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_where_wrappers_change_observations_those_shown_to_a_network_count(scale: float) -> None:
    writing = Writing(networks={"Net#0": {"trained": True}})
    for part in range(2):
        writing.reset(part, obs(part, 0))
    for t in range(6):
        shown = [[scale * x for x in obs(part, t)] for part in range(2)]
        if t != 3:  # a step without a call, as of an exploring agent
            writing.call("Net#0", shown, [[0.0, 1.0]] * 2)
        for part in range(2):
            writing.step(part, 1, 1.0, obs(part, t + 1))
    writing.update([1.0])
    plan = Plan(writing.read())
    assert plan.acted_on[(1, 2)].tolist() == [scale * x for x in obs(1, 2)]
    assert ((0, 3) in plan.acted_on) == (scale == 1.0)
    assert plan.dims == 2
