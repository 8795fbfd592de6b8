"""Deep Q-learning on CartPole with Tianshou, in the manner of its examples."""

import argparse
import random

import gymnasium as gym
import numpy as np
import torch
from tianshou.algorithm import DQN
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, CollectStats, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.trainer import OffPolicyTrainerParams
from tianshou.utils.net.common import Net


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="CartPole-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=10_000)
    parser.add_argument("--num-envs", type=int, default=4)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--buffer-size", type=int, default=20_000)
    parser.add_argument("--learning-starts", type=int, default=500)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--gamma", type=float, default=0.97)
    parser.add_argument("--n-step", type=int, default=3)
    parser.add_argument("--target-update-interval", type=int, default=100, help="in gradient steps")
    parser.add_argument("--epoch-steps", type=int, default=2_000)
    parser.add_argument("--eval-episodes", type=int, default=5)
    return parser.parse_args()


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    train_envs = DummyVectorEnv([lambda: gym.make(args.env_id) for _ in range(args.num_envs)])
    test_envs = DummyVectorEnv([lambda: gym.make(args.env_id)])
    train_envs.seed(args.seed)
    test_envs.seed(args.seed + 10_000)
    action_space, observation_space = train_envs.action_space[0], train_envs.observation_space[0]
    for number, space in enumerate(train_envs.action_space):
        space.seed(args.seed + number)

    network = Net(state_shape=observation_space.shape, action_shape=int(action_space.n), hidden_sizes=[64, 64])
    policy = DiscreteQLearningPolicy(
        model=network, action_space=action_space, observation_space=observation_space, eps_training=0.1
    )
    algorithm = DQN(
        policy=policy,
        optim=AdamOptimizerFactory(lr=args.learning_rate),
        gamma=args.gamma,
        n_step_return_horizon=args.n_step,
        target_update_freq=args.target_update_interval,
    )
    buffer = VectorReplayBuffer(args.buffer_size, args.num_envs)
    training_collector = Collector[CollectStats](algorithm, train_envs, buffer, exploration_noise=True)
    test_collector = Collector[CollectStats](algorithm, test_envs)
    training_collector.reset()
    training_collector.collect(n_step=args.learning_starts, random=True)

    def report(epoch, step):
        print(f"epoch={epoch} step={step}", flush=True)

    result = algorithm.run_training(
        OffPolicyTrainerParams(
            training_collector=training_collector,
            test_collector=test_collector,
            max_epochs=max(1, args.total_timesteps // args.epoch_steps),
            epoch_num_steps=args.epoch_steps,
            collection_step_num_env_steps=8,
            update_step_num_gradient_steps_per_sample=0.25,
            test_step_num_episodes=args.eval_episodes,
            batch_size=args.batch_size,
            test_fn=report,
            verbose=False,
            show_progress=False,
        )
    )
    print(f"evaluation: best mean return {result.best_reward:.1f} over {args.eval_episodes} episodes")
    train_envs.close()
    test_envs.close()


if __name__ == "__main__":
    main()
