"""Zygotes: processes that have imported the script's libraries and fork one child for each run asked for."""

from __future__ import annotations

import ast
import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ZYGOTE = Path(__file__).parents[1] / "record" / "dyes" / "zygote.py"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1")

PROCESSOR_S = 20.0
"""Processor time of one run; its time by the clock is a part of that for all dyes."""


@dataclass(frozen=True)
class Target:
    """The script that is run, as the user would run it."""

    script: str
    arguments: tuple[str, ...] = ()
    module: bool = False
    python: str = ""
    cwd: str = field(default_factory=os.getcwd)


@dataclass(frozen=True)
class Ran:
    """One finished run: its folder, exit status (None: ended at the time limit), seconds, what it says of itself."""

    folder: Path
    status: int | None
    wall_s: float
    about: Mapping[str, Any] | None


class Zygote:
    """One process that forks runs, one at a time."""

    def __init__(self, target: Target, preload: Sequence[str], hash_seed: int = 0, nice: int = 0) -> None:
        environment = {
            **os.environ,
            **ONE_THREAD,
            "PYTHONHASHSEED": str(hash_seed),
            "CUDA_VISIBLE_DEVICES": "",
            "WANDB_MODE": "disabled",
            "PYTHONDONTWRITEBYTECODE": "1",
            "MPLBACKEND": "Agg",
            "SDL_VIDEODRIVER": "dummy",
        }
        environment.pop("LIFESIGNS_RUN", None)
        self.process = subprocess.Popen(
            [target.python or sys.executable, str(ZYGOTE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=target.cwd,
            text=True,
            start_new_session=True,
        )
        folder = target.cwd if target.module else str(Path(target.script).absolute().parent)
        self._send({"preload": list(preload), "path": [folder], "nice": nice})
        self.ready = False

    def _send(self, value: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(value) + "\n")
        self.process.stdin.flush()

    def _reply(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise OSError("the process that forks runs has ended")
        return json.loads(line)

    def run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Runs one request to its end. Raises OSError where the zygote is gone."""
        if not self.ready:
            self._reply()
            self.ready = True
        self._send(request)
        return self._reply()

    def close(self) -> None:
        """Ends the process."""
        try:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait(2.0)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


class Runner:
    """Runs requests on as many zygotes as there are cores to use; `submit` returns at once."""

    def __init__(
        self,
        target: Target,
        folder: Path,
        cores: int = 2,
        limit_s: float = 30.0,
        zygotes: list[Zygote] | None = None,
        nice: int = 0,
    ) -> None:
        self.target, self.folder, self.limit_s = target, folder, limit_s
        self.preload, sources = libraries(target)
        self.mentions_evaluation = any(EVALUATION.search(text) for text in sources)
        self.uses_hashes = any(HASHES.search(text) for text in sources)
        self.takes_seed = any(SEED_ARGUMENT.search(text) for text in sources)
        self._queue: queue.PriorityQueue[tuple[int, int, Any]] = queue.PriorityQueue()
        self._number, self._closing = 0, False
        self._lock = threading.Lock()
        self.deadline: float | None = None
        self.zygotes = zygotes or [Zygote(target, self.preload, nice=nice) for _ in range(max(cores, 2))]
        self._threads = [threading.Thread(target=self._serve, args=(z,), daemon=True) for z in self.zygotes]
        for thread in self._threads:
            thread.start()

    def submit(self, name: str, *, first: bool = False, zygote: int | None = None, **request: Any) -> Future[Ran]:
        """Asks for one run; `request`: world, plants, stop, seeds, shift_seeds, lines, not_a_number."""
        with self._lock:
            self._number += 1
            number = self._number
        out = self.folder / f"{number:03d}-{name}"
        out.mkdir(parents=True, exist_ok=True)
        target = self.target
        whole = {
            "id": number,
            "out": str(out),
            "script": target.script,
            "arguments": list(target.arguments),
            "module": target.module,
            "cwd": target.cwd,
            "limit_s": self.limit_s + 5.0,
            "stop": {"seconds": min(PROCESSOR_S, self.limit_s), **request.pop("stop", {})},
            **request,
        }
        future: Future[Ran] = Future()
        self._queue.put((0 if first else 1, number, (whole, out, future, zygote)))
        return future

    def _serve(self, zygote: Zygote) -> None:
        mine = self.zygotes.index(zygote)
        while True:
            priority, number, job = self._queue.get()
            if job is None:
                return
            request, out, future, wanted = job
            if self._closing:
                future.cancel()
                continue
            if wanted is not None and wanted != mine and len(self.zygotes) > 1:
                self._queue.put((priority, number, job))
                time.sleep(0.005)
                continue
            hash_seed = request.pop("hash_seed", 0)
            try:
                reply = self._once(request, hash_seed) if hash_seed else zygote.run(request)
                future.set_result(Ran(out, reply["status"], reply["wall_s"], _about(out)))
            except (OSError, ValueError) as error:
                future.set_exception(OSError(f"a dyed run could not be started: {error}"))

    def _once(self, request: Mapping[str, Any], hash_seed: int) -> dict[str, Any]:
        """A run in a process of its own, with another hash seed."""
        zygote = Zygote(self.target, self.preload, hash_seed)
        try:
            return zygote.run(request)
        finally:
            zygote.close()

    def close(self, *, keep_zygotes: bool = False) -> None:
        """Drops what waits; ends all zygotes, and runs in progress with them, unless they are to be used again."""
        self._closing = True
        for _ in self._threads:
            self._queue.put((2, 1 << 30, None))
        if keep_zygotes:
            for thread in self._threads:
                thread.join(self.limit_s + 10.0)
            return
        for zygote in self.zygotes:
            zygote.close()


def _about(folder: Path) -> Mapping[str, Any] | None:
    try:
        return json.loads((folder / "strings.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None


EVALUATION = re.compile(r"evaluat|eval_|_eval\b|test_env|EvalCallback|validat", re.IGNORECASE)


HASHES = re.compile(r"\bset\(|\bhash\(|frozenset\(|\{[\w\"']+(, ?[\w\"']+)+\}")
SEED_ARGUMENT = re.compile(r"""["']--seed["']""")


def libraries(target: Target) -> tuple[list[str], list[str]]:
    """Modules outside the script's own folder that it, or a local module that it imports, names in an import; and the
    sources of the script and those modules."""
    root = Path(target.cwd) if target.module else Path(target.script).absolute().parent
    first = root / Path(*target.script.split(".")).with_suffix(".py") if target.module else Path(target.script)
    found: dict[str, None] = dict.fromkeys(["numpy", "torch", "torch._dynamo", "torch.distributions"])
    sources: list[str] = []
    waiting, seen = [first], set[Path]()
    while waiting and len(seen) < 200:
        file = waiting.pop()
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        try:
            sources.append(file.read_text("utf-8", "replace"))
            tree = ast.parse(sources[-1])
        except (SyntaxError, ValueError, OSError):
            continue
        for name in _imported(tree):
            local = root / Path(*name.split("."))
            top = name.split(".")[0]
            if (root / top).is_dir() or (root / f"{top}.py").is_file():
                waiting += [local.with_suffix(".py"), local / "__init__.py"]
            else:
                found[name] = None
    return list(found), sources


def _imported(tree: ast.AST) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names
