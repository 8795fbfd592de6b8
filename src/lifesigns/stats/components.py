"""Components of variance of a crossed design with repeats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Components:
    """Variances due to the rows, the columns, rows and columns together, and the repeats within a cell.

    Without repeats `together` is 0 and `within` holds both.
    """

    rows: float
    columns: float
    together: float
    within: float

    @property
    def total(self) -> float:
        return self.rows + self.columns + self.together + self.within


def crossed(table: NDArray[np.float64]) -> Components:
    """ANOVA estimates of the two-way random model with interaction; `table` is [row, column, repeat], all finite.

    Estimates below 0 are 0. Raises ValueError with fewer than two rows or columns. Source: Searle, Casella and
    McCulloch, *Variance Components* (1992), section 4.
    """
    if table.ndim != 3 or table.shape[0] < 2 or table.shape[1] < 2:
        raise ValueError(f"expected [row, column, repeat] with two rows and columns or more, got shape {table.shape}")
    s, p, r = table.shape
    cell, row, column, mean = table.mean(2), table.mean((1, 2)), table.mean((0, 2)), table.mean()
    ms_row = p * r * float(((row - mean) ** 2).sum()) / (s - 1)
    ms_column = s * r * float(((column - mean) ** 2).sum()) / (p - 1)
    ms_cell = r * float(((cell - row[:, None] - column[None, :] + mean) ** 2).sum()) / ((s - 1) * (p - 1))
    within = float(((table - cell[:, :, None]) ** 2).sum()) / (s * p * (r - 1)) if r > 1 else ms_cell
    return Components(
        max((ms_row - ms_cell) / (p * r), 0.0),
        max((ms_column - ms_cell) / (s * r), 0.0),
        max((ms_cell - within) / r, 0.0),
        within,
    )
