"""Whether an environment is for training or for evaluation, by how it is used.

Flows in: resets, ends and bursts of steps of an `EnvTrack`; out: its `is_eval`. Only `env_track` imports it. While an
environment is the only one of its process, nothing is counted: it is for training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .env_track import EnvTrack


class Use:
    """Tells a training environment from one for evaluation by how it is used.

    An evaluation environment is stepped in bursts that begin with a reset, end with an episode's end and see
    no update, beside another environment that is not; the only environment of a process is for training.
    """

    def __init__(self, track: EnvTrack) -> None:
        self.track = track
        self.bursts = self.whole_bursts = 0
        self.reset_at = self.ended_at = -1
        self.learning_bursts = 0
        _uses.append(self)
        if len(_uses) > 1:
            for use in _uses:
                use._in_company()

    def _in_company(self) -> None:
        """There is another environment now; what came before is one burst for each update."""
        track = self.track
        if not track.alone:
            return
        track.alone = False
        if track.steps:
            update = track.recorder.update
            self.learning_bursts = min(update, track.steps)
            self.bursts = 1 + self.learning_bursts
            self.whole_bursts = int(update == 0 and self.reset_at >= 0)
            _last[0], track.updates_seen = self, update

    def on_reset(self) -> None:
        """The environment was reset."""
        self.reset_at = self.track.steps

    def episode_ended(self) -> None:
        """An episode has ended with this step."""
        self.ended_at = self.track.steps

    def on_burst(self) -> None:
        """A burst begins: a stretch of steps with neither an update nor another environment's step
        between."""
        track, last = self.track, _last[0]
        update, steps = track.recorder.update, track.steps
        self.bursts += 1
        self.learning_bursts += last is self
        just_reset = self.reset_at == steps
        self.whole_bursts += just_reset and (self.ended_at == steps or self.bursts == 1)
        if last is not self:
            if last is not None:
                last.track.updates_seen = -1  # its next step begins a burst
            _last[0] = self
        track.updates_seen = update
        if just_reset:
            self.role()

    def role(self) -> str:
        """ "train" or "eval", as it looks so far."""
        others = [u for u in _uses if u is not self and u.track.steps]
        bursty = self.bursts >= 1 and self.whole_bursts >= 0.9 * self.bursts
        other_learns = any(
            u.learning_bursts > self.learning_bursts or (u.track.steps > self.track.steps and u.bursts > 1)
            for u in others
        )
        self.track.is_eval = bool(others) and bursty and other_learns and self.learning_bursts <= 0.1 * self.bursts
        return "eval" if self.track.is_eval else "train"


_uses: list[Use] = []
_last: list[Use | None] = [None]
"""The environment that was stepped last."""


def forget() -> None:
    """Drops what is known of use; called in a forked worker."""
    _uses.clear()
    _last[0] = None
