"""A callback that evaluates the policy now and then."""

import numpy as np
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.evaluation import evaluate_policy


class EvaluateAndLog(BaseCallback):
    """Runs the deterministic policy on an environment of its own and prints both kinds of return."""

    def __init__(self, eval_env, interval, episodes, seed):
        super().__init__()
        self.eval_env, self.interval, self.episodes, self.seed = eval_env, interval, episodes, seed
        self.scores = []

    def _on_step(self):
        if self.n_calls % self.interval == 0:
            self.eval_env.seed(self.seed)
            score, _ = evaluate_policy(self.model, self.eval_env, self.episodes, deterministic=True)
            self.scores.append(score)
            episodes = [episode["r"] for episode in list(self.model.ep_info_buffer)[-10:]]
            training = float(np.mean(episodes)) if episodes else float("nan")
            print(f"step={self.num_timesteps} episodic_return={training:.1f} evaluation={score:.1f}", flush=True)
        return True
