"""CFR+ on a game of OpenSpiel with two players, hidden information and zero sum (Tammelin 2014; OpenSpiel's own)."""

from __future__ import annotations

import importlib
import time
from typing import Any

from lifesigns.baselines.problem import Policy, Problem, Slice, blind, evaluate, finish
from lifesigns.planner.ladder import Rung
from lifesigns.planner.properties import Property

MOST_HISTORIES, COUNT_SHARE = 200_000, 0.15
"""Histories of a game above which its tree is not walked, and the share of the time for counting them."""
MOST_ITERATIONS = 2000
METHOD, KIND = "CFR+ (self-play)", "equilibrium"


def cfr(problem: Problem, limit: Slice) -> tuple[Rung, Property]:
    """The average policy of CFR+ played against random players, and its exploitability.

    Exploitability is the mean of what a best response gains against each player's policy, in the game's own payoff;
    0 at an equilibrium.
    """
    pyspiel: Any = importlib.import_module("pyspiel")
    game = problem.world.env.unwrapped.game
    histories = _histories(game, time.monotonic() + COUNT_SHARE * limit.seconds)
    if histories is None:
        why = f"CFR was not run: the tree of the game could not be listed in {COUNT_SHARE * limit.seconds:.1f} s"
        why += f" or has more than {MOST_HISTORIES:,} histories"
        return blind(METHOD, KIND, why), Property("exploitability", None, why)
    begun = time.monotonic()
    uniform = float(pyspiel.exploitability(game, pyspiel.UniformRandomPolicy(game)))
    checking = 2 * (time.monotonic() - begun)
    solver = pyspiel.CFRPlusSolver(game)
    search = limit.part(0.6)
    iterations, until = 0, search.until - checking
    while iterations < MOST_ITERATIONS and (not iterations or time.monotonic() < until):
        solver.evaluate_and_update_policy()
        iterations += 1
    average = solver.average_policy()
    left = float(pyspiel.exploitability(game, average))
    said = f"exploitability {left:.3g} after {iterations} iterations of CFR+ (uniform random play: {uniform:.3g})"
    facts = {"iterations": iterations, "exploitability": left, "uniform": uniform, "histories": histories}
    rung = Rung(METHOD, KIND, evaluate(problem, _policy(problem, average), limit), facts=facts)
    return finish(rung, limit, unfair="knows the rules of the game"), Property("exploitability", left, said)


def _histories(game: Any, until: float) -> int | None:
    """Number of histories of the game; None where the time or the count ran out."""
    waiting, found = [game.new_initial_state()], 0
    while waiting:
        state = waiting.pop()
        found += 1
        if found > MOST_HISTORIES or time.monotonic() > until:
            return None
        if not state.is_terminal():
            waiting += [state.child(a) for a in state.legal_actions()]
    return found


def _policy(problem: Problem, average: Any) -> Policy:
    """Draws from the average policy; it sees what the player to move sees and no more."""
    rng, base = problem.rng(60), problem.world.env.unwrapped

    def act(_: Any) -> Any:
        if base.state.is_terminal():
            return 0
        shares = average.action_probabilities(base.state)
        actions = list(shares)
        p = [max(float(shares[a]), 0.0) for a in actions]
        return int(rng.choice(actions, p=[v / sum(p) for v in p])) if sum(p) > 0 else int(rng.choice(actions))

    return act
