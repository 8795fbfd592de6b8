"""Root causes: what each is called, how it is put right, and the cheapest test that would settle it."""

from __future__ import annotations

from lifesigns.diagnose.cause import FAULT_KINDS, Cause, Kind
from lifesigns.diagnose.detected_causes import LANGUAGE_CAUSES, LEARNER_CAUSES, SETUP_CAUSES
from lifesigns.diagnose.dyed_causes import CREDIT_CAUSES, DATA_CAUSES, END_CAUSES
from lifesigns.diagnose.read_causes import READ_CAUSES

__all__ = ["BY_ID", "CAUSES", "FAULT_KINDS", "Cause", "Kind"]

CAUSES: tuple[Cause, ...] = (
    Cause(
        "parameters-not-trained",
        "bug",
        "Parameters that should learn are not in any optimiser",
        remedy="Give the optimiser every trainable module: build the parameter list after all modules "
        "exist, from all of them.",
        next_test="Add the missing module's `.parameters()` to the optimiser, run `lifesigns watch "
        "SCRIPT` again and see whether its update norm leaves 0.",
        prior=3.0,
    ),
    Cause(
        "gradient-path-broken",
        "bug",
        "The gradient is cut between the loss and the parameters",
        remedy="Remove the `.detach()`, `.item()`, `.data`, `torch.no_grad()` or NumPy round trip "
        "between the network's output and the loss.",
        next_test="After one `loss.backward()` print `[n for n, p in net.named_parameters() if p.grad is"
        " None]`: the list must be empty.",
        prior=3.0,
    ),
    Cause(
        "learning-rate-too-high",
        "hyperparameter",
        "The learning rate is too high",
        remedy="Lower the learning rate, or clip the gradient's norm; look at the size of an update "
        "relative to the parameters (about 1e-3).",
        next_test="Divide the learning rate by 10 and run `lifesigns watch SCRIPT` for a tenth of the steps.",
        prior=4.0,
    ),
    Cause(
        "learning-rate-too-low",
        "hyperparameter",
        "The learning rate is too low",
        remedy="Raise the learning rate until the relative size of an update is about 1e-3; check that a"
        " schedule has not driven it to 0.",
        next_test="Multiply the learning rate by 10 and run `lifesigns watch SCRIPT` for a tenth of the steps.",
        prior=3.0,
    ),
    Cause(
        "target-network-not-updated",
        "bug",
        "The target network is never updated",
        remedy="Copy the online network into the target at the interval the algorithm states, or by soft"
        " updates with its τ.",
        next_test="Print the largest difference between target and online parameters at two updates, "
        "1000 apart: it must change.",
        prior=2.0,
        only_rl=True,
    ),
    Cause(
        "target-network-copied-every-step",
        "bug",
        "The target network follows the online network at every step",
        remedy="Copy at an interval (hundreds to thousands of updates), or use a small τ (0.005); check "
        "for two names of one module.",
        next_test="Set the copy interval to 1000 updates (or τ to 0.005) and compare the value loss over"
        " the first tenth of the run.",
        prior=1.5,
        only_rl=True,
    ),
    Cause(
        "time-limit-ignored",
        "bug",
        "Episodes go on after their time limit",
        remedy="Reset on `terminated or truncated`; mask the bootstrapped target with `terminated` alone.",
        next_test="Print the length of each episode: none may be longer than the limit of the environment's spec.",
        prior=1.0,
        only_rl=True,
        if_looked=True,
    ),
    Cause(
        "time-limit-treated-as-terminal",
        "bug",
        "The time limit is treated as if the task had ended",
        remedy="Mask the bootstrap with `terminated` only; on `truncated`, bootstrap from the true last "
        "observation (`final_obs`).",
        next_test="Replace `terminated or truncated` by `terminated` in the target and compare the value"
        " estimates near the limit.",
        prior=2.5,
        only_rl=True,
    ),
    Cause(
        "objective-sign-flipped",
        "bug",
        "The objective has the wrong sign",
        remedy="Optimisers minimise: the policy loss is minus (log-probability × advantage), the entropy"
        " bonus is subtracted.",
        next_test="Negate the policy loss and run 2000 steps: the return must move the other way.",
        prior=2.0,
    ),
    Cause(
        "entropy-bonus-dominates",
        "hyperparameter",
        "The entropy bonus outweighs the reward",
        remedy="Lower the entropy coefficient, or scale rewards or advantages so that their term is the larger one.",
        next_test="Set the entropy coefficient to 0 and run `lifesigns watch SCRIPT` for a tenth of the "
        "steps: entropy must fall.",
        prior=2.0,
        only_rl=True,
    ),
    Cause(
        "premature-determinism",
        "hyperparameter",
        "The policy stopped exploring before it had learned",
        remedy="Add or raise an entropy bonus, lower the learning rate of the policy, keep exploration "
        "noise for longer.",
        next_test="Set the entropy coefficient to 0.01 (or double the exploration steps) and compare the"
        " first third of the run.",
        prior=3.0,
        only_rl=True,
    ),
    Cause(
        "policy-output-saturated",
        "hyperparameter",
        "The policy's output sits at the bounds of the action space",
        remedy="Scale the last layer's initial weights by 0.01, match the action range to the "
        "environment, lower the policy's learning rate.",
        next_test="Print the policy's output before squashing for one batch: most |values| should be below 2.",
        prior=2.0,
        only_rl=True,
    ),
    Cause(
        "reward-carries-no-signal",
        "environment",
        "The reward the agent saw carries no signal",
        remedy="Shape the reward, start nearer to the goal, or raise exploration until some episodes "
        "differ in return; check reward wrappers.",
        next_test="Run 200 episodes of random actions: if all returns are equal, no method that only "
        "sees rewards can start.",
        prior=3.0,
        only_rl=True,
    ),
    Cause(
        "environment-ends-episodes-wrongly",
        "environment",
        "The environment ends episodes wrongly",
        remedy="Check the conditions for `terminated` and `truncated`, the time limit, and what the "
        "script does with each.",
        next_test="Step the environment by hand with a constant action and print (`terminated`, "
        "`truncated`) of the last step of 20 episodes.",
        prior=2.0,
        only_rl=True,
    ),
    Cause(
        "observation-scale",
        "environment",
        "The observations are badly scaled",
        remedy="Normalise observations (running mean and standard deviation, or known bounds) before the first layer.",
        next_test="Wrap the environment in `gymnasium.wrappers.NormalizeObservation` and run a tenth of the steps.",
        prior=2.5,
    ),
    Cause(
        "numerical-overflow",
        "bug",
        "Numbers overflowed: values are no longer finite",
        remedy="Find the first operation that is not finite: a log of 0, a division by a spread of 0, an"
        " exponential, half precision.",
        next_test="Set `torch.autograd.set_detect_anomaly(True)` and run up to the first step that is not finite.",
        prior=2.0,
    ),
    Cause(
        "gradients-accumulate",
        "bug",
        "Gradients of earlier steps are still there at the next step",
        remedy="Call `optimizer.zero_grad()` before each `backward()`.",
        next_test="Put `optimizer.zero_grad()` before `loss.backward()` and compare the gradient norm "
        "over 100 updates.",
        prior=2.0,
    ),
    *CREDIT_CAUSES,
    *END_CAUSES,
    *DATA_CAUSES,
    *LEARNER_CAUSES,
    *SETUP_CAUSES,
    *LANGUAGE_CAUSES,
    *READ_CAUSES,
    Cause(
        "too-little-training",
        "hyperparameter",
        "The run is too short for this problem",
        remedy="Train for longer; compare with the number of steps that published results on this problem take.",
        next_test="Run three times as many steps with the same seed; look whether the return starts to rise.",
        prior=10.0,
    ),
    Cause(
        "luck",
        "luck",
        "This seed was unlucky",
        remedy="Do not change the code for one bad seed; report several seeds with an interval.",
        next_test="Run SCRIPT with three other seeds: luck is the explanation only if most of them learn.",
        prior=6.0,
    ),
    Cause(
        "healthy",
        "healthy",
        "Nothing we found",
        remedy="Nothing to put right in what was looked at; the blind checks say what was not.",
        next_test="Repeat with three other seeds before drawing a conclusion from the result.",
        prior=25.0,
    ),
    Cause(
        "unknown",
        "unknown",
        "Something that no check looks for",
        remedy="Narrow it down: replace the environment by one with a known answer, then the network, "
        "then the algorithm.",
        next_test="Run the same training code on CartPole (or overfit one batch): if that fails as well,"
        " the fault is in the training code.",
        prior=12.0,
    ),
)
BY_ID: dict[str, Cause] = {cause.id: cause for cause in CAUSES}
