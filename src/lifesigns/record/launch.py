"""Runs the user's script as a child process, as Python would, with the recorder injected; keeps what it
prints.

The child is `python script args` itself: its arguments, `sys.path`, `__main__`, exit status and signals are
native. Flows out: a run folder with `run.json`, `output.log` and the trace that the child writes.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from lifesigns.store.folder import RunFolder

INJECT = Path(__file__).parent / "inject"
GRACE_S = (4.0, 2.0)
"""How long a child that is stopped gets to end after SIGINT, then after SIGTERM, before SIGKILL."""
DRAIN_S = 0.5
MAX_OUTPUT = 64 << 20


@dataclass
class Ending:
    """How the child ended: its status as `subprocess` gives it (negative: the signal), and why it was
    stopped."""

    returncode: int
    wall_s: float
    stopped: bool = False
    tail: bytes = b""

    def about(self) -> dict[str, Any]:
        """What `run.json` says of it: `exit_status`, `ended` in a word, the last line of a crash."""
        code = self.returncode
        if self.stopped:
            how = "stopped early"
        elif code == -signal.SIGINT:
            how = "interrupted"
        elif code < 0:
            how = "killed"
        else:
            how = "crashed" if code else "finished"
        lines = self.tail.decode("utf-8", "replace").strip().splitlines() if how == "crashed" else []
        return {"exit_status": code, "ended": how, "exception": lines[-1][:500] if lines else ""}


@dataclass
class Child:
    """A script to run; `own_group` keeps the terminal's Ctrl-C away from it, for runs that we stop
    ourselves. `started` is called with its process, `before_exec` in it."""

    command: Sequence[str]
    folder: RunFolder
    out: BinaryIO | None = None
    err: BinaryIO | None = None
    own_group: bool = False
    deadline_s: float | None = None
    env: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    started: Callable[[subprocess.Popen[bytes]], None] = lambda process: None
    before_exec: Callable[[], None] | None = None

    def run(self, each_second: Callable[[float], bool] = lambda wall_s: False) -> Ending:
        """Runs to the end or the deadline; `each_second(wall_s)` may return True to stop early. Raises
        OSError."""
        pipes = [_Pipe(1, self.out), _Pipe(2, self.err)]
        forwarder = _Forwarder(own_group=self.own_group)
        try:
            started = time.monotonic()
            process = self._start(pipes)
            self.started(process)
            pump = _Pump(pipes, self.folder.output_file)
            try:
                stopped = self._wait(process, pump, forwarder, started, each_second)
            finally:
                pump.close()
        finally:
            forwarder.close()
        return Ending(process.returncode, time.monotonic() - started, stopped, pump.tail())

    def _start(self, pipes: list[_Pipe]) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                self.command,
                stdout=pipes[0].child_end,
                stderr=pipes[1].child_end,
                env=environment(self.env, self.folder),
                stdin=subprocess.DEVNULL if self.own_group and os.isatty(0) else None,
                process_group=0 if self.own_group else None,
                preexec_fn=self.before_exec,
            )
        finally:
            for pipe in pipes:
                os.close(pipe.child_end)

    def _wait(
        self,
        process: subprocess.Popen[bytes],
        pump: _Pump,
        forwarder: _Forwarder,
        started: float,
        each_second: Callable[[float], bool],
    ) -> bool:
        next_second = 1.0
        while process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.05)
            forwarder.pass_on(process)
            wall = time.monotonic() - started
            late = self.deadline_s is not None and wall >= self.deadline_s
            if wall >= next_second:
                next_second = wall + 1.0
                late = each_second(wall) or late
            if late and process.poll() is None:
                pump.mute()
                self._stop(process)
                return True
        return False

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        """A clean stop: what Ctrl-C would do, then harder."""
        for number, patience in zip((signal.SIGINT, signal.SIGTERM), GRACE_S, strict=True):
            _send(process, number, group=self.own_group)
            try:
                process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        if process.poll() is None:
            _send(process, signal.SIGKILL, group=self.own_group)
            process.wait()
        if self.own_group:
            _send(process, signal.SIGKILL, group=True)


def environment(base: dict[str, str], folder: RunFolder) -> dict[str, str]:
    """The child's environment: the user's, and what injects the recorder."""
    paths = [str(INJECT), *filter(None, [base.get("PYTHONPATH")])]
    return {**base, "PYTHONPATH": os.pathsep.join(paths), "LIFESIGNS_RUN": str(folder.path.absolute())}


def _send(process: subprocess.Popen[bytes], number: int, *, group: bool) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number) if group else process.send_signal(number)


class _Pipe:
    """One of the child's output streams: a terminal where ours is one, else a pipe."""

    def __init__(self, number: int, sink: BinaryIO | None) -> None:
        self.number, self.sink = number, sink
        if sink is not None and _is_terminal(sink):
            self.our_end, self.child_end = os.openpty()
            _copy_terminal(sink.fileno(), self.child_end)
        else:
            self.our_end, self.child_end = os.pipe()


def _is_terminal(sink: BinaryIO) -> bool:
    try:
        return os.isatty(sink.fileno())
    except (OSError, ValueError):
        return False


def _copy_terminal(source: int, target: int) -> None:
    """Same size, and no translation of newlines, which our own terminal does already."""
    fcntl.ioctl(target, termios.TIOCSWINSZ, fcntl.ioctl(source, termios.TIOCGWINSZ, b"\0" * 8))
    modes = termios.tcgetattr(target)
    modes[1] &= ~termios.OPOST
    termios.tcsetattr(target, termios.TCSANOW, modes)


class _Pump(threading.Thread):
    """Passes on what the child prints, and keeps it."""

    def __init__(self, pipes: list[_Pipe], log: Path) -> None:
        super().__init__(daemon=True, name="lifesigns-output")
        self._pipes = {p.our_end: p for p in pipes}
        self._log = log.open("ab")
        self._kept = 0
        self._tail = bytearray()
        self._muted = self._ending = False
        self.start()

    def mute(self) -> None:
        """From now on output is kept but no longer shown: the run is being stopped."""
        self._muted = True

    def tail(self) -> bytes:
        """The last of what went to standard error."""
        return bytes(self._tail)

    def run(self) -> None:
        quiet_since: float | None = None
        while self._pipes:
            ready, _, _ = select.select(list(self._pipes), [], [], 0.1)
            for end in ready:
                self._read(end)
            if self._ending and not ready:
                quiet_since = quiet_since or time.monotonic()
                if time.monotonic() - quiet_since > DRAIN_S:
                    break
        self._log.close()

    def _read(self, end: int) -> None:
        try:
            data = os.read(end, 1 << 16)
        except OSError:
            data = b""
        pipe = self._pipes[end]
        if not data:
            os.close(end)
            del self._pipes[end]
            return
        if self._kept < MAX_OUTPUT:
            self._kept += len(data)
            self._log.write(data)
            self._log.flush()
        if pipe.number == 2 and not self._muted:
            self._tail = (self._tail + data)[-20_000:]
        if pipe.sink is not None and not self._muted:
            try:
                pipe.sink.write(data)
                pipe.sink.flush()
            except (OSError, ValueError):
                pipe.sink = None

    def close(self) -> None:
        """Waits for the rest of the output; a grandchild that keeps the stream open is not waited for."""
        self._ending = True
        self.join(10.0)


class _Forwarder:
    """Passes a signal that was sent to us alone on to the child.

    One sent to our whole group (Ctrl-C in a terminal, `timeout`) has reached a child of our group already: a
    sentinel in the group, killed by it, tells the two apart. The sentinel ends with us, since its input does.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    PATIENCE_S = 0.1

    def __init__(self, *, own_group: bool) -> None:
        self._own_group = own_group
        self._pending: list[int] = []
        self._before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            wanted = [n for n in self.SIGNALS if signal.getsignal(n) is not signal.SIG_IGN]
            self._before = {n: signal.signal(n, self._note) for n in wanted}
        self._sentinel = None if own_group else _sentinel()

    def _note(self, number: int, frame: Any) -> None:
        self._pending.append(number)

    def pass_on(self, process: subprocess.Popen[bytes]) -> None:
        """Sends the child what has arrived for us alone since the last call."""
        while self._pending:
            number = self._pending.pop(0)
            if not self._reached_group():
                _send(process, number, group=self._own_group)

    def _reached_group(self) -> bool:
        if self._sentinel is None:
            return False
        try:
            self._sentinel.wait(self.PATIENCE_S)
        except subprocess.TimeoutExpired:
            return False
        self._end_sentinel()
        self._sentinel = _sentinel()
        return True

    def _end_sentinel(self) -> None:
        if self._sentinel is not None:
            assert self._sentinel.stdin is not None
            self._sentinel.stdin.close()
            self._sentinel.wait()

    def close(self) -> None:
        """Stops forwarding and lets signals through to us again."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._end_sentinel()


def _sentinel() -> subprocess.Popen[bytes] | None:
    try:
        return subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return None


def python_command(python: str, script: str, arguments: Sequence[str], *, module: bool) -> list[str]:
    """`python script args`, or `python -m module args`."""
    return [python or sys.executable, *(["-m"] if module else []), script, *arguments]
