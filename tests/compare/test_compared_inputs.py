"""Inputs of a comparison: tables, arrays, recorded runs, campaigns, logs; bad ones get one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lifesigns.campaign.curves import TRAINING
from lifesigns.compare.arms import GIVEN, Arm, CompareError, field_of
from lifesigns.compare.read import read_arms
from lifesigns.model import Event, Subject
from lifesigns.model.series import series
from lifesigns.store import RunFolder, save_part


def table(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def finals(arm: Arm) -> dict[str, float]:
    return {run.seed: float(run.curves[GIVEN].y[-1]) for run in arm.runs}


@pytest.mark.parametrize(
    "text",
    [
        "seed,step,return\n0,1,1.0\n0,2,2.0\n1,1,3.0\n1,2,4.0\n",
        "Seed;Global Step;Episodic Return\n0;2;2.0\n0;1;1.0\n1;1;3.0\n1;2;4.0\n",
        "step\tseed\tanything\n1\t0\t1\n2\t0\t2\n1\t1\t3\n2\t1\t4\n",
        "step,seed_0,seed_1\n1,1,3\n2,2,4\n",
        "0,1\n1,3\n2,4\n",
        "# made by hand\nrun,score\n0,2\n1,4\n",
    ],
)
def test_tables_of_every_shape(tmp_path: Path, text: str) -> None:
    (arm,) = read_arms([table(tmp_path / "a.csv", text)])
    assert finals(arm) == {"0": 2.0, "1": 4.0}
    assert arm.name == "a"


def test_a_table_of_several_arms_and_tasks(tmp_path: Path) -> None:
    text = "algo,env,seed,step,return\n" + "".join(
        f"{a},{e},{s},{t},{t + s}\n" for a in "xy" for e in ("pong", "qbert") for s in range(2) for t in (1, 2)
    )
    arms = read_arms([table(tmp_path / "a.csv", text)])
    assert [a.name for a in arms] == ["x", "y"]
    assert arms[0].tasks == ("pong", "qbert")
    assert len(arms[0].runs) == 4


def test_missing_and_not_finite_values(tmp_path: Path) -> None:
    (arm,) = read_arms([table(tmp_path / "a.csv", "step,0,1\n1,1,3\n2,nan,inf\n3,2,\n")])
    assert [len(r.curves[GIVEN]) for r in arm.runs] == [3, 2]
    assert np.isnan(arm.runs[0].curves[GIVEN].y[1])
    assert np.isinf(arm.runs[1].curves[GIVEN].y[1])


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.csv", "seed,step,return\n0,1,high\n", "expected a number in line 2"),
        ("a.csv", "seed,step,return\n0,1,1\n0,1,2\n", "seed 0 has 2 values at step 1"),
        ("a.csv", "seed,step,return\n", "a header and rows"),
        ("a.csv", "seed,step,b,c\n0,1,1,2\n", "expected a column `return` or `score`"),
        ("a.bin", "hello", "a.bin` is no lifesigns run"),
        ("a.npy", "hello", "expected an array of numbers"),
    ],
)
def test_inputs_that_cannot_be_read(tmp_path: Path, name: str, text: str, says: str) -> None:
    with pytest.raises(CompareError) as error:
        read_arms([table(tmp_path / name, text)])
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "final.npy", np.arange(5.0))
    np.save(tmp_path / "curves.npy", np.array([[1.0, 2.0, np.nan], [3.0, 4.0, 5.0]]))
    np.savez(tmp_path / "arms.npz", dqn=np.ones((3, 4)), ppo=np.zeros((5, 4)))
    np.savez(tmp_path / "one.npz", returns=np.ones((2, 3)), steps=np.array([10.0, 20.0, 30.0]), seeds=np.array([7, 8]))
    (final,) = read_arms([str(tmp_path / "final.npy")])
    assert [len(r.curves[GIVEN]) for r in final.runs] == [1] * 5
    (curves,) = read_arms([str(tmp_path / "curves.npy")])
    assert [len(r.curves[GIVEN]) for r in curves.runs] == [2, 3], "NaN pads a run that ended early"
    assert [a.name for a in read_arms([str(tmp_path / "arms.npz")])] == ["dqn", "ppo"]
    (one,) = read_arms([str(tmp_path / "one.npz")])
    assert [r.seed for r in one.runs] == ["7", "8"]
    assert one.runs[0].curves[GIVEN].end == 30.0
    tasks = read_arms([str(tmp_path / "arms.npz")], tasks=True)
    assert tasks[0].tasks == ("task 0", "task 1", "task 2", "task 3")


def test_arrays_of_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(CompareError, match="not read"):
        read_arms([str(tmp_path / "a.npy")])
    np.save(tmp_path / "b.npy", np.array(["x"]))
    with pytest.raises(CompareError, match="expected numbers"):
        read_arms([str(tmp_path / "b.npy")])
    np.save(tmp_path / "c.npy", np.zeros((2, 2, 2, 2)))
    with pytest.raises(CompareError, match="got the shape"):
        read_arms([str(tmp_path / "c.npy")])


def recorded(
    path: Path, seed: int, env: str = "CartPole-v1", transformed: bool = False, ended: str = "finished"
) -> None:
    path.mkdir(parents=True)
    folder = RunFolder(path)
    folder.write_meta({"script": "train.py", "argv": ["--seed", str(seed)], "ended": ended})
    info = {"id": env, "role": "train", "reward_transformed": transformed}
    rising = series("env.episode_return", "env_step", np.linspace(0.0, 100.0 + seed, 50), subject="env/0")
    save_part(
        folder.trace_file, [Subject("env/0", "env", "env", None, info)], [Event("seed", "run", {"seed": 9})], [rising]
    )


def test_recorded_runs_alone_and_by_the_folder(tmp_path: Path) -> None:
    for seed in range(3):
        recorded(tmp_path / "old" / f"run{seed}", seed)
    recorded(tmp_path / "new", 5, ended="crashed")
    old, new = read_arms([str(tmp_path / "old"), f"fresh={tmp_path / 'new'}"])
    assert (old.name, new.name) == ("old", "fresh")
    assert [r.seed for r in old.runs] == ["0", "1", "2"]
    assert new.runs[0].broken == "crashed"
    assert old.environment == "CartPole-v1"
    found = field_of([old, new])
    assert found.metric == TRAINING
    assert not found.notes


def test_warnings_about_what_does_not_compare(tmp_path: Path) -> None:
    recorded(tmp_path / "a", 0)
    recorded(tmp_path / "b", 0, env="Pendulum-v1", transformed=True)
    notes = field_of(read_arms([str(tmp_path / "a"), str(tmp_path / "b")])).notes
    assert any("environments differ" in n for n in notes)
    assert any(n.startswith("Normalisation: returns of b") for n in notes)


def test_nothing_to_compare(tmp_path: Path) -> None:
    recorded(tmp_path / "a", 0)
    with pytest.raises(CompareError, match="at least two"):
        field_of(read_arms([str(tmp_path / "a")]))
    with pytest.raises(CompareError, match="nothing at"):
        read_arms([str(tmp_path / "nowhere")])
    with pytest.raises(CompareError, match="expected returns, losses or scores"):
        field_of(read_arms([str(tmp_path / "a"), str(tmp_path / "a")], metric="nothing.logged"))


def test_a_campaign_has_an_arm_for_each_variant(tmp_path: Path) -> None:
    from lifesigns.campaign.folder import new_campaign
    from lifesigns.campaign.ledger import Ledger
    from lifesigns.campaign.plan import Plan, SeedArgument

    plan = Plan("t.py", (), (0, 1), SeedArgument("--seed"), {"lr": ("1", "2")})
    folder = new_campaign(plan, tmp_path)
    ledger = Ledger(folder.ledger_file)
    for job in plan.jobs()[:3]:
        recorded(folder.attempt(f"{job.folder}.1"), job.seed)
        ledger.ended(job.key, f"{job.folder}.1", {"ended": "finished"})
    ledger.close()
    arms = read_arms([str(folder.path)])
    assert [(a.name, len(a.runs)) for a in arms] == [("lr=1", 2), ("lr=2", 1)]
    assert "1 of 2 runs of the campaign have not ended." in arms[1].notes
    assert [a.name for a in read_arms([f"x={folder.path}"])] == ["x lr=1", "x lr=2"]


def test_logs_of_other_tools(tmp_path: Path) -> None:
    for seed in (1, 2):
        (tmp_path / "sb3" / f"ppo_seed{seed}").mkdir(parents=True)
        (tmp_path / "sb3" / f"ppo_seed{seed}" / "progress.csv").write_text(
            "time/total_timesteps,rollout/ep_rew_mean\n" + "".join(f"{t},{t * seed}\n" for t in range(100, 2000, 100))
        )
    (arm,) = read_arms([str(tmp_path / "sb3")])
    assert [r.seed for r in arm.runs] == ["1", "2"]
    assert [next(iter(r.curves.values())).y[-1] for r in arm.runs] == [1900.0, 3800.0]
