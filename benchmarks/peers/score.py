"""When a finding of another tool counts as naming a cause: generous to the others."""

from __future__ import annotations

NAMED_BY: dict[str, set[str]] = {
    "numerical-overflow": {"non_finite", "GS001", "GS002"},
    "learning-rate-too-high": {
        "divergence",
        "loss_spikes",
        "grad_spikes",
        "GS003",
        "GS006",
        "GS008",
        "GS009",
        "LR_TOO_HIGH",
        "update_ratio",
        "loss_dynamics",
    },
    "parameters-not-trained": {"no_learning", "GS005", "GS007", "GS010", "update_ratio", "weight_norm"},
    "gradient-path-broken": {"GS007", "gradient_flow"},
    "premature-determinism": {"POLICY_COLLAPSE"},
    "policy-output-saturated": {"saturation", "dead_units"},
    "observation-scale": {"saturation", "dead_units"},
}
"""cause → findings of others (runmedic's, gradsnitch's, zen-rl's, torchmortem's) that are taken as naming it."""


def verdict_of(tool: str, told: dict, kind: str, expected: str) -> str:
    """named, flagged, quiet, or an error."""
    if "error" in told:
        return "no answer"
    alarms = told["alarms"]
    if tool.startswith("lifesigns"):
        if kind == "broken" and told["causes"][:1] == [expected]:
            return "named"
    elif set(alarms) & NAMED_BY.get(expected, set()):
        return "named" if kind == "broken" else "flagged"
    return "flagged" if alarms else "quiet"


def cell(told: dict | None) -> str:
    """A cell of the table."""
    if not told:
        return ""
    if "error" in told:
        return str(told["error"])[:60]
    return " ".join([*told.get("causes", []), *told["alarms"]]) or "nothing"
