"""What a rule is: its base class, its page, its cases, and how rules are found. No rule lives here."""

from lifesigns.rules.base import CannotTell, Likelihood, Rule, View
from lifesigns.rules.cases import Case, case
from lifesigns.rules.discovery import all_rules, rule_by_code
from lifesigns.rules.run import run_rule, run_rules

__all__ = [
    "CannotTell",
    "Case",
    "Likelihood",
    "Rule",
    "View",
    "all_rules",
    "case",
    "rule_by_code",
    "run_rule",
    "run_rules",
]
