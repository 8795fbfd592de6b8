"""A replay memory of long tensors: what is written to it is logged, not all of it at each step."""

from typing import Any

SCRIPT = """\
    import gymnasium as gym
    import torch
    torch.manual_seed(0)
    env = gym.make("CartPole-v1")
    net = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    obs_held, reward_held = torch.zeros(1_000_000, 4), torch.zeros(1_000_000, 1)
    obs, _ = env.reset(seed=0)
    for t in range(600):
        action = int(net(torch.from_numpy(obs)).argmax())
        after, reward, terminated, truncated, _ = env.step(action)
        obs_held[t] = torch.from_numpy(obs)
        reward_held[t] = reward
        obs = env.reset(seed=t)[0] if terminated or truncated else after
        if t >= 200:
            rows = torch.randint(0, t, (16,))
            loss = (net(obs_held[rows]).sum(1, keepdim=True) - reward_held[rows]).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
"""


def test_a_long_memory_is_followed_by_what_is_written_to_it(scripts: Any) -> None:
    target = scripts.write(SCRIPT)
    (log,) = scripts.runs(target, [{"stop": {"updates": 3}}])
    written = {log.shapes[i] for i in log.of_kind("op").tolist() if log.name(i) == "__setitem__"}
    assert written == {(4,), (1,)}
    facts = scripts.facts(target, 60.0)
    assert facts["reward"].data["gradients_touched"] > 0
    assert facts["reward-pairing"].data["right"] > 0
    assert facts["reward-pairing"].data["shifted"] == 0
