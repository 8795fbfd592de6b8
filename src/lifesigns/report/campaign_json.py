"""A campaign's answer as strict JSON: NaN and the infinities are the strings "nan", "inf" and "-inf"."""

from __future__ import annotations

from typing import Any

from lifesigns.campaign.judge import Judged
from lifesigns.campaign.plan import Plan
from lifesigns.campaign.verdict import CampaignVerdict, VariantVerdict
from lifesigns.compare.variants import VariantsCompared
from lifesigns.report import compare_json, placing
from lifesigns.report.compare_json import number

SCHEMA = 1


def to_json(verdict: CampaignVerdict, variants: VariantsCompared | None, plan: Plan, name: str) -> dict[str, Any]:
    """The whole answer as a dict for `json.dumps(..., allow_nan=False)`."""
    seed = plan.seed_argument
    return {
        "schema": SCHEMA,
        "campaign": name,
        "headline": verdict.headline if variants is None else f"{verdict.headline} {variants.sentence}",
        "explanation": verdict.kind,
        "script": plan.script,
        "arguments": list(plan.arguments),
        "seeds": list(plan.seeds),
        "seed_argument": None if seed.imposed else seed.name,
        "seeds_imposed": seed.imposed,
        "variants": [_variant(v) for v in verdict.variants],
        "settings": [
            {
                "name": s.name,
                "p": number(s.p),
                "decides": s.decides,
                "rates": [{"value": value, "failed": bad, "runs": told} for value, bad, told in s.rates],
            }
            for s in verdict.settings
        ],
        "scores": None if variants is None else _scores(variants),
        "comparison": None
        if variants is None or variants.comparison is None
        else compare_json.to_json(variants.comparison),
    }


def _scores(variants: VariantsCompared) -> dict[str, Any]:
    """What the scores say of the variants, in short."""
    pair = variants.pair
    told = compare_json.pair_to_json(pair) if pair is not None else {}
    keys = ("ahead", "behind", "p", "probability_of_improvement", "more_seeds")
    return {
        "outcome": variants.outcome,
        "settled": variants.settled,
        "sentence": variants.sentence,
        "notes": list(variants.notes),
        "metric": None if variants.comparison is None else variants.comparison.scores.metric.name,
        **{key: told.get(key) for key in keys},
    }


def _variant(one: VariantVerdict) -> dict[str, Any]:
    judged = one.judgement
    return {
        "variant": one.name,
        "metric": judged.metric.name if judged.metric else None,
        "criterion": judged.criterion,
        "failed": len(judged.failed),
        "good": len(judged.good),
        "cannot_tell": len(judged.open),
        "failure_rate": {
            "estimate": number(one.rate.estimate),
            "low": number(one.rate.low),
            "high": number(one.rate.high),
            "level": one.rate.level,
            "method": one.rate.method,
        },
        "failure_rate_upper_bound": number(one.bound),
        "parted_at": None if one.parted is None else {"step": number(one.parted[0]), "clock": one.parted[1]},
        "identical_seeds": [list(g) for g in one.identical],
        "causes": [
            {
                "cause": c.odds.cause,
                "kind": c.odds.kind,
                "title": c.odds.title,
                "probability": number(c.probability),
                "words": c.words,
                "range": list(c.span),
                "failed_runs_with_finding": c.failed_with,
                "good_runs_with_finding": c.good_with,
                "next_test": c.odds.next_test,
            }
            for c in one.causes
        ],
        "defects": [
            {"cause": cause, "location": where, "failed_runs": bad, "good_runs": good}
            for cause, where, bad, good in one.defects
        ],
        "ladder": one.ladder,
        "runs": [_run(r) for r in judged.runs],
    }


def _run(one: Judged) -> dict[str, Any]:
    return {
        "seed": one.run.seed,
        "run": one.run.path.name,
        "ended": one.run.ended,
        "exception": one.run.exception,
        "wall_s": number(one.run.wall_s),
        "final_score": number(one.score),
        "failed": None if one.failed is None else bool(one.failed),
        "why": one.failed or "",
        "placing": placing.to_json(one.run.placing),
    }
