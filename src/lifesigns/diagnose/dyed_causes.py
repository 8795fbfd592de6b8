"""Root causes that dyes tell apart; without a dye they are part of `unknown`."""

from __future__ import annotations

from lifesigns.diagnose.cause import Cause, Kind


def _dyed(
    id: str, title: str, remedy: str, next_test: str, prior: float, *, kind: Kind = "bug", only_rl: bool = True
) -> Cause:
    return Cause(id, kind, title, remedy, next_test, prior, only_rl=only_rl, if_looked=True)


CREDIT_CAUSES: tuple[Cause, ...] = (
    _dyed(
        "reward-not-learned-from",
        "The rewards never reach what is learned",
        "Follow the reward from `env.step` to the loss: a variable overwritten, a column of the buffer never written "
        "or never read.",
        "Multiply all rewards by 0 and run 100 updates: if the losses are the same, they are not used.",
        1.5,
    ),
    _dyed(
        "discounting-differs",
        "The discounting that the code does is not the one that is set",
        "Multiply γ (and λ) in once per step, γ to the power n beside n rewards, and use the argument that was parsed.",
        "Compute the returns of one short episode by hand and compare them with the code's.",
        1.5,
    ),
    _dyed(
        "credit-crosses-episodes",
        "Credit runs on from one episode into the one before it",
        "Cut the sum of rewards where `terminated` or `truncated` of the same step is set.",
        "Give the recursion two episodes of two steps with known rewards: the first one's returns must not hold the "
        "second one's.",
        1.5,
    ),
    _dyed(
        "batch-misaligned",
        "Rows of a batch hold parts of different steps",
        "Write all parts of a transition at one index, after `step`; shuffle all arrays by one permutation.",
        "Print one stored transition beside the step it came from: observation, action, reward and end must agree.",
        1.5,
    ),
    _dyed(
        "scored-action-differs",
        "The update scores another action than the one that was executed",
        "Store the action that `env.step` was given, after exploration and before the next one is chosen.",
        "Assert at each step that the stored action is the one that `env.step` was given.",
        1.0,
    ),
    _dyed(
        "wrong-importance-ratio",
        "New and old log-probabilities are not computed alike",
        "Compute both from the same observations, actions, recurrent states and shapes, with the same corrections.",
        "Print the largest |ratio - 1| of the first minibatch, before any update: it must be below 1e-5.",
        1.5,
    ),
    _dyed(
        "gradient-through-target",
        "The gradient flows through the target",
        "Compute the target under `torch.no_grad()`, or `.detach()` it.",
        "Assert that `target.requires_grad` is False before the loss.",
        1.0,
    ),
    _dyed(
        "target-network-misused",
        "The target network acts, or is not used for the target",
        "Act by the online network, and take the next values of the target from the target network.",
        "Fill the target network's output with 100: targets must change, actions must not.",
        1.5,
    ),
    _dyed(
        "reward-transformed",
        "Rewards are scaled, clipped or normalised on the way",
        "Keep it if it is meant; compare results by the unchanged reward.",
        "Remove the clipping or scaling and run `lifesigns watch SCRIPT` for a tenth of the steps.",
        1.0,
        kind="hyperparameter",
    ),
)
END_CAUSES: tuple[Cause, ...] = (
    _dyed(
        "terminal-state-bootstrapped",
        "Terminal states are bootstrapped like any other",
        "Multiply the next value by `1 - terminated` of the same step.",
        "Print the target of one terminal step: it must be the reward alone.",
        2.0,
    ),
    _dyed(
        "next-episode-as-next-state",
        "The next episode's start stands in for the last state of the one before",
        'Store the observation that `step` returned before the reset; in vector environments `infos["final_obs"]`.',
        "Print the stored next observation of one last step beside what `reset` returned: they must differ.",
        1.5,
    ),
    _dyed(
        "autoreset-rows-trained",
        "Rows that an autoreset inserts are trained on",
        "Use `AutoresetMode.SAME_STEP`, or leave out each row whose previous step ended an episode.",
        "Count the rows whose previous step ended an episode in one batch: there must be none.",
        1.5,
    ),
    _dyed(
        "memory-crosses-episodes",
        "Memory outlives the end of an episode",
        "Set recurrent states to 0, and clear stacks and wrapper attributes, where an episode begins.",
        "Print the recurrent state (or the stack) at the first steps of two episodes: they must be the same.",
        1.5,
    ),
    _dyed(
        "stored-data-overwritten",
        "Stored observations are overwritten by later ones",
        "Copy observations where the environment fills one array again, or where they are stored.",
        "Assert that the first two stored observations differ, and that neither shares memory with the newest.",
        1.0,
    ),
    _dyed(
        "evaluation-changes-training",
        "Evaluation changes what is learned",
        "Give evaluation its own environment, wrappers, random generators and `eval()` mode.",
        "Run SCRIPT with and without evaluation from one seed: the losses must be the same.",
        1.0,
    ),
)
DATA_CAUSES: tuple[Cause, ...] = (
    _dyed(
        "observation-ignored",
        "What is observed does not reach the network",
        "Follow the input from its source to the first layer: a variable that is never renewed, a slice, a clip.",
        "Print the network's output for two different inputs: they must differ.",
        1.0,
        only_rl=False,
    ),
    _dyed(
        "observation-ignored-in-updates",
        "A network that updates train sees no observation",
        "Print what each network is given in two updates: a column of the batch never written, a slice, a clip.",
        "Print the value of two different stored observations: they must differ.",
        1.0,
    ),
    _dyed(
        "environment-rows-mixed",
        "Rows of environments that run side by side are mixed",
        "Swap [steps, environments] by `transpose`, not by `reshape`; give each environment its own memory.",
        "Let environment k observe only k: rows of the batch must come out in the order that actions and rewards have.",
        1.0,
    ),
    _dyed(
        "rows-mixed",
        "Rows of a batch are mixed with one another",
        "Swap axes by `transpose`, not by `view`; make [N, 1] and [N] the same shape before they meet.",
        "Print the shapes on both sides of the loss, and run one row alone: its output must be that within the batch.",
        1.5,
        only_rl=False,
    ),
    _dyed(
        "labels-not-learned",
        "The labels never reach the loss",
        "Follow the labels from the loader to the loss: a variable overwritten, a mask that leaves none over.",
        "Shuffle the labels and run 100 updates: if the losses are the same, they are not used.",
        1.5,
        only_rl=False,
    ),
    _dyed(
        "future-leak",
        "The network sees the tokens that it is to predict",
        "Mask all later places in attention; pad convolutions on the left only.",
        "Change the last token of an input: no output before it may change.",
        1.0,
        only_rl=False,
    ),
    _dyed(
        "padding-leak",
        "Padding changes the outputs for real tokens",
        "Pass the mask of padding to attention, pack sequences, and divide means by true lengths.",
        "Run one sequence alone and padded by ten places: the outputs must be the same.",
        1.0,
        only_rl=False,
    ),
    _dyed(
        "validation-leak",
        "Validation data change what is learned",
        "Call `model.eval()` and `torch.no_grad()` in validation; compute statistics from the training data only.",
        "Run SCRIPT with the validation left out, from one seed: the training losses must be the same.",
        1.0,
        only_rl=False,
    ),
    _dyed(
        "not-reproducible",
        "The run cannot be repeated from its seeds",
        "Seed every generator from the script's seed: action spaces, loaders, environments; keep the clock out of it.",
        "Run SCRIPT twice with one seed: the first ten losses must be the same.",
        1.5,
        only_rl=False,
    ),
    _dyed(
        "seed-ignored",
        "A seed that is set has no effect",
        "Pass the seed on to all that draws: `reset(seed=seed)` in wrappers, and seeding before networks are made.",
        "Run SCRIPT with two seeds: the first observations and the first losses must differ.",
        1.0,
        only_rl=False,
    ),
)
