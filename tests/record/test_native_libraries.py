"""torch, gymnasium, multiprocessing and pickling behave under recording as without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Both = Callable[..., Any]

ENV = """
    import gymnasium as gym
    import numpy as np

    class Walk(gym.Env):
        metadata = {"render_modes": []}
        observation_space = gym.spaces.Box(-20, 20, (1,), np.float32)
        action_space = gym.spaces.Discrete(2)
        def __init__(self, limit=5): self.limit = limit
        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.at, self.t = 0.0, 0
            return np.zeros(1, np.float32), {}
        def step(self, action):
            self.at += 1.0 if action else -1.0
            self.t += 1
            obs = np.array([self.at], np.float32)
            return obs, float(self.np_random.normal()), abs(self.at) >= 3, self.t >= self.limit, {}
"""


def script(body: str, top: str = "") -> str:
    """A script with the environment class in `__main__` and a guarded main part."""
    from textwrap import dedent, indent

    return dedent(ENV) + dedent(top) + 'if __name__ == "__main__":\n' + indent(dedent(body), "    ")


@pytest.mark.slow
def test_exceptions_inside_taps_print_as_without_us(scripts: Any) -> None:
    """One script, four places to fail; each traceback is printed by the interpreter's own hook at the end."""
    where = scripts.write(
        script(
            """
        import sys, torch
        env = gym.make("Broken-v0", disable_env_checker=True)
        model = torch.nn.Linear(1, 1)
        optimizer = torch.optim.LBFGS(model.parameters())
        errors = []
        def attempt(function):
            try:
                function()
            except Exception as error:
                errors.append(error)
        def step():
            env.reset(seed=0)
            env.step(0)
        def closure():
            raise ValueError("in the closure")
        def backward():
            x = torch.ones(1, requires_grad=True)
            y = x * 2
            y.register_hook(lambda g: {}["in the hook"])
            y.sum().backward()
        for function in (step, lambda: optimizer.step(closure), backward, lambda: gym.make("Absent-v0"),
                         lambda: torch.distributions.Normal(torch.ones(2), -torch.ones(2)),
                         lambda: torch.optim.Adam([]), lambda: gym.vector.SyncVectorEnv([])):
            attempt(function)
        print(len(errors))
        raise ExceptionGroup("all", errors)
    """,
            """
        class Broken(Walk):
            def step(self, action):
                return [][3]
        gym.register("Broken-v0", entry_point=Broken)
    """,
        )
    )
    bare, ran = scripts.bare(where.name), scripts.recorded(where.name)
    assert "in the hook" in bare.err
    assert "in the closure" in bare.err
    assert ran.err == bare.err
    assert (ran.returncode, ran.out) == (bare.returncode, bare.out) == (1, "7\n")


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_give_the_same_results(both: Both, method: str) -> None:
    ran = both(
        """
        import multiprocessing as mp, os, random, sys
        import numpy as np
        def work(n):
            random.seed(n)
            return n * n, random.random(), float(np.random.default_rng(n).random())
        def fail(status):
            sys.exit(status)
        if __name__ == "__main__":
            context = mp.get_context(sys.argv[1])
            random.seed(0), np.random.seed(0)
            with context.Pool(2, initializer=np.random.seed, initargs=(1,)) as pool:
                print(pool.map(work, range(5)))
            processes = [context.Process(target=fail, args=(i,)) for i in (0, 3)]
            for p in processes: p.start()
            for p in processes: p.join()
            print([p.exitcode for p in processes], random.random(), np.random.rand())
    """,
        method,
    )
    ran.healthy()


@pytest.mark.slow
@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_async_vector_env_of_a_class_in_main(both: Both, context: str) -> None:
    ran = both(
        script("""
        import sys
        import torch
        parts = [lambda: Walk(4), lambda: Walk(6)]
        envs = gym.vector.AsyncVectorEnv(parts, shared_memory=True, context=sys.argv[1])
        obs, _ = envs.reset(seed=3)
        total = 0.0
        for t in range(40):
            obs, reward, terminated, truncated, info = envs.step(np.array([t % 3 == 0, t % 2]))
            total += float(reward.sum()) + float(obs.sum())
        print(total)
        envs.close()
    """),
        context,
    )
    ran.healthy()
    trace = ran.trace
    assert [s.info["num_envs"] for s in trace.of_kind("env")] == [2], "the vector environment alone, not its parts"
    assert trace.health["env_steps"] == 80
    assert trace.of_kind("env")[0].name == "envs"


@pytest.mark.slow
def test_copies_pickles_and_identity(both: Both) -> None:
    ran = both(
        script("""
        import copy, inspect, io, pickle
        import cloudpickle, torch
        env = Walk()
        env.reset(seed=1)
        twin = copy.deepcopy(env)
        print([e.step(1)[1] for e in (env, twin)])
        thawed = pickle.loads(pickle.dumps(env))
        print(thawed.step(1)[1], env.step(1)[1])
        made = gym.make("CartPole-v1")
        made.reset(seed=2)
        other = copy.deepcopy(made)
        print(made.step(1)[0], other.step(1)[0])
        frozen = cloudpickle.dumps(Walk)
        assert b"lifesigns" not in frozen, "a pickle must open where lifesigns is not installed"
        Again = pickle.loads(frozen)
        again = Again(3)
        again.reset(seed=1)
        print(again.step(0), inspect.signature(Walk.step), Walk.step.__qualname__)
        print(inspect.getsource(Walk.step)[:20])
        make_walk = pickle.loads(cloudpickle.dumps(lambda: gym.make("CartPole-v1")))
        print(make_walk().spec.id)
        model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
        with torch.no_grad():
            for p in model.parameters(): p.fill_(0.25)
        optimizer = torch.optim.Adam(model.parameters())
        def train(model, optimizer):
            optimizer.zero_grad()
            model(torch.ones(2, 2)).sum().backward()
            optimizer.step()
            return [p.detach().sum().item() for p in model.parameters()]
        train(model, optimizer)
        pair = copy.deepcopy((model, optimizer))
        buffer = io.BytesIO()
        torch.save((model, optimizer), buffer)
        buffer.seek(0)
        loaded = torch.load(buffer, weights_only=False)
        reborn = pickle.loads(pickle.dumps((model, optimizer)))
        print(train(model, optimizer), train(*pair), train(*loaded), train(*reborn))
        print(pickle.loads(pickle.dumps(gym.make)) is gym.make, torch.load is torch.load)
        class Generic(gym.Env[int, int]):
            def __init_subclass__(cls, extra=None, **kwargs):
                super().__init_subclass__(**kwargs)
                cls.extra = extra
        class Special(Generic, extra=5): pass
        print(Special.extra, Generic.__parameters__, gym.Env.__parameters__)
    """)
    )
    ran.healthy()


@pytest.mark.slow
def test_compilers_and_transforms(scripts: Any) -> None:
    scripts.write("""
        import copy, torch
        from torch import nn
        torch.manual_seed(0)
        def make():
            torch.manual_seed(1)
            return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
        x = torch.arange(12.0).reshape(4, 3) / 10
        def train(model, forward, steps=3):
            optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
            losses = []
            for _ in range(steps):
                optimizer.zero_grad()
                loss = forward(x).square().sum()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            return losses
        model = make()
        print("eager", train(model, model))
        print("trace", torch.jit.trace(model, x)(x).sum().item(), torch.jit.script(model)(x).sum().item())
        print("func", torch.func.vmap(model)(x).sum().item(),
              torch.func.grad(lambda p: torch.func.functional_call(model, p, (x,)).square().sum())(
                  dict(model.named_parameters()))["0.weight"].sum().item())
        print("fx", torch.fx.symbolic_trace(model)(x).sum().item())
        from torch._subclasses.fake_tensor import FakeTensorMode
        with FakeTensorMode() as mode:
            fake = make()
            train_fake = fake(torch.ones(4, 3)).sum()
        print("meta", nn.Linear(3, 2, device="meta")(torch.ones(1, 3, device="meta")).shape, train_fake.shape)
        # hooks of ours may be waiting for a forward pass at this moment
        compiled = make()
        forward = torch.compile(compiled, backend="eager", fullgraph=True)
        print("compiled", train(compiled, forward))
        @torch.compile(backend="eager", fullgraph=True)
        def entropy(logits, scale):
            first = torch.distributions.Categorical(logits=logits, validate_args=False)
            second = torch.distributions.Normal(torch.zeros_like(scale), scale, validate_args=False)
            return first.entropy().sum() + second.entropy().sum()
        print("distributions", entropy(x, x.exp()).item())
        stepper = make()
        optimizer = torch.optim.SGD(stepper.parameters(), lr=0.1)
        @torch.compile(backend="eager")
        def update():
            optimizer.zero_grad()
            loss = stepper(x).square().sum()
            loss.backward()
            optimizer.step()
            return loss
        print("whole", [update().item() for _ in range(3)])
    """)
    bare, ran = scripts.bare("train.py"), scripts.recorded("train.py")
    assert bare.returncode == 0, bare.err
    assert ran.out == bare.out, ran.err
    assert ran.returncode == 0
    ran.healthy()
    assert len(ran.trace.named("loss.value")) >= 1


@pytest.mark.slow
def test_data_loader_workers(both: Both) -> None:
    ran = both("""
        import random
        import numpy as np
        import torch
        from torch.utils.data import DataLoader, Dataset
        class Noise(Dataset):
            def __len__(self): return 24
            def __getitem__(self, i):
                return torch.tensor([i, random.random(), np.random.rand(), torch.rand(()).item()])
        if __name__ == "__main__":
            torch.manual_seed(0), random.seed(0), np.random.seed(0)
            model = torch.nn.Linear(4, 1)
            optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
            for epoch in range(2):
                for batch in DataLoader(Noise(), 8, shuffle=True, num_workers=2, persistent_workers=False):
                    optimizer.zero_grad()
                    loss = model(batch.float()).square().mean()
                    loss.backward()
                    optimizer.step()
                    print(loss.item())
    """)
    ran.healthy()
    assert len(ran.one("loss.value")) == 6


@pytest.mark.slow
def test_subproc_vec_env_of_a_class_in_main(both: Both) -> None:
    ran = both(
        script("""
        import torch
        from stable_baselines3 import A2C
        from stable_baselines3.common.vec_env import SubprocVecEnv
        torch.set_num_threads(1)
        venv = SubprocVecEnv([lambda: Walk(4), lambda: Walk(6)], start_method="forkserver")
        model = A2C("MlpPolicy", venv, seed=0, device="cpu").learn(60)
        print(sum(p.sum().item() for p in model.policy.parameters()))
        venv.close()
    """)
    )
    ran.healthy()
    (env,) = ran.trace.of_kind("env")
    assert (env.name, env.info["num_envs"], env.info["autoreset"]) == ("venv", 2, "same_step")


@pytest.mark.slow
def test_a_script_that_patches_libraries_itself(both: Both) -> None:
    ran = both(
        script("""
        import torch
        calls = []
        original_make, original_step = gym.make, torch.optim.Adam.step
        def make(*args, **kwargs):
            calls.append("make")
            return original_make(*args, **kwargs)
        def step(self, closure=None):
            calls.append("step")
            return original_step(self, closure)
        gym.make = make
        torch.optim.Adam.step = step
        original_walk = Walk.step
        Walk.step = lambda self, action: (calls.append("walk"), original_walk(self, action))[1]
        env = gym.make("CartPole-v1")
        env.reset(seed=0)
        walk = Walk()
        walk.reset(seed=0)
        walk.step(1)
        model = torch.nn.Linear(4, 2)
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(3):
            obs, *_ = env.step(0)
            optimizer.zero_grad()
            model(torch.as_tensor(obs)).sum().backward()
            optimizer.step()
        print(calls)
    """)
    )
    ran.healthy()
    assert ran.trace.health["updates"] == 3
    assert ran.trace.health["env_steps"] == 4


@pytest.mark.slow
def test_warnings_as_errors_touch_nothing_of_ours(both: Both) -> None:
    """Rewards as arrays, odd shapes: what NumPy deprecates must not be what our taps do."""
    ran = both(
        script("""
        import warnings
        import torch
        warnings.simplefilter("error")
        torch.manual_seed(0)
        class Odd(Walk):
            def step(self, action):
                obs, reward, terminated, truncated, info = super().step(action)
                return obs, np.array([reward]), np.bool_(terminated), np.array(truncated), info
        env, model = Odd(), torch.nn.Linear(1, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=torch.tensor(0.01))
        obs, _ = env.reset(seed=0)
        for t in range(30):
            obs, reward, terminated, truncated, _ = env.step(np.int64(t % 2))
            if terminated or truncated:
                obs, _ = env.reset()
            optimizer.zero_grad()
            loss = model(torch.as_tensor(obs)[None]).mean()
            loss.backward()
            optimizer.step()
        print(float(loss.detach()))
    """)
    )
    ran.healthy()
    assert len(ran.one("env.episode_return")) == 6
