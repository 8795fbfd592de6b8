"""Properties of dyed runs on tiny scripts: what must never differ, what must be found at its line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from lifesigns.diagnose import diagnose
from lifesigns.model import Finding, Trace
from lifesigns.paired.outcome import add_to
from lifesigns.paired.runlog import RunLog
from lifesigns.rules import all_rules

pytestmark = pytest.mark.slow
Same = Callable[[RunLog, RunLog], None]


def findings(code: str, facts: Any, cwd: str) -> list[Finding]:
    """What a rule says of the facts of its dye."""
    (rule,) = [r for r in all_rules() if r.code == code]
    return list(diagnose(add_to(Trace({}), [facts], cwd), [rule]).findings)


def test_nothing_planted_never_differs(scripts: Any, same: Same) -> None:
    """Four runs on two zygotes; one with plants that match no step, one that is given the seeds of the first."""
    target = scripts.write("torch.manual_seed(3)\nlearn(World())\n")
    nowhere = [{"kind": "reward", "at": "step", "step": 10**9, "delta": 1.0}, {"kind": "obs", "at": "step", "envs": []}]
    first, second, unmatched = scripts.runs(target, [{}, {}, {"plants": nowhere}], fresh=True)
    same(first, second)
    same(first, unmatched)
    assert unmatched.about["plantings"] == 0
    assert first.about["why"] == "end"
    assert [s["what"] for s in first.about["seeds"]] == ["torch.manual_seed", "env.reset"]


def test_a_script_that_makes_errors_of_warnings_is_traced_like_any_other(scripts: Any) -> None:
    target = scripts.write("import warnings\nwarnings.simplefilter('error')\ntorch.manual_seed(3)\nlearn(World())\n")
    (log,) = scripts.runs(target, [{}])
    assert (log.about["why"], log.about["updates"]) == ("end", 12)


def test_planting_twice_gives_the_same_facts(scripts: Any) -> None:
    target = scripts.write("torch.manual_seed(3)\nlearn(World())\n")
    one, two = scripts.traced(target), scripts.traced(target)
    assert [f.dye for f in one.facts] == [f.dye for f in two.facts]
    answered = 0
    for a, b in zip(one.facts, two.facts, strict=True):
        assert (a.data, a.series, a.site) == (b.data, b.series, b.site) or _times(a.data, b.data), a.dye
        answered += not a.data.get("blind")
    assert answered >= 8
    facts = {f.dye: f.data for f in one.facts}
    assert facts["reproducible"]["same"] is True
    assert facts["reward"]["gradients_touched"] > 0
    assert facts["action"]["right"] > facts["action"]["wrong"] == 0
    assert facts["reward-scaling"]["moved_by_1"] == pytest.approx(1.0)


def _times(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Whether at least one is blind only because time was over (a busy machine)."""
    return any("time" in str(x.get("blind", "")) for x in (a, b))


@pytest.mark.parametrize(
    "source",
    ["time.time_ns() % 1000", "int.from_bytes(os.urandom(4), 'little')", "open('/dev/urandom', 'rb').read(1)[0]"],
)
def test_a_script_that_reads_the_world_is_not_reproducible_from_that_line_on(scripts: Any, source: str) -> None:
    target = scripts.write(f"""\
        import os, time
        torch.manual_seed(0)
        fixed = torch.ones(3) + 1
        noise = torch.ones(300) * ({source})  # here
        learn(World(), updates=2)
    """)
    facts = scripts.facts(target)
    found = facts["reproducible"]
    assert found.data["same"] is False
    assert found.site is not None
    assert (found.site.user_file, found.site.user_line) == (target.script, scripts.line("# here"))
    assert all("differ" in f.data["blind"] for name, f in facts.items() if name != "reproducible")
    (said,) = findings("Y701", found, target.cwd)
    assert (said.severity, said.location.file, said.location.line) == ("error", "train.py", scripts.line("# here"))
    assert said.location.text.endswith("# here")


def test_a_seed_of_the_clock_is_replayed_and_reported(scripts: Any) -> None:
    target = scripts.write("""\
        import time
        seed = int(time.time_ns() % 2**31)
        torch.manual_seed(seed)  # here
        learn(World(), seed=seed + 1)
    """)
    found = scripts.facts(target)["reproducible"]
    assert found.data["same"] is True
    assert [d["what"] for d in found.data["drawn_seeds"]] == ["torch.manual_seed", "env.reset"]
    first = found.data["drawn_seeds"][0]
    assert first["seeds"][0] != first["seeds"][1]
    (said,) = findings("Y701", found, target.cwd)
    assert said.severity == "note"
    assert said.location.line == scripts.line("# here")


@pytest.mark.parametrize("seed", ["", "7"])
def test_a_generator_without_a_seed_is_reported(scripts: Any, seed: str) -> None:
    target = scripts.write(f"""\
        torch.manual_seed(0)
        rng = np.random.default_rng({seed})  # here
        start = torch.as_tensor(rng.normal(size=3)) + 1
        learn(World())
    """)
    found = scripts.facts(target)["reproducible"]
    assert found.data["same"] is True
    said = findings("Y701", found, target.cwd)
    assert bool(found.data["entropy_touched"]) == (not seed)
    assert [f.location.line for f in said] == ([] if seed else [scripts.line("# here")])


VECTOR = """\
    import sys
    from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
    kind, mode = sys.argv[1:]
    envs = globals()[kind]([World, World], autoreset_mode=AutoresetMode[mode])
    torch.manual_seed(0)
    net = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    obs, _ = envs.reset(seed=0)
    for t in range(30):
        actions = net(torch.as_tensor(obs)).argmax(1).numpy()
        obs, rewards, ended, cut, _ = envs.step(actions)
        if mode == "DISABLED" and (ended | cut).any():
            obs, _ = envs.reset(options={"reset_mask": ended | cut})
        loss = (net(torch.as_tensor(obs)).sum(1) - torch.as_tensor(rewards)).square().mean()
        optimizer.zero_grad(); loss.backward(); optimizer.step()
"""


@pytest.mark.parametrize("kind", ["SyncVectorEnv", "AsyncVectorEnv"])
def test_vector_environments_of_each_autoreset_mode(scripts: Any, same: Same, kind: str) -> None:
    target = scripts.write(VECTOR)
    comb = {"kind": "reward", "at": "comb", "delta": 1.0}
    for mode in ("NEXT_STEP", "SAME_STEP", "DISABLED"):
        busy = {"world": {"lengths": (5, 3)}, "arguments": [kind, mode]}
        first, second, dyed = scripts.runs(target, [busy, busy, {**busy, "plants": [comb]}])
        same(first, second)
        assert first.about["updates"] >= 20
        assert first.notes["in_process"] == ([f"{kind} ran as SyncVectorEnv"] if kind.startswith("Async") else [])
        assert bool(first.notes.get("dummy_rows")) == (mode == "NEXT_STEP")
        assert dyed.about["plantings"] >= 2


def test_process_parallel_environments_of_sb3_run_in_process(scripts: Any, same: Same) -> None:
    target = scripts.write("""\
        from stable_baselines3 import PPO
        from stable_baselines3.common.env_util import make_vec_env
        from stable_baselines3.common.vec_env import SubprocVecEnv
        if __name__ == "__main__":
            class Own(SubprocVecEnv): pass
            assert issubclass(Own, SubprocVecEnv | int)
            env = make_vec_env(World, n_envs=2, seed=1, vec_env_cls=Own)
            PPO("MlpPolicy", env, n_steps=8, batch_size=8, n_epochs=1, seed=1, device="cpu").learn(32)
    """)
    first, second = scripts.runs(target, [{}, {}])
    same(first, second)
    assert first.notes["in_process"] == ["SubprocVecEnv ran as DummyVecEnv"]
    assert first.about["updates"] >= 2


def test_composite_actions_are_recorded_by_their_values(scripts: Any, same: Same) -> None:
    """An array of objects would hold addresses, which differ between two processes."""
    target = scripts.write("""\
        class Composite(World):
            def step(self, action):
                turn, rest = (action["turn"], 0) if isinstance(action, dict) else action
                return super().step(turn)
        class Named(Composite): pass
        torch.manual_seed(0)
        for env in (Composite(), Named()):
            obs, _ = env.reset(seed=0)
            for t in range(12):
                action = {"turn": t % 2, "force": np.ones(2)} if type(env) is Named else (t % 2, np.ones(2))
                _, _, ended, cut, _ = env.step(action)
                if ended or cut:
                    env.reset()
        learn(World(), updates=2)
    """)
    first, second = scripts.runs(target, [{}, {}])
    same(first, second)
    actions = [first.value(i).tolist() for i in first.of_kind("action")[:24]]
    assert actions == 12 * [[0, 1, 1], [1, 1, 1]]
