"""What each dye showed, one line a dye: planted how often, what answered, what was read off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from lifesigns.model import Finding, Trace
from lifesigns.model.finding import SEVERITIES
from lifesigns.report.figures import number, plain

Data = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One dye: its name, what was changed, what answered, and the codes of the rules that it fired, worst first."""

    dye: str
    planted: str
    answer: str
    blind: bool = False
    codes: tuple[str, ...] = ()


PLANTED: Mapping[str, str] = {
    "reproducible": "nothing: the script run twice",
    "reward": "one reward in sixteen 1 higher",
    "discounting": "one reward, one value 1 higher: how far back",
    "reward-sign": "the same reward: which way outputs are pulled",
    "reward-pairing": "the same reward: beside which observation",
    "reward-scaling": "one reward 1, then 100 higher",
    "episode-boundary": "first reward of each episode 1 higher",
    "terminal-observation": "observations of terminal states",
    "truncated-end": "last observations of truncated episodes",
    "next-episode": "first observations of the next episodes",
    "autoreset-rows": "rewards of rows that autoreset inserts",
    "episode-memory": "observations of one episode",
    "environment-rows": "one observation of one environment",
    "observation": "every observation",
    "observation-copy": "observations handed out as copies",
    "action": "nothing: actions of updates against executed ones",
    "first-ratio": "nothing: the first importance ratio",
    "target-network": "outputs of target networks 1 higher",
    "detached-target": "values of next observations detached",
    "evaluation": "rewards and observations of evaluation",
    "labels": "every label",
    "inputs": "every input",
    "validation": "validation data",
    "unreached-parameters": "nothing: gradients of the undyed run",
    "network-rows": "one row, one later token, padding",
    "collating": "one sample's input, then its label",
    "broadcast": "[N, 1] against [N] computed row by row",
    "output-row": "one row of a network's output",
    "not-a-number": "nothing: every operation watched for NaN",
    "seeds": "other seeds",
}


def dye_rows(trace: Trace, findings: Iterable[Finding] = ()) -> list[Row]:
    """The rows of all dyes of a run, in the order in which they were read, with the findings on each."""
    names = {s.id: s.name for s in trace.of_kind("dye")}
    codes: dict[str, list[str]] = {}
    for one in sorted(findings, key=lambda f: SEVERITIES.index(f.severity), reverse=True):
        codes.setdefault(one.subject, []).append(one.code)
    found: list[Row] = []
    for event in trace.events:
        if event.kind == "dye" and event.subject in names:
            name = names[event.subject]
            blind = event.data.get("blind")
            text = str(blind) if blind else _answer(name, event.data)
            fired = tuple(dict.fromkeys(codes.get(event.subject, ())))
            found.append(Row(name, PLANTED.get(name, ""), plain(text), bool(blind), fired))
    return found


def _answer(name: str, data: Data) -> str:
    try:
        special = ANSWERS.get(name)
        return special(data) if special is not None else _gradients(data)
    except (KeyError, TypeError, ValueError):
        return "answered"


def _gradients(data: Data) -> str:
    touched, of = data.get("gradients_touched", 0), data.get("gradients", 0)
    if not touched:
        return f"none of {of} gradients changed"
    largest = float(data.get("largest_effect", float("nan")))
    size = f", by {number(largest)} of their size at most" if isfinite(largest) else ""
    return f"{touched} of {of} gradients changed{size}"


def _reproducible(data: Data) -> str:
    if not data["same"]:
        return "the two runs differ"
    twins = [str(t) for t in data.get("in_process") or ()]
    return f"bit for bit the same ({number(data.get('records'))} records){''.join(f'; {t}' for t in twins)}"


def _set(data: Data, kind: str) -> str:
    given = sorted({float(v) for _, v in data.get("settings", {}).get(kind, [])})
    return f" (set: {', '.join(number(v) for v in given)})" if given else ""


def _discounting(data: Data) -> str:
    decay, gamma, weight = data.get("decay"), data.get("gamma"), data.get("bootstrap_weight")
    count = int(data.get("responses", 0))
    if weight is not None:
        horizon = f", n = {count}{_set(data, 'n_step')}" if count > 1 else ""
        return f"γ = {number(float(weight) ** (1.0 / max(count, 1)))}{_set(data, 'gamma')}{horizon}"
    if decay is None:
        return f"{count} response{'s' if count != 1 else ''}"
    if gamma is not None:
        return f"γ = {number(gamma)}{_set(data, 'gamma')}, λ = {number(decay / gamma)}{_set(data, 'lambda')}"
    return f"each step back answers {number(decay)} of the next{_set(data, 'gamma')}{_set(data, 'lambda')}"


def _sign(data: Data) -> str:
    pulls = [f"{k} {'toward it' if v > 0 else 'away from it'}" for k, v in data.get("pulls", {}).items()]
    actor: Data = data.get("actor") or {}
    if actor.get("cut"):
        pulls.append(f"no gradient leads from {actor['critic']} to the policy")
    elif actor:
        pulls.append(f"policy raises {actor['critic']}" if actor["sign"] < 0 else f"policy lowers {actor['critic']}")
    return ", ".join(pulls)


def _pairing(data: Data) -> str:
    total = data["right"] + data["shifted"] + data["other_environment"]
    return f"{data['right']} of {total} stand beside their own observation"


def _scaling(data: Data) -> str:
    return f"moves it by {number(data['moved_by_1'])} and by {number(100 * data['moved_by_100'])}"


def _boundary(data: Data) -> str:
    return f"{data['crossing_rows']} rows of earlier episodes answer"


def _memory(data: Data) -> str:
    return f"{data['touched']} calls for acting in the next {data['steps']} steps answer"


def _rows(data: Data) -> str:
    return "other rows answer" if data["other_rows"] else "its own row alone answers"


def _observation(data: Data) -> str:
    return (
        f"{data['acting_touched']} of {data['acting_calls']} calls for acting and {data['learning_touched']} of "
        f"{data['learning_calls']} in updates answer"
    )


def _copies(data: Data) -> str:
    return "nothing answers" if not data["records_touched"] else _gradients(data)


def _action(data: Data) -> str:
    return f"{data['right']} of {data['right'] + data['wrong']} are the executed ones"


def _ratio(data: Data) -> str:
    return f"at most {number(data['largest'])} from 1 in {data['rows']} rows"


def _unreached(data: Data) -> str:
    never = {k: len(v.get("never", [])) for k, v in data["optimizers"].items()}
    return ", ".join(f"{k}: {n or 'no'} parameter{'' if n == 1 else 's'} without a gradient" for k, n in never.items())


def _recalls(data: Data) -> str:
    mixed = [r["network"] for r in data["recalls"] if r.get("other_rows") or r.get("other_positions")]
    ahead = [r["network"] for r in data["recalls"] if r.get("causal_labels") and r.get("earlier_positions")]
    text = f"{len(data['recalls'])} network{'' if len(data['recalls']) == 1 else 's'} called again"
    return f"{text}; what must not move moved in {', '.join(sorted({*mixed, *ahead}))}" if mixed or ahead else text


def _collating(data: Data) -> str:
    return f"{data['tried'] - data['apart']} of {data['tried']} samples keep their label in a batch"


def _broadcast(data: Data) -> str:
    return _gradients(data) if data["places"] else "no such operation on the way to a loss"


def _nans(data: Data) -> str:
    found = data.get("found")
    return f"first in `{found['operation']}`" if found else f"none in the first {data['updates']} updates"


def _seeds(data: Data) -> str:
    parts = [
        f"{label}: {number(data[key])} records answer"
        for label, key in (("agent", "agent_touched"), ("environment", "env_touched"))
        if key in data
    ]
    return ", ".join(parts)


def _after(data: Data) -> str:
    return f"{data['touched_after']} of {data['gradients_after']} later gradients changed"


ANSWERS: Mapping[str, Callable[[Data], str]] = {
    "reproducible": _reproducible,
    "discounting": _discounting,
    "reward-sign": _sign,
    "reward-pairing": _pairing,
    "reward-scaling": _scaling,
    "episode-boundary": _boundary,
    "episode-memory": _memory,
    "environment-rows": _rows,
    "observation": _observation,
    "observation-copy": _copies,
    "action": _action,
    "first-ratio": _ratio,
    "unreached-parameters": _unreached,
    "network-rows": _recalls,
    "collating": _collating,
    "broadcast": _broadcast,
    "output-row": _rows,
    "not-a-number": _nans,
    "seeds": _seeds,
    "evaluation": _after,
    "validation": _after,
}
