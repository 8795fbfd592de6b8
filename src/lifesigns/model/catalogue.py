"""Every series that a recorder may write: its clock, unit, kind of subject and meaning."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One row of the catalogue; `wide` series have one column per parameter, layer or dimension."""

    clock: str
    unit: str
    kind: str
    meaning: str
    wide: bool = False


SERIES: dict[str, Entry] = {
    "run.env_steps": Entry("wall", "steps", "run", "environment steps so far, all training environments"),
    "run.updates": Entry("wall", "steps", "run", "optimiser steps so far, all optimisers"),
    "run.episodes": Entry("wall", "episodes", "run", "finished episodes so far"),
    "run.own_share": Entry("wall", "share", "run", "recorder's own measured share of wall time so far"),
    "run.memory_mb": Entry("wall", "MB", "run", "resident memory of the process"),
    "run.cpu_share": Entry("wall", "cores", "run", "processor time over wall time since the last sample"),
    "run.open_files": Entry("wall", "files", "run", "open file descriptors of the process"),
    "run.gpu_share": Entry("wall", "share", "run", "share of the last second in which the GPU was busy"),
    "precision.loss_scale": Entry("update", "", "run", "scale of the loss in mixed precision"),
    "optimizer.learning_rate": Entry("update", "", "optimizer", "largest learning rate of the groups"),
    "optimizer.parameter_norm": Entry("update", "", "optimizer", "‖θ‖₂ of each parameter before the step", True),
    "optimizer.gradient_norm": Entry(
        "update", "", "optimizer", "‖g‖₂ as the step sees it; 0 where there is none", True
    ),
    "optimizer.gradient_present": Entry("update", "0/1", "optimizer", "whether `.grad` was set at the step", True),
    "optimizer.update_norm": Entry("update", "", "optimizer", "‖Δθ‖₂ of the step", True),
    "optimizer.backwards_per_step": Entry("update", "calls", "optimizer", "backward calls since its last step"),
    "optimizer.zero_grads_per_step": Entry(
        "update", "calls", "optimizer", "steps that found gradients cleared since the last one: mean calls"
    ),
    "optimizer.gradient_noise_ratio": Entry(
        "update", "", "optimizer", "gradient noise scale over batch size, tr(Σ)/(B‖G‖²), from Adam's averages"
    ),
    "gradient.total_norm": Entry("backward", "", "run", "what clip_grad_norm_ returned"),
    "loss.value": Entry("backward", "", "loss", "the tensor that backward was called on"),
    "loss.target_mean": Entry("update", "", "loss", "mean target of a squared or Huber loss in a sampled batch"),
    "loss.target_max_abs": Entry("update", "", "loss", "largest |target| in that batch"),
    "loss.target_negative_share": Entry("update", "share", "loss", "share of targets below 0 in that batch"),
    "loss.classes": Entry("update", "classes", "loss", "classes of a negative log-likelihood loss"),
    "loss.ignored_share": Entry("update", "share", "loss", "share of its targets that are ignored in a sampled batch"),
    "loss.cross_entropy": Entry("update", "nats", "loss", "mean −log p of its other targets in that batch"),
    "loss.initial_cross_entropy": Entry(
        "backward", "nats", "loss", "the same before the first optimiser step, of weights that nothing was loaded into"
    ),
    "network.input_mean": Entry("update", "", "network", "mean of each input component over the batch", True),
    "network.input_std": Entry(
        "update", "", "network", "standard deviation of each input component over the batch", True
    ),
    "network.input_max_abs": Entry("update", "", "network", "largest |x| of each input component in the batch", True),
    "network.unowned_gradient_norm": Entry(
        "update", "", "network", "‖g‖₂ of trainable parameters that no optimiser holds", True
    ),
    "layer.zero_share": Entry("update", "share", "network", "share of exact zeros in a layer's output", True),
    "layer.saturated_share": Entry(
        "update",
        "share",
        "network",
        "share of |h| ≥ 0.99 in a tanh's, or h outside 0.01…0.99 in a sigmoid's output",
        True,
    ),
    "layer.output_rms": Entry("update", "", "network", "root mean square of a layer's output", True),
    "layer.output_max_abs": Entry("update", "", "network", "largest |h| of a layer's output", True),
    "layer.output_row_std": Entry(
        "update", "", "network", "standard deviation of a layer's output over the batch, mean over units", True
    ),
    "layer.dormant_share": Entry(
        "update", "share", "network", "share of a layer's units with E|h| ≤ 0.025 of the layer's mean", True
    ),
    "layer.effective_rank_share": Entry(
        "update", "share", "network", "(tr C)²/‖C‖² of a layer's output over the most that rows and units allow", True
    ),
    "network.inference_in_training_mode": Entry(
        "update", "0/1", "network", "whether dropout or batch normalisation ran without gradient in training mode"
    ),
    "target.distance": Entry("update", "share", "target", "‖θ − θ′‖ / ‖θ‖ of a network and its copy"),
    "target.change": Entry("update", "", "target", "‖Δθ′‖ of the copy since the last sample"),
    "target.online_change": Entry("update", "", "target", "‖Δθ‖ of the network since the last sample"),
    "env.episode_return": Entry("env_step", "reward", "env", "sum of the rewards of an episode, as the agent saw them"),
    "env.episode_raw_return": Entry(
        "env_step", "reward", "env", "the same before reward wrappers, where it could be read"
    ),
    "env.episode_length": Entry("env_step", "steps", "env", "length of an episode"),
    "env.episode_truncated": Entry(
        "env_step", "0/1", "env", "whether it was cut off by a limit, not ended by the task"
    ),
    "env.reward_mean": Entry("env_step", "reward", "env", "mean reward of the steps since the last sample"),
    "env.reward_std": Entry("env_step", "reward", "env", "their standard deviation"),
    "env.reward_min": Entry("env_step", "reward", "env", "their minimum"),
    "env.reward_max": Entry("env_step", "reward", "env", "their maximum"),
    "env.reward_term_abs": Entry(
        "env_step", "reward", "env", "mean |x| of each `reward_…` entry of the info of sampled steps", True
    ),
    "env.observation_mean": Entry(
        "env_step", "", "env", "mean of each observation component since the last sample", True
    ),
    "env.observation_std": Entry("env_step", "", "env", "its standard deviation", True),
    "env.observation_max_abs": Entry("env_step", "", "env", "its largest |x|", True),
    "env.new_observation_share": Entry(
        "env_step", "share", "env", "share of sampled observations in cells (half a standard deviation) not seen before"
    ),
    "env.action_share": Entry("env_step", "share", "env", "how often each discrete action was taken", True),
    "env.action_mean": Entry("env_step", "", "env", "mean of each action component", True),
    "env.action_std": Entry("env_step", "", "env", "its standard deviation", True),
    "env.action_saturated_share": Entry(
        "env_step", "share", "env", "share of actions within 1 % of the range of a bound or beyond it", True
    ),
    "env.action_outside_share": Entry("env_step", "share", "env", "share of actions strictly outside the bounds", True),
    "policy.entropy": Entry("env_step", "nats", "policy", "mean entropy of the categorical distributions of a call"),
    "policy.relative_entropy": Entry("env_step", "share", "policy", "that entropy divided by ln(number of actions)"),
    "policy.std": Entry("env_step", "", "policy", "mean standard deviation of a Gaussian policy, by component", True),
    "bootstrap.final_observation_valued": Entry(
        "env_step",
        "0/1",
        "env",
        "whether the last observation of a truncated episode reached a network before the next update",
    ),
    "bootstrap.next_observation_valued": Entry(
        "env_step", "0/1", "env", "control: whether an ordinary observation did, byte for byte"
    ),
    "bootstrap.bare_rows": Entry(
        "update", "rows", "loss", "targets in a sampled batch equal to the bare reward of a time-limit step"
    ),
    "bootstrap.rows": Entry("update", "rows", "loss", "targets in that batch"),
    "rollout.advantage_mean": Entry("env_step", "", "run", "mean advantage of a rollout before normalisation"),
    "rollout.advantage_std": Entry("env_step", "", "run", "its standard deviation"),
    "rollout.start_value": Entry("env_step", "", "run", "mean value of the first states of a rollout's whole episodes"),
    "rollout.start_return": Entry("env_step", "", "run", "mean discounted return of those episodes"),
    "rollout.terminal_correlation": Entry(
        "env_step", "share", "run", "correlation of the last state's value and the last reward over recent episodes"
    ),
    "rollout.penultimate_correlation": Entry("env_step", "share", "run", "the same with the value of the state before"),
    "replay.size": Entry("env_step", "rows", "run", "transitions in the replay buffer"),
    "replay.reward_differs_share": Entry(
        "env_step", "share", "run", "share of them whose reward is not the median reward"
    ),
    "replay.terminal_share": Entry("env_step", "share", "run", "share of them that end an episode"),
    "baseline.random_return": Entry("episode", "reward", "env", "returns of uniformly random actions, measured apart"),
    "baseline.constant_return": Entry(
        "episode", "reward", "env", "returns of each constant action, measured apart", True
    ),
    "env.mean_return": Entry("env_step", "reward", "env", "mean return of recent episodes, as a logger was given it"),
    "env.mean_episode_length": Entry(
        "env_step", "steps", "env", "mean length of recent episodes, as a logger was given it"
    ),
    "env.success_rate": Entry("env_step", "share", "env", "share of recent episodes that succeeded, as logged"),
    "learner.policy_loss": Entry("update", "", "run", "loss of the policy, as logged"),
    "learner.value_loss": Entry("update", "", "run", "loss of the value function or critic, as logged"),
    "learner.validation_loss": Entry("update", "", "run", "loss on held-out data, as logged"),
    "learner.entropy": Entry(
        "update", "nats", "run", "mean entropy of the policy, as logged; differential (may be < 0) for Gaussians"
    ),
    "learner.kl": Entry("update", "nats", "run", "KL(old ‖ new) of an update, as logged"),
    "learner.clip_fraction": Entry("update", "share", "run", "share of ratios outside the clip range, as logged"),
    "learner.explained_variance": Entry(
        "update", "share", "run", "1 − Var(return − value) / Var(return) of a rollout, as logged"
    ),
    "learner.policy_std": Entry("update", "", "run", "mean standard deviation of a Gaussian policy, as logged"),
    "learner.q_value": Entry("update", "", "run", "mean Q of a batch, as logged"),
    "learner.exploration_rate": Entry("env_step", "share", "run", "ε of ε-greedy, as logged"),
    "learner.entropy_coefficient": Entry("update", "", "run", "weight of the entropy (α of SAC), as logged"),
    "learner.policy_lag": Entry(
        "update", "updates", "run", "updates between the policy that acted and the one that learns, as logged"
    ),
    "learner.attention_logit": Entry("update", "", "run", "largest attention logit, as logged"),
    "env.win_rate": Entry("env_step", "share", "env", "share of recent games won, as logged"),
    "env.elo": Entry("env_step", "Elo", "env", "rating against other players, as logged"),
    "completions.reward_mean": Entry("update", "reward", "run", "mean reward of the completions of a step, as logged"),
    "completions.reward_std": Entry("update", "reward", "run", "standard deviation of their rewards, as logged"),
    "completions.zero_variance_share": Entry(
        "update", "share", "run", "share of groups of completions that all have one reward, as logged"
    ),
    "completions.reference_kl": Entry("update", "nats", "run", "KL to the reference model, as logged"),
    "completions.length_mean": Entry("update", "tokens", "run", "mean length of a completion, as logged"),
    "completions.truncated_share": Entry("update", "share", "run", "share of completions cut off, as logged"),
    "completions.sampler_difference": Entry(
        "update", "nats", "run", "mean |log p| difference between sampler and trainer, as logged"
    ),
    "completions.importance_ratio": Entry("update", "", "run", "mean of p(trainer) / p(sampler), as logged"),
    "completions.clipped_low_share": Entry("update", "share", "run", "share of ratios clipped below, as logged"),
    "completions.clipped_high_share": Entry("update", "share", "run", "share of ratios clipped above, as logged"),
    "preference.margin": Entry("update", "", "run", "implicit reward of chosen minus rejected answers, as logged"),
    "preference.accuracy": Entry("update", "share", "run", "share of pairs with the chosen answer ahead, as logged"),
    "preference.chosen_reward": Entry("update", "", "run", "implicit reward of chosen answers, as logged"),
    "preference.chosen_logp": Entry("update", "nats", "run", "log-probability of chosen answers, as logged"),
    "dye.gradient_effect": Entry(
        "update", "share", "dye", "‖g′ − g‖ / ‖g‖ of each gradient, dyed against undyed; 0 where every bit is the same"
    ),
    "dye.update_effect": Entry("update", "share", "dye", "the same of each optimiser step's change of the parameters"),
    "dye.response": Entry(
        "rank", "reward", "dye", "responses of returns, advantages or targets to one reward 1 higher, largest first"
    ),
}
"""Names of series a logger was given start with `log.` and are not listed."""


def is_known(name: str) -> bool:
    """Whether `name` is in the catalogue or is a user's own logged name."""
    return name in SERIES or name.startswith("log.")
