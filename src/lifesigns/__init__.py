"""lifesigns: why isn't it learning? Diagnoses of unmodified training scripts."""

__version__ = "0.1.0"
