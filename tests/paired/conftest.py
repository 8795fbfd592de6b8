"""Traces scripts that a test writes, in a folder of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from lifesigns.paired.experiments import Facts
from lifesigns.paired.runlog import RunLog, Stain
from lifesigns.paired.runner import Runner, Target, Zygote
from lifesigns.paired.tracing import Traced, trace

WORLD = dedent("""\
    import gymnasium, numpy as np, torch
    class World(gymnasium.Env):
        '''Four states in a row, left and right, 1 at the end; ten steps at most.'''
        observation_space = gymnasium.spaces.Box(0.0, 4.0, (2,), np.float32)
        action_space = gymnasium.spaces.Discrete(2)
        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            self.at, self.time = 1, 0
            return self.seen(), {}
        def seen(self):
            return np.array([self.at, self.np_random.random()], dtype=np.float32)
        def step(self, action):
            self.at, self.time = max(self.at + 2 * int(action) - 1, 0), self.time + 1
            return self.seen(), float(self.at == 3), self.at == 3, self.time >= 10, {}
""")
LEARN = dedent("""\
    def learn(env, updates=12, batch=6, seed=0):
        '''One linear network, one step of SGD from each few steps of the environment.'''
        net = torch.nn.Linear(2, 2)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
        obs, _ = env.reset(seed=seed)
        for update in range(updates):
            rows = []
            for t in range(batch):
                with torch.no_grad():
                    values = net(torch.as_tensor(obs))
                action = int(values.argmax()) if torch.rand(()) > 0.5 else t % 2
                next_obs, reward, terminated, truncated, _ = env.step(action)
                rows.append((obs, action, reward))
                obs = env.reset()[0] if terminated or truncated else next_obs
            given = torch.as_tensor(np.stack([r[0] for r in rows]))
            actions = torch.tensor([[r[1]] for r in rows])
            rewards = torch.tensor([r[2] for r in rows], dtype=torch.float32)
            loss = (net(given).gather(1, actions).squeeze(1) - rewards).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
""")


class Scripts:
    """Scripts of one test."""

    def __init__(self, path: Path, zygotes: list[Zygote]) -> None:
        self.path, self.zygotes, self.asked = path, zygotes, 0
        self.logs = path.parent

    def write(self, text: str, name: str = "train.py", *, world: bool = True) -> Target:
        """Writes a script that begins with the world and the learner (without them where `world` is false)."""
        file = self.path / name
        file.write_text((WORLD + LEARN if world else "") + dedent(text), "utf-8")
        return Target(str(file), cwd=str(self.path))

    def line(self, text: str, name: str = "train.py") -> int:
        """The number of the only line that contains `text`."""
        lines = (self.path / name).read_text("utf-8").splitlines()
        (found,) = [n for n, line in enumerate(lines, 1) if text in line]
        return found

    def traced(self, target: Target, seconds: float = 40.0, **options: Any) -> Traced:
        """All dyes, on the processes that all tests share."""
        return trace(target, seconds, **{"zygotes": self.zygotes, **options})

    def facts(self, target: Target, seconds: float = 40.0, **options: Any) -> dict[str, Facts]:
        """Facts by dye."""
        return {f.dye: f for f in self.traced(target, seconds, **options).facts}

    def runs(self, target: Target, requests: Sequence[dict[str, Any]], *, fresh: bool = False) -> list[RunLog]:
        """Logs of runs, in turn on two processes (`fresh`: of their own)."""
        self.asked += 1
        folder = self.logs / f"runs-{self.asked}"
        runner = Runner(target, folder, limit_s=20.0, zygotes=None if fresh else self.zygotes)
        try:
            asked = [runner.submit(f"run{n}", zygote=n % 2, **request) for n, request in enumerate(requests)]
            ended = [future.result(60.0) for future in asked]
        finally:
            runner.close(keep_zygotes=not fresh)
        for one in ended:
            assert one.about is not None, (one.folder / "output.log").read_text()
            assert one.about["why"] != "exception", (one.folder / "output.log").read_text()
            assert not one.about["notes"].get("failure"), one.about["notes"]["failure"]
        return [RunLog(one.folder) for one in ended]


@pytest.fixture(scope="session")
def zygotes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Zygote]]:
    """Two processes that have imported the libraries, for all scripts of the tests."""
    target = Target("nothing.py", cwd=str(tmp_path_factory.mktemp("zygotes")))
    preload = ("numpy", "torch", "torch._dynamo", "torch.distributions", "gymnasium")
    started = [Zygote(target, preload) for _ in range(2)]
    yield started
    for one in started:
        one.close()


@pytest.fixture
def scripts(tmp_path: Path, zygotes: list[Zygote]) -> Scripts:
    """A folder for scripts."""
    folder = tmp_path / "project"
    folder.mkdir()
    return Scripts(folder, zygotes)


@pytest.fixture
def same() -> Callable[[RunLog, RunLog], None]:
    """Asserts that two runs are the same, bit for bit."""

    def check(a: RunLog, b: RunLog) -> None:
        found = Stain(a, b)
        assert (found.at.tolist(), found.parted, found.common) == ([], False, len(a)), found.base.site(found.common - 1)
        assert len(a) == len(b) > 20

    return check
