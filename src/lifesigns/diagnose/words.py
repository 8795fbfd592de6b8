"""Words of certainty with fixed ranges of percentages (Kesselman 2008, *Verbal probability expressions*)."""

from __future__ import annotations

WORDS: tuple[tuple[str, int, int], ...] = (
    ("remote", 1, 15),
    ("highly unlikely", 16, 30),
    ("unlikely", 31, 45),
    ("even chance", 46, 55),
    ("likely", 56, 70),
    ("highly likely", 71, 85),
    ("almost certain", 86, 99),
)


def in_words(probability: float) -> tuple[str, tuple[int, int]]:
    """The word for a probability and its range in per cent; 0 and 1 are said as 1 % and 99 %.

    Raises ValueError outside 0…1.
    """
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"expected a probability from 0 to 1, got {probability!r}")
    percent = min(99, max(1, int(100.0 * probability + 0.5)))
    word, low, high = next(row for row in WORDS if percent <= row[2])
    return word, (low, high)
