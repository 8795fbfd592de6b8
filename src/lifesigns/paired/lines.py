"""Asks for the pairs of runs that log the user's lines, for the dyes whose answer needs one."""

from __future__ import annotations

from lifesigns.paired.experiments import Facts, Lab


def locate_all(lab: Lab, facts: list[Facts]) -> None:
    """Placeholder."""
