"""Names under which trainers of language models log: TRL's, verl's, and those of tools that follow them."""

from __future__ import annotations

SERIES_OF: dict[str, str] = {
    "completion_reward": "completions.reward_mean",
    "completion_reward_std": "completions.reward_std",
    "zero_variance_share": "completions.zero_variance_share",
    "reference_kl": "completions.reference_kl",
    "completion_length": "completions.length_mean",
    "truncated_share": "completions.truncated_share",
    "sampler_difference": "completions.sampler_difference",
    "importance_ratio": "completions.importance_ratio",
    "clipped_low_share": "completions.clipped_low_share",
    "clipped_high_share": "completions.clipped_high_share",
    "preference_margin": "preference.margin",
    "preference_accuracy": "preference.accuracy",
    "chosen_reward": "preference.chosen_reward",
    "chosen_logp": "preference.chosen_logp",
}
"""role → series of the catalogue."""

NAMES_OF: dict[str, tuple[str, ...]] = {
    "completion_reward": ("train/reward", "reward", "critic/score/mean", "objective/scores", "objective/rlhf_reward"),
    "completion_reward_std": ("reward_std",),
    "zero_variance_share": ("frac_reward_zero_std",),
    "reference_kl": ("train/kl", "kl", "actor/kl_loss", "objective/kl"),
    "completion_length": ("completions/mean_length", "response_length/mean", "completion_length"),
    "truncated_share": ("completions/clipped_ratio", "response_length/clip_ratio"),
    "sampler_difference": ("sampling/sampling_logp_difference/mean",),
    "importance_ratio": ("sampling/importance_sampling_ratio/mean",),
    "clipped_low_share": ("clip_ratio/low_mean",),
    "clipped_high_share": ("clip_ratio/high_mean",),
    "preference_margin": ("rewards/margins",),
    "preference_accuracy": ("rewards/accuracies",),
    "chosen_reward": ("rewards/chosen",),
    "chosen_logp": ("logps/chosen",),
}
"""role → names, those that say most first (TRL's GRPO, RLOO, DPO and PPO trainers; verl)."""
