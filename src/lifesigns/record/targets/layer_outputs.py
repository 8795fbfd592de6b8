"""What a layer puts out and what a network is given, in a few numbers."""

from __future__ import annotations

from typing import Any

MAX_ELEMENTS, MAX_ROWS, MAX_DIMS = 2048, 256, 128
OUTPUT_SERIES = (
    "layer.zero_share",
    "layer.saturated_share",
    "layer.output_rms",
    "layer.output_max_abs",
    "layer.output_row_std",
    "layer.dormant_share",
    "layer.effective_rank_share",
)
DORMANT, FEWEST_ROWS = 0.025, 8
"""E|h_i| over its mean over a layer's units up to which a unit is dormant (Sokar et al. 2023, τ = 0.025), and rows of a
batch before rows are compared."""
RANK_ROWS, RANK_UNITS = (32, 128), (16, 128)
"""Fewest and most rows and units of a layer's output whose rank is measured."""


def output_stats(module: Any, output: Any) -> tuple[Any, ...]:
    """The numbers of `OUTPUT_SERIES` but the last, of at most `MAX_ELEMENTS` strided elements, NaN for those that do
    not apply; on a device 0-dimensional tensors, which are not waited for."""
    import numpy as np

    flat = output.detach().reshape(-1)
    if flat.numel() > MAX_ELEMENTS:
        flat = flat[:: flat.numel() // MAX_ELEMENTS + 1]
    kind = type(module).__name__
    if flat.device.type != "cpu":
        return (*_device_output_stats(kind, flat.float()), *_of_rows(output))
    values = flat.float().numpy()
    size = np.abs(values)
    saturated = float("nan")
    if kind == "Tanh":
        saturated = float((size >= 0.99).mean())
    elif kind == "Sigmoid":
        saturated = float(((values <= 0.01) | (values >= 0.99)).mean())
    with np.errstate(all="ignore"):
        rms = float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))
    return float((values == 0).mean()), saturated, rms, float(size.max()), *_of_rows(output)


def _of_rows(output: Any) -> tuple[Any, Any]:
    """(standard deviation over the rows of a batch, mean over units; share of dormant units), of outputs [rows, units]
    with rows enough; NaN otherwise."""
    nan = float("nan")
    if output.dim() != 2 or output.shape[0] < FEWEST_ROWS:
        return nan, nan
    rows = output.detach()[: max(MAX_ELEMENTS // output.shape[1], FEWEST_ROWS), :MAX_ELEMENTS].float()
    size = rows.abs().mean(dim=0)
    found = rows.std(dim=0, unbiased=False).mean(), (size <= DORMANT * size.mean()).float().mean()
    return found if rows.device.type != "cpu" else (float(found[0]), float(found[1]))


def effective_rank(output: Any) -> Any:
    """(tr C)² / ‖C‖² of the covariance C over units, by the most that rows and units allow; NaN for other shapes.

    The participation ratio of C's eigenvalues: 1 where the outputs lie on a line, the number of units where all
    directions are alike.
    """
    if output.dim() != 2 or output.shape[0] < RANK_ROWS[0] or output.shape[1] < RANK_UNITS[0]:
        return float("nan")
    rows = output.detach()[: RANK_ROWS[1], : RANK_UNITS[1]].float()
    rows = rows - rows.mean(dim=0)
    gram = rows @ rows.T if rows.shape[0] < rows.shape[1] else rows.T @ rows
    share = gram.trace() ** 2 / gram.square().sum() / min(rows.shape[0] - 1, rows.shape[1])
    return share if share.device.type != "cpu" else float(share)


def _device_output_stats(kind: str, flat: Any) -> tuple[Any, Any, Any, Any]:
    """The same four as 0-dimensional tensors, computed where the data are."""
    size = flat.abs()
    saturated: Any = float("nan")
    if kind == "Tanh":
        saturated = (size >= 0.99).float().mean()
    elif kind == "Sigmoid":
        saturated = ((flat <= 0.01) | (flat >= 0.99)).float().mean()
    return (flat == 0).float().mean(), saturated, flat.square().mean().sqrt(), size.max()


def input_stats(batch: Any, channels: int | None) -> tuple[Any, Any, Any] | None:
    """(mean, std, largest |x|) by component: by channel for images, else by the last dimension."""
    import numpy as np

    if batch.shape[0] < 2:
        return None
    if batch.shape[0] > MAX_ROWS:
        batch = batch[:: batch.shape[0] // MAX_ROWS + 1]
    values = batch.detach().float()
    if channels is not None and values.dim() > 2 and values.shape[1] == channels:
        values = values.movedim(1, -1)
    values = values.reshape(-1, values.shape[-1])[:4096]
    if values.shape[1] > MAX_DIMS:
        values = values[:, :: values.shape[1] // MAX_DIMS + 1]
    if values.device.type != "cpu":
        return values.mean(dim=0), values.std(dim=0, unbiased=False), values.abs().amax(dim=0)
    array = values.numpy().astype(np.float64)
    with np.errstate(all="ignore"):
        return array.mean(axis=0), array.std(axis=0), np.abs(array).max(axis=0)
