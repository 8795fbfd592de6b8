"""Root causes that only some detectors speak of; where none of them could look they are part of `unknown`."""

from __future__ import annotations

from lifesigns.diagnose.cause import Cause, Kind


def _detected(
    id: str, title: str, remedy: str, next_test: str, prior: float, *, kind: Kind = "bug", only_rl: bool = True
) -> Cause:
    return Cause(id, kind, title, remedy, next_test, prior, only_rl=only_rl, if_looked=True)


LEARNER_CAUSES: tuple[Cause, ...] = (
    _detected(
        "updates-never-made",
        "Training does not begin within this run",
        "Let learning start within a few per cent of the budget; compare warm-up, rollout length and batch size with "
        "the total number of steps.",
        "Set the step at which learning starts to 100 and run 2,000 steps: updates must be counted.",
        1.0,
    ),
    _detected(
        "value-estimates-diverge",
        "The value estimates run away from what can be earned",
        "Hold the target network still for longer, take the smaller of two critics, lower the learning rate, check the "
        "terminal mask and the discount.",
        "Set the discount to 0: the values must settle at the mean reward of a step.",
        1.5,
    ),
    _detected(
        "value-learns-nothing",
        "The value function learns nothing of the returns",
        "Check that targets and observations belong to the same steps, that the value head gets a gradient, and the "
        "scale of the targets.",
        "Fit the value head alone on one fixed batch for 500 steps: its loss must fall to next to 0.",
        1.5,
    ),
    _detected(
        "network-loses-capacity",
        "The network loses the ability to learn",
        "Lower the learning rate, add layer normalisation or weight decay, reset dormant units now and then.",
        "Train a fresh copy of the network on the present buffer: if it fits better than the old one, the old one has "
        "lost its capacity.",
        0.7,
        kind="hyperparameter",
    ),
    _detected(
        "overfits",
        "The model fits its training data and no longer the held-out data",
        "Stop at the lowest held-out loss; add data, augmentation or regularisation.",
        "Train on half of the data: if the gap grows, it is overfitting; if not, the held-out data differ.",
        2.0,
        kind="hyperparameter",
        only_rl=False,
    ),
    _detected(
        "resource-leak",
        "Memory, files or time leak from step to step",
        "Keep numbers instead of tensors, close what is opened, limit every list.",
        "Run SCRIPT for a tenth and for a fifth of the steps: memory at the end must be the same.",
        0.3,
        only_rl=False,
    ),
)

SETUP_CAUSES: tuple[Cause, ...] = (
    _detected(
        "evaluation-differs",
        "The evaluation is set up differently from the training",
        "Use the same wrappers, and the training's normalisation statistics frozen; put the network in evaluation "
        "mode.",
        "Evaluate in the training environment itself with sampled actions: the return must be that of training.",
        1.5,
    ),
    _detected(
        "environments-identical",
        "The parallel environments live through the same episodes",
        "Give each environment its own seed.",
        "Print the first observation of each environment: they must differ.",
        0.7,
    ),
    _detected(
        "returns-never-logged",
        "The script never logs a return although episodes end",
        "Read the return from where this version of the library puts it, and log it at the end of each episode.",
        "Print `info` at the end of one episode.",
        0.7,
    ),
    _detected(
        "reward-misspecified",
        "The reward pays for something other than the goal",
        "Pay for the goal, and shape only by potentials; watch episodes, not curves.",
        "Watch the best of the last ten episodes.",
        1.5,
        kind="environment",
    ),
)

LANGUAGE_CAUSES: tuple[Cause, ...] = (
    _detected(
        "sampler-trainer-mismatch",
        "Sampler and trainer are not the same model",
        "Use one precision, the same weights and chat template in both, or correct by truncated importance sampling.",
        "Score one batch of samples with both and print the largest difference of log-probabilities.",
        1.0,
        only_rl=False,
    ),
    _detected(
        "preference-data-or-reference-wrong",
        "The preference pairs or the reference model are not what they should be",
        "Check which answer is chosen, the template, and that the reference is the model that the policy starts as.",
        "Print five pairs as the loss sees them, and the first loss: it must be ln 2.",
        1.0,
        only_rl=False,
    ),
    _detected(
        "completion-limit-too-short",
        "The length limit cuts completions off",
        "Raise the limit, or mask cut-off completions in the loss; check the end token.",
        "Sample 20 completions with twice the limit and count how many end by themselves.",
        1.0,
        kind="hyperparameter",
        only_rl=False,
    ),
)
