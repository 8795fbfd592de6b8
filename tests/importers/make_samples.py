"""Writes `samples/` with the libraries whose formats they are: Stable-Baselines3, TensorBoard, Lightning, Transformers,
RLlib.

`python tests/importers/make_samples.py sb3 cleanrl` needs the `examples` extra; `lightning`, `transformers` and `rllib`
need those libraries. What names the machine (host, address, paths) is taken out.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parent / "samples"


def sb3(folder: Path) -> None:
    """PPO on CartPole with every output format of the logger, and a monitor file."""
    import gymnasium
    from stable_baselines3 import PPO
    from stable_baselines3.common.logger import configure
    from stable_baselines3.common.monitor import Monitor

    env = Monitor(gymnasium.make("CartPole-v1"), str(folder / "monitor.csv"))
    model = PPO("MlpPolicy", env, n_steps=128, batch_size=64, n_epochs=2, device="cpu", seed=0)
    with (folder / "printed.log").open("w") as printed, redirect_stdout(printed):
        model.set_logger(configure(str(folder), ["stdout", "csv", "tensorboard", "json"]))
        model.learn(1500)
    lines = (folder / "printed.log").read_text("utf-8").splitlines(keepends=True)
    (folder / "printed.log").write_text("".join(line for line in lines if not line.startswith("Logging to")), "utf-8")
    _rename_events(folder)


def cleanrl(folder: Path) -> None:
    """The names and calls of CleanRL's ppo.py on a tensorboard writer, with made-up numbers."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))
    writer.add_text("hyperparameters", "|param|value|\n|-|-|\n|gamma|0.99|")
    step = 0
    for episode in range(60):
        length = 20 + episode
        step += length
        writer.add_scalar("charts/episodic_return", float(length), step)
        writer.add_scalar("charts/episodic_length", length, step)
        if episode % 4 == 3:
            for name, value in (
                ("charts/learning_rate", 2.5e-4 * (1 - episode / 60)),
                ("losses/value_loss", 100.0 / (1 + episode)),
                ("losses/policy_loss", -0.01),
                ("losses/entropy", 0.69 - 0.005 * episode),
                ("losses/old_approx_kl", 0.003),
                ("losses/approx_kl", 0.004),
                ("losses/clipfrac", 0.05),
                ("losses/explained_variance", min(0.9, episode / 50)),
                ("charts/SPS", 1200),
            ):
                writer.add_scalar(name, value, step)
    writer.close()
    _rename_events(folder)


def lightning(folder: Path) -> None:
    """`metrics.csv` of CSVLogger: rows of training and of validation in one table."""
    import lightning as pl
    import torch
    from lightning.pytorch.loggers import CSVLogger

    class Line(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)

        def loss(self, batch: Any) -> Any:
            return (self.layer(batch[0]) - batch[0].sum(1, keepdim=True)).square().mean()

        def training_step(self, batch: Any, index: int) -> Any:
            loss = self.loss(batch)
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", self.loss(batch))

        def configure_optimizers(self) -> Any:
            return torch.optim.Adam(self.parameters(), 1e-2)

    pl.seed_everything(0)
    data = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.randn(256, 3)), batch_size=8)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = pl.Trainer(
            max_epochs=4,
            logger=CSVLogger(scratch),
            enable_progress_bar=False,
            enable_checkpointing=False,
            accelerator="cpu",
            log_every_n_steps=5,
        )
        trainer.fit(Line(), data, data)
        shutil.copy(next(Path(scratch).rglob("metrics.csv")), folder)


def transformers(folder: Path) -> None:
    """`trainer_state.json` of a checkpoint, and what the Trainer prints."""
    import torch
    from transformers import Trainer, TrainingArguments

    class Line(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)

        def forward(self, x: Any, labels: Any = None) -> dict[str, Any]:
            out = self.layer(x)
            return {"loss": (out - labels).square().mean(), "logits": out}

    torch.manual_seed(0)
    data: Any = [{"x": torch.randn(3), "labels": torch.randn(1)} for _ in range(200)]
    with (
        tempfile.TemporaryDirectory() as scratch,
        (folder / "printed.log").open("w") as printed,
        redirect_stdout(printed),
    ):
        arguments = TrainingArguments(
            scratch,
            num_train_epochs=3,
            logging_steps=5,
            eval_strategy="epoch",
            save_strategy="epoch",
            use_cpu=True,
            disable_tqdm=True,
            report_to=[],
        )
        Trainer(Line(), arguments, train_dataset=data, eval_dataset=data[:50]).train()
        states = sorted(Path(scratch).rglob("trainer_state.json"), key=lambda p: p.stat().st_mtime)
        (folder / "checkpoint-75").mkdir()
        shutil.copy(states[-1], folder / "checkpoint-75")


def rllib(folder: Path) -> None:
    """`result.json` and `progress.csv` of a PPO trial (new API), without what names the machine."""
    import csv

    import ray
    from ray import tune
    from ray.rllib.algorithms.ppo import PPOConfig

    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, object_store_memory=100 << 20)
    config = PPOConfig().environment("CartPole-v1").env_runners(num_env_runners=0).debugging(seed=0)
    config = config.training(train_batch_size_per_learner=256, num_epochs=2, minibatch_size=64)
    with tempfile.TemporaryDirectory() as scratch:
        run = tune.RunConfig(storage_path=scratch, name="x", stop={"training_iteration": 8})
        tune.Tuner("PPO", param_space=config, run_config=run).fit()
        lines = next(Path(scratch).rglob("result.json")).read_text("utf-8").splitlines()
        dropped = {"config", "hostname", "node_ip", "pid", "trial_id", "date"}
        kept = [{k: v for k, v in json.loads(line).items() if k not in dropped} for line in lines]
        (folder / "result.json").write_text("".join(json.dumps(k) + "\n" for k in kept), "utf-8")
        with next(Path(scratch).rglob("progress.csv")).open() as file:
            rows = list(csv.DictReader(file))
        names = [n for n in rows[0] if n.split("/")[0] not in dropped]
        with (folder / "progress.csv").open("w", newline="") as file:
            table = csv.DictWriter(file, names, extrasaction="ignore")
            table.writeheader()
            table.writerows(rows)
        (folder / "params.pkl").write_bytes(b"never read")


def _rename_events(folder: Path) -> None:
    """The file's name holds the machine's."""
    for file in folder.glob("*tfevents*"):
        file.rename(folder / "events.out.tfevents.1700000000.sample.0")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        target = SAMPLES / name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        globals()[name](target)
