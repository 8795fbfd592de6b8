"""Numbers that are still on a device: copied without waiting at one flush, read at a later one; never a
forced sync."""

from __future__ import annotations

from typing import Any

from ...store.writer import Column
from ..recorder import Recorder


class Deferred:
    """CPU values go straight into their column; others wait for an asynchronous copy that has completed."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._waiting: list[tuple[Any, Column, float]] = []
        self._in_flight: list[tuple[Any, Any, list[tuple[Column, float, int]]]] = []

    def put(self, values: list[Any], column: Column, at: float) -> None:
        """Adds a row of numbers or 0-dimensional tensors."""
        device = next((v.device for v in values if hasattr(v, "detach") and v.device.type != "cpu"), None)
        if device is None:
            column.add_row(at, [float(v) for v in values])
            return
        import torch

        with torch.no_grad():
            row = torch.stack(
                [
                    v.to(device, torch.float32, non_blocking=True)
                    if hasattr(v, "detach")
                    else torch.full((), v, device=device)
                    for v in values
                ]
            )
        self._waiting.append((row, column, at))

    def put_row(self, row: Any, column: Column, at: float) -> None:
        """Adds a row that is one tensor [width] on a device."""
        import torch

        self._waiting.append((row.detach().to(torch.float32), column, at))

    def collect(self) -> None:
        """Delivers copies that have arrived, starts those of the rows that wait; at the end waits for all."""
        last = self._recorder.closed
        self._deliver(wait=False)
        if self._waiting:
            self._send()
        if last:
            self._deliver(wait=True)

    def _send(self) -> None:
        import torch

        rows, self._waiting = self._waiting, []
        on = rows[0][0].device
        with torch.no_grad():
            packed = torch.cat([r.to(on) for r, _, _ in rows])
            cuda = on.type == "cuda"
            host = torch.empty(packed.shape, dtype=packed.dtype, pin_memory=cuda)
            host.copy_(packed, non_blocking=True)
        arrived = torch.cuda.Event() if cuda else None
        if arrived is not None:
            arrived.record(torch.cuda.current_stream(on))
        self._in_flight.append((host, arrived, [(c, at, len(r)) for r, c, at in rows]))

    def _deliver(self, *, wait: bool) -> None:
        while self._in_flight:
            host, arrived, parts = self._in_flight[0]
            if arrived is not None:
                if wait:
                    arrived.synchronize()
                elif not arrived.query():
                    return
            self._in_flight.pop(0)
            values = host.tolist()
            place = 0
            for column, at, width in parts:
                column.add_row(at, values[place : place + width])
                place += width
