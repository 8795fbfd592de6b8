"""Global random streams, put back after an evaluation where a plant asks for it."""

from __future__ import annotations

import sys
from typing import Any


class Streams:
    """Global random streams as they were when an evaluation began."""

    def __init__(self) -> None:
        self.held: tuple[Any, ...] | None = None

    def hold(self) -> None:
        """Remembers the streams at the first call, puts them back at later ones."""
        import random

        import numpy as np

        torch = sys.modules.get("torch")
        if self.held is None:
            self.held = (random.getstate(), np.random.get_state(), torch.get_rng_state() if torch else None)
            return
        random.setstate(self.held[0])
        np.random.set_state(self.held[1])
        if torch and self.held[2] is not None:
            torch.set_rng_state(self.held[2])

    def forget(self) -> None:
        """Training goes on."""
        self.held = None
