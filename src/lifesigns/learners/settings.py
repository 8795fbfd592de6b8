"""The settings of the reference learners, and how a user changes them by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

LEARNERS = ("dqn", "naf", "ppo", "sac")
FOR_DISCRETE, FOR_CONTINUOUS = ("dqn", "ppo"), ("sac", "naf", "ppo")
"""The learners for each kind of action; the first is taken where none is named."""


class SettingError(ValueError):
    """A setting that does not exist or cannot have that value; the message is a sentence for the user."""


@dataclass(frozen=True)
class Settings:
    """What all learners share. Steps are environment steps of one seed."""

    steps: int = 20_000
    lr: float = 1e-3
    gamma: float = 0.99
    width: int = 64
    """Units of each of the two hidden layers."""
    batch: int = 64
    reward_scale: float = 0.0
    """Factor of every reward; 0: one over the root mean square of the rewards of the warm-up (PPO: so far)."""
    bootstrap_truncated: bool = True
    """Whether the value after a time limit is bootstrapped; False is a common fault, kept for comparison."""


@dataclass(frozen=True)
class OffPolicy(Settings):
    """Learners with a replay buffer: one update each `update_every` steps, after `warm_up` steps of random actions."""

    warm_up: int = 500
    update_every: int = 1
    tau: float = 0.005
    """Share of the new weights in each update of the target network."""
    buffer: int = 100_000


@dataclass(frozen=True)
class Dqn(OffPolicy):
    """Double DQN (van Hasselt et al. 2016) with Huber loss and a slowly moving target network; the learning rate falls
    in a line over the run, without which a policy that was found is lost again."""

    lr_end: float = 0.05
    """Share of the learning rate that is left at the end."""
    epsilon_end: float = 0.05
    exploration: float = 0.3
    """Share of the steps in which epsilon falls from 1 to its end."""


@dataclass(frozen=True)
class Naf(OffPolicy):
    """Normalised advantage functions (Gu et al. 2016), Gaussian exploration noise that falls over the run."""

    steps: int = 10_000
    width: int = 100
    noise: float = 0.3
    noise_end: float = 0.03


@dataclass(frozen=True)
class Sac(OffPolicy):
    """Soft actor-critic (Haarnoja et al. 2018) with small networks, two critics and a tuned temperature."""

    steps: int = 10_000
    tau: float = 0.01


@dataclass(frozen=True)
class Ppo(Settings):
    """Proximal policy optimisation (Schulman et al. 2017) on `envs` environments of each seed."""

    steps: int = 50_000
    envs: int = 4
    rollout: int = 256
    """Steps of each environment between updates."""
    epochs: int = 10
    lam: float = 0.95
    clip: float = 0.2
    entropy: float = 0.0
    max_grad_norm: float = 0.5


KINDS: Mapping[str, type[Settings]] = {"dqn": Dqn, "naf": Naf, "ppo": Ppo, "sac": Sac}
POSITIVE = ("steps", "width", "batch", "update_every", "buffer", "envs", "rollout", "epochs")


def settings_of(learner: str, changed: Mapping[str, Any] | Sequence[str] = ()) -> Settings:
    """The settings of a learner, some of them changed: a mapping, or words `name=value`.

    Raises SettingError with a sentence for the user.
    """
    if learner not in KINDS:
        raise SettingError(f"expected a learner out of {', '.join(LEARNERS)}, got `{learner}`")
    plain = KINDS[learner]()
    known = {f.name: type(getattr(plain, f.name)) for f in fields(plain)}
    asked = dict(changed) if isinstance(changed, Mapping) else dict(_split(word) for word in changed)
    values: dict[str, Any] = {}
    for name, value in asked.items():
        if name not in known:
            raise SettingError(f"{learner} has no setting `{name}`; it has {', '.join(known)}")
        values[name] = _read(name, value, known[name])
    return replace(plain, **values)


def settings_json(settings: Settings) -> dict[str, Any]:
    """Name → value."""
    return asdict(settings)


def learner_for(kind: str, asked: str) -> str:
    """The learner for actions of this kind (`discrete`, `continuous`); raises SettingError where the one asked for
    cannot be used."""
    fitting = FOR_DISCRETE if kind == "discrete" else FOR_CONTINUOUS
    if not asked:
        return fitting[0]
    if asked not in fitting:
        raise SettingError(f"`{asked}` is not for {kind} actions; use {' or '.join(fitting)}")
    return asked


def _split(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise SettingError(f"expected `name=value` for a setting, got `{word}`")
    return name.strip().replace("-", "_"), value.strip()


def _read(name: str, value: Any, kind: type) -> Any:
    """The value as the setting's type."""
    try:
        if kind is bool:
            found: Any = {"true": True, "false": False, "1": True, "0": False}[str(value).lower()]
        elif kind is int:
            found = int(str(value).replace("_", "")) if not isinstance(value, int) else value
        else:
            found = float(value)
    except (ValueError, KeyError, TypeError):
        said = {bool: "true or false", int: "a whole number", float: "a number"}[kind]
        raise SettingError(f"expected {said} for `{name}`, got `{value}`") from None
    if name in POSITIVE and found < 1:
        raise SettingError(f"expected at least 1 for `{name}`, got `{value}`")
    return found
