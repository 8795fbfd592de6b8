"""Attempts as tasks of a Ray cluster: the same supervisor on whichever machine has room, its run folder brought back.

The supervisor is tied to the Ray worker that started it as it is to the driver on one machine: a worker or a node that
dies takes its run with it, the attempt is lost, and the driver makes another. Ray itself never repeats a task.
Ray is imported only here.
"""

from __future__ import annotations

import io
import logging
import os
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lifesigns.campaign.engine import Attempt, Done
from lifesigns.campaign.folder import CampaignError, attempt_result
from lifesigns.campaign.local import conclude, supervise

MARK = ".shared-with-nodes"
"""A file beside the runs: a node that sees it sees the driver's file system."""


class RayEngine:
    """`jobs` attempts at once (all cores of the cluster if 0), each with one core and `gpus` of a GPU.

    Joins the cluster that RAY_ADDRESS names, else starts one on this machine. Raises CampaignError without Ray.
    """

    def __init__(self, jobs: int = 0, gpus: float = 0.0) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise CampaignError(
                "`--engine ray` needs Ray: install it with `pip install 'lifesigns[ray]'`, or leave the option out"
            ) from error
        self._ray: Any = ray
        joins = bool(os.environ.get("RAY_ADDRESS"))
        try:
            ray.init(
                **({} if joins else {"num_cpus": jobs or os.cpu_count() or 1, "include_dashboard": False}),
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise CampaignError(f"no Ray cluster could be reached or started: {error}") from error
        self._jobs, self._gpus = jobs, gpus
        self._task: Any = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=0)(run_attempt)
        self._running: dict[Any, Attempt] = {}

    @property
    def slots(self) -> int:
        """How many attempts may run at once: what was asked for, or what the cluster has at the moment."""
        have = int(self._ray.cluster_resources().get("CPU", 1))
        return min(self._jobs, have) if self._jobs else have

    def start(self, attempt: Attempt) -> None:
        """Begins an attempt. Raises OSError."""
        runs = attempt.folder.absolute().parent
        runs.mkdir(parents=True, exist_ok=True)
        mark = str(runs.parent.name)
        (runs / MARK).write_text(mark, "utf-8")
        request = dict(attempt.request)
        ref = self._task.options(name=attempt.name).remote(request, attempt.job, str(attempt.folder.absolute()), mark)
        self._running[ref] = attempt

    def wait(self, seconds: float) -> list[Done]:
        """Attempts that have ended."""
        ray = self._ray
        if not self._running:
            return []
        ready, _ = ray.wait(list(self._running), num_returns=1, timeout=seconds)
        ended: list[Done] = []
        for ref in ready:
            attempt = self._running.pop(ref)
            try:
                why, packed = ray.get(ref)
                if packed:
                    unpack(packed, attempt.folder)
                result = attempt_result(attempt.folder)
                ended.append(Done(attempt, result, why))
            except (ray.exceptions.RayError, OSError, tarfile.TarError) as error:
                ended.append(Done(attempt, None, f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"))
        return ended

    def close(self) -> None:
        """Ends all that is running, and the cluster if it was started here."""
        for ref in self._running:
            self._ray.cancel(ref, force=True)
        self._running = {}
        self._ray.shutdown()


def run_attempt(request: Mapping[str, Any], job: str, folder: str, mark: str) -> tuple[str, bytes]:
    """On a node: makes the attempt; returns why it was lost (empty if not) and its packed folder.

    The folder is empty where the node shares the driver's file system. Raises OSError where the node lacks the
    working folder.
    """
    if not Path(request["cwd"]).is_dir():
        raise OSError(f"node {os.uname().nodename} has no folder {request['cwd']}: share it, or copy the script there")
    shared = _sees(Path(folder).parent / MARK, mark)
    with tempfile.TemporaryDirectory(prefix="lifesigns-") as scratch:
        place = Path(folder) if shared else Path(scratch) / Path(folder).name
        attempt = Attempt(job, place.name, place, request)
        process = supervise(attempt)
        process.wait()
        done = conclude(attempt, process)
        return done.why, b"" if shared else pack(place)


def _sees(path: Path, mark: str) -> bool:
    try:
        return path.read_text("utf-8") == mark
    except OSError:
        return False


def pack(folder: Path) -> bytes:
    """A run folder as one compressed archive."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w:gz") as archive:
        for path in sorted(folder.iterdir()):
            if path.is_file():
                archive.add(path, arcname=path.name, recursive=False)
    return held.getvalue()


def unpack(packed: bytes, folder: Path) -> None:
    """Writes the files of an archive into a run folder; names that lead elsewhere are refused. Raises TarError."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        archive.extractall(folder, filter="data")
