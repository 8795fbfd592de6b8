"""A recorded run as the logs that other tools read: TensorBoard events and a table, under usual names."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lifesigns.model import Series, Trace


def series_of(trace: Trace) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """name → (steps, values), Stable-Baselines3's names where it has one."""
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def put(name: str, one: Series | None, y: np.ndarray | None = None) -> None:
        if one is not None and len(one) and name not in found:
            found[name] = (one.x, one.y if y is None else y)

    for one in trace.series:
        if one.name.startswith("log.") and one.y.ndim == 1:
            put(one.name.removeprefix("log."), one)
    losses = sorted(trace.named("loss.value"), key=len, reverse=True)
    for i, one in enumerate(losses):
        put("train/loss" if i == 0 else f"train/loss_{i + 1}", one)
    clipped = trace.named("gradient.total_norm")
    if clipped:
        put("train/grad_norm", clipped[0])
    for one in trace.named("optimizer.gradient_norm"):
        put("train/grad_norm", one, np.sqrt(np.square(one.y).sum(axis=1)))
    for one in trace.named("optimizer.learning_rate"):
        put("train/learning_rate", one)
    for one in trace.named("policy.entropy"):
        put("train/entropy_loss", one, -one.y)
    returns = [s for s in trace.named("env.episode_return") if trace.subjects[s.subject].info.get("role") != "eval"]
    for one in sorted(returns, key=len, reverse=True)[:1]:
        means = np.array([one.y[max(i - 99, 0) : i + 1].mean() for i in range(len(one))])
        put("rollout/ep_rew_mean", one, means)
        put("charts/episodic_return", one)
    return found


def export(trace: Trace, folder: Path) -> None:
    """`tb/` (events) and `table.csv` (a row for each loss, other columns as they were last)."""
    from torch.utils.tensorboard import SummaryWriter

    found = series_of(trace)
    folder.mkdir(parents=True)
    writer = SummaryWriter(str(folder / "tb"))
    for name, (steps, values) in found.items():
        for step, value in zip(steps, values, strict=True):
            writer.add_scalar(name, float(value), int(step))
    writer.close()
    if "train/loss" not in found:
        return
    steps, loss = found["train/loss"]
    wall = {"train_loss": loss}
    for key, name in (("grad_norm", "train/grad_norm"), ("lr", "train/learning_rate"), ("val_loss", "val/loss")):
        if name in found and len(found[name][0]):
            x, y = found[name]
            share = np.linspace(0, 1, len(loss)) if len(x) < 2 else None
            at = np.searchsorted(x, steps, side="right") - 1 if share is None else np.zeros(len(loss), int)
            wall[key] = y[np.clip(at, 0, len(y) - 1)]
    rows = [",".join(["step", *wall])]
    rows += [",".join([f"{steps[i]:.0f}", *(f"{column[i]:.9g}" for column in wall.values())]) for i in range(len(loss))]
    (folder / "table.csv").write_text("\n".join(rows) + "\n", "utf-8")
