"""Whether RL is the right tool: measured properties, the ladder of baselines, cost, verdict. Pure; runs nothing."""

from lifesigns.planner.ladder import Ladder, Rung

__all__ = ["Ladder", "Rung"]
