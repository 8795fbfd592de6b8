"""Hyperparameters of the PPO run."""

PPO = {
    "learning_rate": 2.5e-3,
    "num_envs": 4,
    "num_steps": 128,
    "num_minibatches": 4,
    "update_epochs": 8,
    "gamma": 0.98,
    "gae_lambda": 0.9,
    "clip_coef": 0.2,
    "ent_coef": 0.01,
    "vf_coef": 0.5,
    "max_grad_norm": 0.5,
}
