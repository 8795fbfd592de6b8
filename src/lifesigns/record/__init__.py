"""Runs an unmodified script and records it: observe-only taps, official hooks first, nothing that can raise
into it.

Imported inside the user's process: modules here import neither numpy nor torch before the user's program
does, and never a rule.
"""
