import numpy as np
import pytest

from lifesigns.diagnose import CAUSES, diagnose
from lifesigns.model import Evidence, Finding, Location, Subject, Trace
from lifesigns.model.series import series

NOT_LEARNING = np.random.default_rng(0).normal(20, 5, 90)
LEARNING = NOT_LEARNING + np.linspace(0, 200, 90)


def trace(returns=NOT_LEARNING, **meta: object) -> Trace:
    env = Subject("env/0", "env", "CartPole-v1", info={"role": "train"})
    return Trace(
        {"script": "train.py", "run": "r1", **meta},
        {"env/0": env},
        (series("env.episode_return", "env_step", returns, subject="env/0"),),
    )


def finding(code: str, severity: str = "warning", step: float = 0.0, line: int = 1, exact: bool = False) -> Finding:
    evidence = (Evidence("s", "run", 1.0, 0.5, step=step),)
    return Finding(code, "r", f"{code}@{step}", severity, "run", evidence, Location("t.py", line, "x"), exact)  # type: ignore[arg-type]


def cause(diagnosis, key: str):
    return next(c for c in diagnosis.causes if c.cause == key)


def test_without_rules_healthy_and_unknown_are_there_and_the_order_is_by_probability() -> None:
    told = diagnose(trace(LEARNING), rules=())
    assert told.run == "r1"
    assert told.causes[0].cause == "healthy"
    assert "unknown" in {c.cause for c in told.causes}
    odds = [c.probability for c in told.causes]
    assert odds == sorted(odds, reverse=True)
    assert all(p >= 0.01 for p in odds)


def test_unknown_stays_below_one_per_cent_and_others_do_not(make_rule) -> None:
    rules = [
        make_rule(f"D90{i}", {"gradients-accumulate": 0.99, "any fault": 0.001}, 0.001, f, [finding(f"D90{i}")])
        for i, f in enumerate(("policy", "gradient"))
    ]
    told = diagnose(trace(), rules)
    assert [c.cause for c in told.causes] == ["gradients-accumulate", "unknown"]
    assert told.causes[1].probability < 0.01
    assert told.causes[0].words == "almost certain"
    assert told.causes[0].range == (86, 99)


def test_evidence_is_ordered_by_strength_then_exactness_severity_and_step(make_rule) -> None:
    weak = make_rule("D901", {"luck": 0.1, "observation-scale": 0.2}, 0.05, "env", [finding("D901", line=9)])
    several = [finding("D902", "note", 1), finding("D902", "error", 7), finding("D902", "error", 3)]
    proven = finding("D902", "note", 99, line=42, exact=True)
    strong = make_rule("D902", {"observation-scale": 0.9}, 0.01, "policy", [*several, proven])
    told = cause(diagnose(trace(), [weak, strong]), "observation-scale")
    assert [(f.code, f.severity, f.evidence[0].step) for f in told.findings] == [
        ("D902", "note", 99),
        ("D902", "error", 3),
        ("D902", "error", 7),
        ("D902", "note", 1),
        ("D901", "warning", 0),
    ]
    assert told.location == Location("t.py", 42, "x")


def test_a_rule_that_speaks_against_a_cause_is_not_its_support(make_rule) -> None:
    against = make_rule("D901", {"luck": 0.15, "observation-scale": 0.5}, 0.2, findings=[finding("D901")])
    told = diagnose(trace(), [against])
    assert cause(told, "luck").findings == ()


def test_defects_are_the_exact_findings_and_only_those(make_rule) -> None:
    exact = make_rule(
        "D901",
        {"gradients-accumulate": 0.9, "any fault": 0.95},
        0.001,
        findings=[finding("D901", exact=True)],
    )
    crossed = make_rule("D902", {"observation-scale": 0.9}, findings=[finding("D902", "error")])
    told = diagnose(trace(), [crossed, exact])
    assert [(d.cause, d.finding.code) for d in told.defects] == [("gradients-accumulate", "D901")]
    assert {f.code for f in told.findings} == {"D901", "D902"}


def test_in_a_run_that_learns_a_proven_defect_says_so(make_rule) -> None:
    rule = make_rule("D901", {"gradients-accumulate": 0.95}, 0.001, findings=[finding("D901", exact=True)])
    told = diagnose(trace(LEARNING), [rule])
    assert len(told.defects) == 1
    assert told.causes[0].cause == "gradients-accumulate"
    assert told.causes[0].title.endswith("(present, yet this run learns)")


def test_the_next_test_names_the_script_of_the_run() -> None:
    told = diagnose(trace(script="my/{odd}.py"), ())
    assert "my/{odd}.py" in cause(told, "luck").next_test
    assert not any("SCRIPT" in c.next_test for c in told.causes)


def test_basis_says_how_much_was_measured(make_rule) -> None:
    rules = [
        make_rule("D901", {"luck": 0.5}, basis="measured", folder="env"),
        make_rule("D902", {"luck": 0.5, "healthy": 0.1}, basis="assumed", folder="policy"),
    ]
    assert cause(diagnose(trace(), rules), "luck").basis == "partly measured: 1 of 2 likelihoods measured"
    assert cause(diagnose(trace(), rules[:1]), "luck").basis == "measured: 1 of 1 likelihoods"
    assert cause(diagnose(trace(), ()), "luck").basis.startswith("assumed")


def test_a_crashing_rule_is_counted_and_ends_nothing(make_rule) -> None:
    rules = [make_rule("D901", {"luck": 0.5}, error=ZeroDivisionError("x")), make_rule("D902", {"luck": 0.5})]
    told = diagnose(trace(ended="killed", wall_s=3.5), rules)
    seen = told.coverage
    assert [seen[k] for k in ("checks", "fired", "clear", "blind", "crashed")] == [2, 0, 1, 0, 1]
    assert (seen["stopped_early"], seen["ended"], seen["wall_s"], seen["episodes"]) == (
        True,
        "killed",
        3.5,
        90.0,
    )
    assert seen["env_steps"] == 89.0


def test_supervised_training_has_no_reinforcement_learning_causes(make_rule) -> None:
    subjects = {
        "loss/0": Subject("loss/0", "loss", "loss"),
        "optimizer/0": Subject("optimizer/0", "optimizer", "o"),
    }
    losses = (series("loss.value", "backward", np.ones(60), subject="loss/0"),)
    plain = Trace({}, subjects, losses)
    only_rl = {c.id for c in CAUSES if c.only_rl}
    assert not only_rl & {c.cause for c in diagnose(plain, ()).causes}
    pointing = make_rule("D901", {"reward-carries-no-signal": 0.9}, 0.01, findings=[finding("D901")])
    assert cause(diagnose(plain, [pointing]), "reward-carries-no-signal").probability > 0.3


def test_every_cause_is_complete() -> None:
    assert len({c.id for c in CAUSES}) == len(CAUSES) >= 45
    for one in CAUSES:
        assert one.title
        assert one.remedy.endswith(".")
        assert one.next_test.endswith(".")
        assert one.prior > 0
        assert one.basis


@pytest.mark.parametrize("meta", [{"ended": "finished"}, {"ended": "crashed"}, {}])
def test_an_empty_trace_is_diagnosed_with_all_installed_rules(meta: dict) -> None:
    told = diagnose(Trace(meta))
    assert told.outcome.learning == "cannot tell"
    assert told.coverage["fired"] == told.coverage["crashed"] == 0
    assert sum(c.probability for c in told.causes) <= 1.0 + 1e-9
