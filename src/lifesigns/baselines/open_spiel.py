"""A game of OpenSpiel as an environment: the first player moves, the others play at random, chance is drawn.

`lifesigns env open_spiel:tic_tac_toe`. An action that is not legal stands for the next legal one, so that the action
space is the same in each state. Rewards are the first player's.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

LONGEST = 10_000


class SpielEnv:
    """Gymnasium's interface, spaces included; raises ImportError where OpenSpiel or Gymnasium is missing."""

    metadata: dict[str, Any] = {}
    render_mode = None
    spec = None

    def __init__(self, game: str, player: int = 0, **parameters: Any) -> None:
        pyspiel: Any = importlib.import_module("pyspiel")
        spaces: Any = importlib.import_module("gymnasium.spaces")
        self.game, self.player = pyspiel.load_game(game, parameters), player
        kind = self.game.get_type()
        if kind.dynamics != pyspiel.GameType.Dynamics.SEQUENTIAL:
            raise ValueError(f"`{game}` is not played in turns")
        if not (kind.provides_observation_tensor or kind.provides_information_state_tensor):
            raise ValueError(f"`{game}` gives no tensor of what a player sees")
        self._informed = bool(kind.provides_information_state_tensor)
        size = self.game.information_state_tensor_size() if self._informed else self.game.observation_tensor_size()
        self.action_space = spaces.Discrete(self.game.num_distinct_actions())
        self.observation_space = spaces.Box(-np.inf, np.inf, (int(size),), np.float32)
        self.np_random = np.random.default_rng(0)
        self.state: Any = None

    @property
    def unwrapped(self) -> SpielEnv:
        return self

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self.np_random = np.random.default_rng(seed)
        self.state = self.game.new_initial_state()
        self._others()
        return self._seen(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        before = self._return()
        if not self.state.is_terminal():
            legal = self.state.legal_actions()
            self.state.apply_action(next((a for a in legal if a >= int(action)), legal[0]))
            self._others()
        return self._seen(), self._return() - before, bool(self.state.is_terminal()), False, {}

    def _return(self) -> float:
        return float(self.state.returns()[self.player])

    def _others(self) -> None:
        """Chance and the other players, until it is our turn or the game is over."""
        for _ in range(LONGEST):
            if self.state.is_terminal() or self.state.current_player() == self.player:
                return
            if self.state.is_chance_node():
                actions, shares = zip(*self.state.chance_outcomes(), strict=True)
                self.state.apply_action(int(self.np_random.choice(actions, p=np.array(shares) / sum(shares))))
            else:
                self.state.apply_action(int(self.np_random.choice(self.state.legal_actions())))

    def _seen(self) -> Any:
        if self.state.is_terminal():
            return np.zeros(self.observation_space.shape, np.float32)
        tell = self.state.information_state_tensor if self._informed else self.state.observation_tensor
        return np.array(tell(self.player), np.float32)

    def close(self) -> None: ...


def roles(env: Any) -> tuple[int, bool, bool] | None:
    """(players, whether what one wins the others lose, whether all is seen); None for what is no game of OpenSpiel."""
    base = getattr(env, "unwrapped", env)
    if not isinstance(base, SpielEnv):
        return None
    pyspiel: Any = importlib.import_module("pyspiel")
    kind = base.game.get_type()
    zero_sum = kind.utility in (pyspiel.GameType.Utility.ZERO_SUM, pyspiel.GameType.Utility.CONSTANT_SUM)
    return (
        base.game.num_players(),
        bool(zero_sum),
        kind.information == pyspiel.GameType.Information.PERFECT_INFORMATION,
    )
