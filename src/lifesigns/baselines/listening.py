"""Listens to a child process that may hang or die: its events line by line, where it stands, its last words, its end.

Flows in: a started child that writes a JSON object a line and heartbeats. `survey` and `learners.ask` say what an event
means and when the child is too late; nothing else imports this.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import time
from pathlib import Path
from typing import BinaryIO


class Listener:
    """Reads events until the child ends, hangs or is too late."""

    def __init__(self, child: subprocess.Popen[bytes], err: BinaryIO) -> None:
        self.child, self.err = child, err
        self.stage = "starting"
        self.last = time.monotonic()
        """When the child was heard last."""

    def run(self) -> None:
        """Hands each line to `take` as it comes."""
        assert self.child.stdout is not None
        descriptor = self.child.stdout.fileno()
        os.set_blocking(descriptor, False)
        pending = b""
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while True:
                if selector.select(0.5):
                    chunk = os.read(descriptor, 1 << 16)
                    if not chunk:
                        return
                    self.last = time.monotonic()
                    *whole, pending = (pending + chunk).split(b"\n")
                    if not all(self.take(line) for line in whole):
                        return
                if self.late():
                    return

    def take(self, line: bytes) -> bool:
        """Takes in one event; false where the child must be ended."""
        raise NotImplementedError

    def late(self) -> bool:
        """Whether the child must be ended now, heard or not."""
        raise NotImplementedError

    def standing(self) -> str:
        """Asks the child where it stands: ` (at file:line)` of the user's code, or nothing."""
        if not hasattr(signal, "SIGUSR1"):
            return ""
        try:
            self.child.send_signal(signal.SIGUSR1)
            time.sleep(0.5)
            where = place(self.tail(6000))
        except OSError:
            return ""
        return f" (at {where})" if where else ""

    def tail(self, size: int) -> str:
        """The last bytes of what the child wrote to its error stream."""
        self.err.seek(0, os.SEEK_END)
        self.err.seek(max(self.err.tell() - size, 0))
        return self.err.read().decode("utf-8", "replace")


def end(child: subprocess.Popen[bytes]) -> None:
    """Kills the child and what it started, if it still runs."""
    if child.poll() is None:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except (OSError, AttributeError):
            child.kill()
    child.wait()
    if child.stdout:
        child.stdout.close()


def place(stack: str) -> str:
    """`file:line` of the innermost frame of the main thread outside lifesigns, from what `faulthandler` wrote."""
    main = stack.rpartition("Current thread")[2] or stack.rpartition("Thread 0x")[2]
    threads = re.split(r"(?=Thread 0x|Current thread 0x)", stack)
    own = str(Path(__file__).parents[1])
    for text in reversed(threads or [main]):
        frames = re.findall(r'File "([^"]+)", line (\d+) in (\S+)', text)
        if any(name == "beat" for *_, name in frames):
            continue
        for file, line, _ in frames:
            if not file.startswith(own) and "site-packages" not in file and "/threading.py" not in file:
                return f"{file}:{line}"
    return ""
