"""What no measurement can tell: the questions that are left to the user, and the option that answers each (M16)."""

from __future__ import annotations

from dataclasses import dataclass

from lifesigns.planner.cost import CORE_HOUR


@dataclass(frozen=True)
class Question:
    """A question, the option that answers it, and what was taken as the answer here.

    `answered` is false where that is an assumption.
    """

    question: str
    flag: str
    answer: str
    answered: bool


@dataclass(frozen=True)
class Answers:
    """What the user said; None or false where nothing was said."""

    hours: float | None = None
    """Core-hours that RL may cost."""
    core_hour: float | None = None
    """Dollars for an hour of one core."""
    real: bool = False
    """Whether learning happens on a real system, in its own time."""
    bad_episode: float | None = None
    """Dollars that one bad episode costs."""


def questions(given: Answers, target: float | None, target_source: str, real_known: bool = True) -> list[Question]:
    """All five, answered or not; `real_known` says whether the length of a step is known."""
    named = target is not None and target_source == "named by you"
    score = "none: no verdict rests on one" if target is None else f"{target:g}, {target_source}"
    real = "in this simulation alone"
    if given.real:
        real = "on a real system: learning is no faster than its own time"
        real += "" if real_known else ", but the environment does not say how long a step is, so the cost leaves it out"
    bad, price = given.bad_episode, CORE_HOUR if given.core_hour is None else given.core_hour
    return [
        Question("Does it learn on a real system?", "--real", real, given.real),
        Question(
            "What does one bad episode cost?",
            "--bad-episode DOLLARS",
            "nothing" if bad is None else f"${bad:g}",
            bad is not None,
        ),
        Question("Which score is enough?", "--target RETURN", score, named),
        Question(
            "How much time is there until the deadline?",
            "--hours CORE_HOURS",
            "without end" if given.hours is None else f"{given.hours:g} core-hours",
            given.hours is not None,
        ),
        Question(
            "What does an hour of one core cost?", "--core-hour DOLLARS", f"${price:g}", given.core_hour is not None
        ),
    ]
