"""Turns findings into an answer: what happened, which defects are present, what explains the outcome."""

from lifesigns.diagnose.causes import BY_ID, CAUSES, Cause
from lifesigns.diagnose.combine import posterior
from lifesigns.diagnose.diagnosis import diagnose, explain
from lifesigns.diagnose.outcome import outcome_of
from lifesigns.diagnose.words import WORDS, in_words

__all__ = ["BY_ID", "CAUSES", "WORDS", "Cause", "diagnose", "explain", "in_words", "outcome_of", "posterior"]
