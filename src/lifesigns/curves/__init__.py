"""Public learning curves, and what they say about a run that is not finished."""

from lifesigns.curves.public import Curves, atari, mujoco

__all__ = ["Curves", "atari", "mujoco"]
