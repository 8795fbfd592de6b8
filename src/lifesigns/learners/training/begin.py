"""From a learner's name to a trained one: the only door to `training/`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from lifesigns.baselines.environment import World
from lifesigns.baselines.spaces import Actions, Features
from lifesigns.learners.settings import Dqn as DqnSettings
from lifesigns.learners.settings import Naf as NafSettings
from lifesigns.learners.settings import OffPolicy, Settings
from lifesigns.learners.settings import Ppo as PpoSettings
from lifesigns.learners.settings import Sac as SacSettings
from lifesigns.learners.training import off_policy, ppo
from lifesigns.learners.training.course import Course
from lifesigns.learners.training.dqn import Dqn
from lifesigns.learners.training.naf import Naf
from lifesigns.learners.training.sac import Sac
from lifesigns.learners.training.worlds import Worlds

Learner = Dqn | Naf | Sac | ppo.Ppo


def course_of(
    make: Callable[[], World], seeds: Sequence[int], actions: Actions, features: Features, settings: Settings
) -> Course:
    """Environments for training and for evaluation, `make` called once for each."""
    each = settings.envs if isinstance(settings, PpoSettings) else 1
    worlds = Worlds(make, seeds, actions, features, each)
    return Course(seeds, worlds, Worlds(make, seeds, actions, features), settings.steps)


def train(course: Course, settings: Settings) -> Learner:
    """Trains the learner that the settings are of; one thread, so that the same seeds give the same numbers."""
    torch.set_num_threads(1)
    actions, features = course.worlds.actions, course.worlds.features
    size = (course.seeds, features.n, actions.n)
    if isinstance(settings, PpoSettings):
        made = ppo.Ppo(*size, actions.kind == "discrete", settings)
        ppo.train(course, made, settings)
        return made
    learner: Dqn | Naf | Sac
    if isinstance(settings, DqnSettings):
        learner = Dqn(*size, settings)
    elif isinstance(settings, NafSettings):
        learner = Naf(*size, settings)
    else:
        assert isinstance(settings, SacSettings)
        learner = Sac(*size, settings)
    assert isinstance(settings, OffPolicy)
    off_policy.train(course, learner, settings)
    return learner
