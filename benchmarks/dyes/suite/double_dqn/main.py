"""Double deep Q-learning on CartPole: the online network picks the next action, the target network rates it.

One environment, a deque of transitions, an agent class; the target follows by Polyak averaging. A greedy episode is
played now and then on an environment of its own.
"""

import argparse
import random
from collections import deque, namedtuple

import gymnasium as gym
import numpy as np
import torch
from torch import nn

Transition = namedtuple("Transition", "state action reward next_state terminated")


class QNet(nn.Module):
    def __init__(self, state_size, action_size, width=96):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(state_size, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.head = nn.Linear(width, action_size)

    def forward(self, state):
        return self.head(self.body(state))


class Agent:
    def __init__(self, state_size, action_size, args):
        self.action_size = action_size
        self.gamma, self.tau, self.batch_size = args.gamma, args.tau, args.batch_size
        self.online = QNet(state_size, action_size)
        self.target = QNet(state_size, action_size)
        self.target.load_state_dict(self.online.state_dict())
        self.target.requires_grad_(False)
        self.optimizer = torch.optim.Adam(self.online.parameters(), lr=args.lr)
        self.memory = deque(maxlen=args.memory_size)
        self.epsilon, self.epsilon_end, self.epsilon_decay = 1.0, args.epsilon_end, args.epsilon_decay

    def greedy(self, state):
        with torch.no_grad():
            q = self.online(torch.from_numpy(state).unsqueeze(0))
        return q.argmax(dim=1).item()

    def act(self, state):
        if random.random() < self.epsilon:
            return random.randrange(self.action_size)
        return self.greedy(state)

    def remember(self, *transition):
        self.memory.append(Transition(*transition))

    def learn(self):
        batch = Transition(*zip(*random.sample(self.memory, self.batch_size), strict=True))
        states = torch.from_numpy(np.stack(batch.state))
        next_states = torch.from_numpy(np.stack(batch.next_state))
        actions = torch.tensor(batch.action).unsqueeze(1)
        rewards = torch.tensor(batch.reward, dtype=torch.float32).unsqueeze(1)
        alive = 1.0 - torch.tensor(batch.terminated, dtype=torch.float32).unsqueeze(1)

        best = self.online(next_states).argmax(dim=1, keepdim=True)
        next_q = self.target(next_states).gather(1, best)
        y = rewards + self.gamma * alive * next_q
        q = self.online(states).gather(1, actions)
        loss = nn.functional.mse_loss(q, y)

        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.online.parameters(), 10.0)
        self.optimizer.step()
        self.follow()
        self.epsilon = max(self.epsilon_end, self.epsilon * self.epsilon_decay)
        return loss.item()

    @torch.no_grad()
    def follow(self):
        for slow, fast in zip(self.target.parameters(), self.online.parameters(), strict=True):
            slow.mul_(1.0 - self.tau).add_(self.tau * fast)


def greedy_episode(agent, env_id, seed):
    env = gym.make(env_id)
    state, _ = env.reset(seed=seed)
    score, over = 0.0, False
    while not over:
        state, reward, terminated, truncated, _ = env.step(agent.greedy(state))
        score += reward
        over = terminated or truncated
    env.close()
    return score


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="CartPole-v1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--total-timesteps", type=int, default=15_000)
    parser.add_argument("--learning-starts", type=int, default=300)
    parser.add_argument("--memory-size", type=int, default=20_000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--gamma", type=float, default=0.98)
    parser.add_argument("--tau", type=float, default=0.01)
    parser.add_argument("--epsilon-end", type=float, default=0.03)
    parser.add_argument("--epsilon-decay", type=float, default=0.999)
    parser.add_argument("--train-every", type=int, default=2)
    parser.add_argument("--eval-every", type=int, default=1_000)
    args = parser.parse_args()

    torch.set_num_threads(1)
    random.seed(args.seed)
    torch.manual_seed(args.seed)
    env = gym.make(args.env_id)
    agent = Agent(env.observation_space.shape[0], int(env.action_space.n), args)

    scores, score = deque(maxlen=20), 0.0
    state, _ = env.reset(seed=args.seed)
    for step in range(1, args.total_timesteps + 1):
        action = agent.act(state)
        next_state, reward, terminated, truncated, _ = env.step(action)
        agent.remember(state, action, reward, next_state, terminated)
        score += reward
        state = next_state
        if terminated or truncated:
            scores.append(score)
            score = 0.0
            state, _ = env.reset()
        if step > args.learning_starts and step % args.train_every == 0:
            loss = agent.learn()
        if step % args.eval_every == 0:
            greedy_score = greedy_episode(agent, args.env_id, seed=args.seed + step)
            mean = np.mean(scores) if scores else float("nan")
            print(f"step={step} return={mean:.1f} greedy={greedy_score:.0f} loss={loss:.4f} eps={agent.epsilon:.3f}")
    env.close()


if __name__ == "__main__":
    main()
