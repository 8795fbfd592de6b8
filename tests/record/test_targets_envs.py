"""What is captured of environments: episodes, their numbers, roles, parts, in every way of stepping them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow
Record = Callable[..., Any]

WALK = """
    import json, sys
    import gymnasium as gym
    import numpy as np
    import torch
    from gymnasium.vector import AutoresetMode
    from gymnasium.wrappers import RecordEpisodeStatistics, TimeLimit

    class Walk(gym.Env):
        observation_space = gym.spaces.Box(-20, 20, (2,), np.float32)
        action_space = gym.spaces.Discrete(2)
        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.at = 0.0
            return np.zeros(2, np.float32), {}
        def step(self, action):
            self.at += 1.0 if self.np_random.random() < 0.7 else -1.0
            reward = round(float(self.np_random.normal()), 3)
            return np.array([self.at, 1.0], np.float32), reward, self.at >= 4, False, {}
    gym.register("Walk-v0", entry_point=Walk, max_episode_steps=9)
"""


def script(body: str) -> str:
    """The environment above, and a body in the guarded main part."""
    from textwrap import dedent, indent

    return dedent(WALK) + 'if __name__ == "__main__":\n' + indent(dedent(body), "    ")


def episodes(ran: Any, subject: str = "") -> list[tuple[float, int]]:
    """(return, length) of each episode recorded."""
    returns, lengths = ran.one("env.episode_return", subject).y, ran.one("env.episode_length", subject).y
    return [(round(float(r), 4), int(n)) for r, n in zip(returns, lengths, strict=True)]


def truth(ran: Any) -> list[tuple[float, int]]:
    """What the script printed as JSON: what RecordEpisodeStatistics counted."""
    return [(round(r, 4), int(n)) for r, n in json.loads(ran.out.splitlines()[-1])]


def test_single_environment(record: Record) -> None:
    ran = record(
        script("""
        env = RecordEpisodeStatistics(gym.make("Walk-v0"))
        seen = []
        obs, _ = env.reset(seed=5)
        for t in range(120):
            obs, reward, terminated, truncated, info = env.step(t % 2)
            if terminated or truncated:
                seen.append((float(info["episode"]["r"]), int(info["episode"]["l"])))
                obs, _ = env.reset()
        print(json.dumps(seen))
    """)
    )
    assert episodes(ran) == truth(ran)
    (env,) = ran.trace.of_kind("env")
    assert (env.name, env.info["id"], env.info["max_episode_steps"], env.info["vector"]) == (
        "env",
        "Walk-v0",
        9,
        False,
    )
    assert env.info["wrappers"] == [
        "RecordEpisodeStatistics",
        "TimeLimit",
        "OrderEnforcing",
        "PassiveEnvChecker",
        "Walk",
    ]
    assert "RecordEpisodeStatistics(gym.make" in env.location.text
    truncated = ran.one("env.episode_truncated").y
    assert {n for (_, n), cut in zip(episodes(ran), truncated, strict=True) if cut} == {9}
    assert 0 < truncated.sum() < len(truncated)
    assert ran.trace.health["env_steps"] == 120
    assert ran.trace.health["episodes"] == len(truncated)
    raw = ran.one("env.episode_raw_return")
    assert [round(v, 4) for v in raw.y] == [r for r, _ in truth(ran)]
    assert [(e.data["what"], e.data["seed"]) for e in ran.trace.events if e.kind == "seed"] == [("env.reset", 5)]
    share = ran.one("env.action_share").y[-1]
    assert share.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("mode", ["NEXT_STEP", "SAME_STEP", "DISABLED"])
def test_vector_environments_in_each_autoreset_mode(record: Record, mode: str, kind: str) -> None:
    """Returns and lengths equal the wrapper's own, part by part, and a reset's dummy row counts for
    nothing."""
    if kind == "async" and mode == "DISABLED":
        pytest.skip("covered by sync")
    ran = record(
        script("""
        mode, kind = AutoresetMode[sys.argv[1]], sys.argv[2]
        cls = gym.vector.SyncVectorEnv if kind == "sync" else gym.vector.AsyncVectorEnv
        make = lambda: RecordEpisodeStatistics(gym.make("Walk-v0"))
        envs = cls([make] * 3, autoreset_mode=mode)
        seen = []
        obs, _ = envs.reset(seed=2)
        for t in range(60):
            obs, reward, terminated, truncated, info = envs.step(np.array([0, 1, t % 2]))
            ended = terminated | truncated
            held = info.get("final_info", info) if mode is AutoresetMode.SAME_STEP else info
            for i in np.flatnonzero(ended):
                seen.append((float(held["episode"]["r"][i]), int(held["episode"]["l"][i])))
            if mode is AutoresetMode.DISABLED and ended.any():
                obs, _ = envs.reset(options={"reset_mask": ended})
        print(json.dumps(seen))
        envs.close()
    """),
        mode,
        kind,
    )
    assert episodes(ran) == truth(ran)
    assert len(truth(ran)) > 10
    (env,) = ran.trace.of_kind("env")
    assert (env.name, env.info["num_envs"], env.info["autoreset"]) == ("envs", 3, mode.lower())
    assert ran.trace.health["env_steps"] == 180
    assert len(list(ran.folder.path.glob("trace-*.lst"))) == 0, (
        "a vector environment's workers have nothing of their own"
    )
    if kind == "sync":
        assert env.info["max_episode_steps"] == 9


def test_make_vec_and_vector_wrappers(record: Record) -> None:
    ran = record(
        script("""
        train_env, other = gym.make_vec("Walk-v0", num_envs=2), gym.make("Walk-v0")
        stats = gym.wrappers.vector.RecordEpisodeStatistics(train_env)
        seen = []
        stats.reset(seed=4)
        for t in range(80):
            _, _, terminated, truncated, info = stats.step(np.array([0, 1]))
            for i in np.flatnonzero(terminated | truncated):
                seen.append((float(info["episode"]["r"][i]), int(info["episode"]["l"][i])))
        print(json.dumps(seen))
    """)
    )
    assert episodes(ran) == truth(ran)
    (env,) = ran.trace.of_kind("env")
    assert env.info["wrappers"][:2] == ["RecordEpisodeStatistics", "SyncVectorEnv"]
    assert env.name == "train_env"


def test_roles_of_several_environments(record: Record) -> None:
    ran = record(
        script("""
        train_env, eval_env = gym.make("Walk-v0"), gym.make("Walk-v0")
        model = torch.nn.Linear(2, 2)
        optimizer = torch.optim.Adam(model.parameters())
        obs, _ = train_env.reset(seed=0)
        for t in range(300):
            obs, _, terminated, truncated, _ = train_env.step(t % 2)
            if terminated or truncated:
                obs, _ = train_env.reset()
            optimizer.zero_grad()
            model(torch.as_tensor(obs)).sum().backward()
            optimizer.step()
            if t % 100 == 99:
                for episode in range(3):
                    eval_env.reset(seed=episode)
                    done = False
                    while not done:
                        _, _, terminated, truncated, _ = eval_env.step(0)
                        done = terminated or truncated
        rest = gym.make("Walk-v0")
    """)
    )
    roles = {s.name: s.info["role"] for s in ran.trace.of_kind("env")}
    assert roles == {"train_env": "train", "eval_env": "eval"}
    by_name = {s.name: s.id for s in ran.trace.of_kind("env")}
    assert len(episodes(ran, by_name["eval_env"])) == 9


def test_stable_baselines3(record: Record) -> None:
    ran = record(
        script("""
        from stable_baselines3 import A2C
        from stable_baselines3.common.callbacks import BaseCallback, EvalCallback
        from stable_baselines3.common.env_util import make_vec_env
        from stable_baselines3.common.vec_env import VecNormalize
        torch.set_num_threads(1)
        seen = []
        class Note(BaseCallback):
            def _on_step(self):
                held = [i["episode"] for i in self.locals["infos"] if "episode" in i]
                seen.extend((e["r"], e["l"]) for e in held)
                return True
        train_env = VecNormalize(make_vec_env("Walk-v0", n_envs=2, seed=1), norm_reward=False)
        eval_env = VecNormalize(make_vec_env("Walk-v0", n_envs=1, seed=9), norm_reward=False, training=False)
        model = A2C("MlpPolicy", train_env, seed=0, device="cpu")
        evaluate = EvalCallback(eval_env, n_eval_episodes=3, eval_freq=40, verbose=0)
        model.learn(400, callback=[Note(), evaluate])
        print(json.dumps(seen))
    """)
    )
    envs = {s.name: s for s in ran.trace.of_kind("env")}
    assert {n: s.info["role"] for n, s in envs.items()} == {"train_env": "train", "eval_env": "eval"}
    train = envs["train_env"]
    assert train.info["wrappers"][:3] == ["VecNormalize", "DummyVecEnv", "Monitor"]
    assert train.info["reward_transformed"]
    assert (train.info["num_envs"], train.info["max_episode_steps"]) == (2, 9)
    found = [(round(r, 2), n) for r, n in episodes(ran, train.id)]
    assert found == [(round(r, 2), n) for r, n in truth(ran)]
    assert ran.trace.health["env_steps"] == 400
    assert {"log.eval/mean_reward", "log.time/total_timesteps"} & {s.name for s in ran.trace.series}
    assert ran.trace.of_kind("network")


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_that_step_their_own_environments(record: Record, method: str) -> None:
    ran = record(
        script(
            """
        import multiprocessing
        def roll(seed):
            env = gym.make("Walk-v0")
            env.reset(seed=seed)
            for t in range(50):
                _, _, terminated, truncated, _ = env.step(0)
                if terminated or truncated:
                    env.reset()
            return seed
    """.replace("\n        def", "\n        def")
        ).replace('if __name__ == "__main__":\n', "if True:\n")
        + """
if __name__ == "__main__":
    own = gym.make("Walk-v0")
    own.reset(seed=0)
    own.step(0)
    context = multiprocessing.get_context(sys.argv[1])
    workers = [context.Process(target=roll, args=(i,)) for i in range(2)]
    for w in workers: w.start()
    for w in workers: w.join()
    own.step(0)
    print([w.exitcode for w in workers])
""",
        method,
    )
    assert ran.out == "[0, 0]\n"
    assert len(list(ran.folder.path.glob("trace-*.lst"))) == 2
    subjects = {s.id: s.name for s in ran.trace.of_kind("env")}
    assert subjects == {"env/0": "own", "worker1/env/0": "env", "worker2/env/0": "env"}
    for worker in ("worker1/env/0", "worker2/env/0"):
        assert sum(n for _, n in episodes(ran, worker)) in range(40, 51)
    assert ran.trace.health["env_steps"] == 2, "workers do not count into the run's clock"


def test_fresh_evaluation_environments_do_not_pile_up(record: Record) -> None:
    """`evaluate()` that makes its own environment each time: one subject, however often it is called."""
    ran = record(
        script("""
        def evaluate(episodes):
            env = gym.make("Walk-v0")
            for episode in range(episodes):
                env.reset(seed=episode)
                done = False
                while not done:
                    _, _, terminated, truncated, _ = env.step(0)
                    done = terminated or truncated
            env.close()
        env = gym.make("Walk-v0")
        model = torch.nn.Linear(2, 2)
        optimizer = torch.optim.Adam(model.parameters())
        obs, _ = env.reset(seed=0)
        for t in range(200):
            obs, _, terminated, truncated, _ = env.step(t % 2)
            if terminated or truncated:
                obs, _ = env.reset()
            optimizer.zero_grad()
            model(torch.as_tensor(obs)).sum().backward()
            optimizer.step()
            if t % 20 == 19:
                evaluate(2)
    """)
    )
    train, evaluation = ran.trace.of_kind("env")
    assert len(episodes(ran, evaluation.id)) == 20
    assert (train.info["role"], evaluation.info["role"]) == ("train", "eval")


def test_steps_past_the_time_limit_are_no_episodes(record: Record) -> None:
    ran = record(
        script("""
        env = gym.wrappers.TimeLimit(gym.make("Walk-v0").unwrapped, 2)
        for _ in range(4):
            env.reset(seed=0)
            for _ in range(5):
                env.step(0)
    """)
    )
    (env,) = ran.trace.of_kind("env")
    assert [length for _, length in episodes(ran)] == [2] * 4
    assert env.info["past_limit"] == 12


def test_the_users_objects_get_no_dictionary_from_us(record: Record, scripts: Any) -> None:
    """An object whose `__dict__` has been asked for is slower for good; `gc` tells whether it has one."""
    ran = record(
        """
        import argparse, gc
        import gymnasium as gym
        from gymnasium.vector import SyncVectorEnv

        def has_dictionary(thing, name):
            return any(type(held) is dict and name in held for held in gc.get_referents(thing))

        parser = argparse.ArgumentParser()
        parser.add_argument("--gamma", type=float, default=0.9)
        args = parser.parse_args([])
        envs = SyncVectorEnv([lambda: gym.wrappers.RecordEpisodeStatistics(gym.make("CartPole-v1"))] * 2)
        single = gym.make("CartPole-v1")
        envs.reset(seed=0), single.reset(seed=0)
        for _ in range(30):
            envs.step(envs.action_space.sample())
            if single.step(0)[2]:
                single.reset()
        layers = [(envs, "num_envs"), (args, "gamma")]
        for layer in (*envs.envs, single):
            while layer is not layer.unwrapped:
                layers.append((layer, "env"))
                layer = layer.env
            layers.append((layer, "gravity"))
        found = [type(layer).__name__ for layer, name in layers if has_dictionary(layer, name)]
        asked = layers[-2][0]
        before = has_dictionary(asked, "env")
        vars(asked)  # so that the test would see one
        print("with a dictionary:", found, "control:", before, has_dictionary(asked, "env"))
        """
    )
    assert ran.out == scripts.bare("train.py").out
    assert "control: False True" in ran.out
