from math import log

import pytest

from lifesigns.diagnose import BY_ID, CAUSES, posterior
from lifesigns.diagnose.combine import NOTE_WEIGHT, OUTCOME_GIVEN, UNMET_WEIGHT
from lifesigns.model import Outcome

UNTOLD = Outcome("cannot tell", "")
BAD = Outcome("not learning", "")
GOOD = Outcome("learning", "")
HIGH, LOW, HEALTHY = (BY_ID[c] for c in ("learning-rate-too-high", "learning-rate-too-low", "healthy"))
THREE = (HIGH, LOW, HEALTHY)


def test_without_evidence_the_odds_are_the_priors() -> None:
    odds = posterior(CAUSES, (), (), UNTOLD)
    total = sum(c.prior for c in CAUSES)
    assert odds == pytest.approx({c.id: c.prior / total for c in CAUSES})


def test_two_rules_of_different_folders_multiply_as_in_bayes_theorem(make_rule, verdict) -> None:
    fired = make_rule("D901", {HIGH.id: 0.8, "any fault": 0.1}, 0.05, folder="policy")
    clear = make_rule("D902", {LOW.id: 0.6}, 0.02, folder="gradient")
    odds = posterior(THREE, (fired, clear), (verdict(fired, "fired"), verdict(clear, "clear")), BAD)
    bad = OUTCOME_GIVEN["any fault"]["not learning"]
    weights = {
        HIGH.id: HIGH.prior * bad * 0.8 * 0.98,
        LOW.id: LOW.prior * bad * 0.1 * 0.4,
        HEALTHY.id: HEALTHY.prior * OUTCOME_GIVEN["healthy"]["not learning"] * 0.05 * 0.98,
    }
    assert odds == pytest.approx({k: w / sum(weights.values()) for k, w in weights.items()})


def test_a_second_rule_of_the_same_folder_counts_by_half(make_rule, verdict) -> None:
    rules = [make_rule(f"D90{i}", {HIGH.id: 0.8}, 0.05) for i in range(3)]
    fired = [verdict(r, "fired") for r in rules]
    ratios = []
    for n in (1, 2, 3):
        odds = posterior(THREE, rules, fired[:n], UNTOLD)
        ratios.append(log(odds[HIGH.id] / odds["healthy"] * HEALTHY.prior / HIGH.prior))
    one = log(0.8 / 0.05)
    assert ratios == pytest.approx([one, 1.5 * one, 1.75 * one])


@pytest.mark.parametrize("status", ["blind", "crashed"])
def test_what_could_not_look_says_nothing(make_rule, verdict, status: str) -> None:
    rule = make_rule("D901", {HIGH.id: 0.9})
    assert posterior(CAUSES, (rule,), (verdict(rule, status),), BAD) == posterior(CAUSES, (), (), BAD)


def test_a_note_is_weaker_than_a_warning(make_rule, verdict) -> None:
    rule = make_rule("D901", {HIGH.id: 0.8}, 0.05)
    odds = posterior(THREE, (rule,), (verdict(rule, "fired", "note"),), UNTOLD)
    ratio = odds[HIGH.id] / odds["healthy"] * HEALTHY.prior / HIGH.prior
    assert ratio == pytest.approx((0.8 / 0.05) ** NOTE_WEIGHT)


def test_likelihoods_of_0_and_1_are_clipped(make_rule, verdict) -> None:
    rule = make_rule("D901", {HIGH.id: 1.0, LOW.id: 0.0}, 0.0)
    odds = posterior(THREE, (rule,), (verdict(rule, "fired"),), UNTOLD)
    assert odds[HIGH.id] / odds[LOW.id] == pytest.approx(HIGH.prior / LOW.prior * 999)
    assert all(0 < p < 1 for p in odds.values())


def test_an_exact_finding_comes_first_also_where_the_run_learns(make_rule, verdict) -> None:
    rule = make_rule("D901", {HIGH.id: 0.95}, 0.001)
    exact = verdict(rule, "fired", "error", exact=True)
    assert posterior(CAUSES, (rule,), (exact,), BAD)[HIGH.id] > 0.9
    learned = posterior(CAUSES, (rule,), (exact,), GOOD)
    assert max(learned, key=lambda c: learned[c]) == HIGH.id
    assert learned[HIGH.id] < posterior(CAUSES, (rule,), (exact,), BAD)[HIGH.id]
    given = OUTCOME_GIVEN["any fault"]["learning"] / OUTCOME_GIVEN["healthy"]["learning"]
    expected = HIGH.prior / HEALTHY.prior * given * 0.95 / 0.001
    assert learned[HIGH.id] / learned["healthy"] == pytest.approx(expected)


def test_any_fault_lifts_unnamed_faults_and_the_unknown_but_not_luck_or_short_training(make_rule, verdict) -> None:
    rule = make_rule("D901", {"any fault": 0.5}, 0.05)
    before = posterior(CAUSES, (), (), BAD)
    after = posterior(CAUSES, (rule,), (verdict(rule, "fired"),), BAD)
    lifted = {c.id for c in CAUSES if after[c.id] / after["healthy"] > 2 * before[c.id] / before["healthy"]}
    assert lifted == {c.id for c in CAUSES} - {"healthy", "luck", "too-little-training"}


def test_a_run_cut_short_speaks_for_too_little_training() -> None:
    whole, cut = (posterior(CAUSES, (), (), BAD, cut_short=c)["too-little-training"] for c in (False, True))
    assert cut / (1 - cut) == pytest.approx(2 * whole / (1 - whole))


def test_outcomes_given_a_cause_sum_to_one() -> None:
    for given in OUTCOME_GIVEN.values():
        assert sum(given.values()) == pytest.approx(1.0)


def test_a_cause_that_could_do_nothing_weighs_little_unless_proven(make_rule, verdict) -> None:
    rule, unmet = make_rule("D901", {HIGH.id: 0.8}, 0.05), frozenset({HIGH.id})
    plain, proven = verdict(rule, "fired"), verdict(rule, "fired", "error", exact=True)
    odds, without = (posterior(THREE, (rule,), (plain,), BAD, unmet=u) for u in (frozenset(), unmet))
    assert without[HIGH.id] / without["healthy"] == pytest.approx(UNMET_WEIGHT * odds[HIGH.id] / odds["healthy"])
    assert posterior(THREE, (rule,), (proven,), BAD, unmet=unmet) == posterior(THREE, (rule,), (proven,), BAD)
