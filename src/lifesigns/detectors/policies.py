"""Which torch distributions are the policy of an environment."""

from __future__ import annotations

from lifesigns.rules import CannotTell, View


def require_policy(view: View) -> None:
    """Raises `CannotTell` for a distribution that is not over the actions of an environment that was seen."""
    if view.subject.info.get("matches_action_space") is False:
        raise CannotTell("this distribution is not over the actions of an environment that was seen")
