"""Keeps what a dyed run writes away from the user's files: a working folder of links, writes elsewhere turned aside.

Relative paths land in the scratch folder, where the user's files are links that a write replaces. Files outside that the
program opens for writing are written to a twin; deleting or renaming outside is refused, and ends the run as no evidence.
"""

from __future__ import annotations

import builtins
import io
import os
import shutil
import sys
import tempfile
from functools import wraps
from typing import Any

MAX_ENTRIES = 2000
REFUSED = ("os.remove", "os.rename", "os.rmdir", "shutil.rmtree", "os.truncate", "shutil.move")


def enter(cwd: str, out: str) -> str:
    """Makes the scratch folder, changes to it, patches `open` and `torch.save`'s way of opening; returns it."""
    scratch = os.path.join(os.path.realpath(out), "cwd")
    os.makedirs(scratch, exist_ok=True)
    _link(cwd, scratch)
    os.chdir(scratch)
    writes = Writes(scratch, os.path.realpath(cwd))
    opened = builtins.open

    @wraps(opened)
    def redirected(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, str | bytes | os.PathLike):
            file = writes.place(file, mode)
        return opened(file, mode, *args, **kwargs)

    builtins.open = io.open = redirected  # type: ignore[assignment]
    os.mkdir = writes.mkdir_with(os.mkdir)
    sys.addaudithook(writes.audit)
    return scratch


def _link(source: str, target: str) -> None:
    """Links to the entries of a folder; what is written below a linked folder is turned aside by its path."""
    try:
        entries = sorted(os.listdir(source))[:MAX_ENTRIES]
    except OSError:
        return
    for name in entries:
        os.symlink(os.path.join(source, name), os.path.join(target, name))


class Writes:
    """Where a write goes."""

    def __init__(self, scratch: str, cwd: str) -> None:
        self.scratch, self.cwd = scratch, cwd
        own = {os.path.realpath(p) for p in (tempfile.gettempdir(), "/tmp", "/dev", "/proc", "/var/tmp")}
        self.free = tuple(p + os.sep for p in own if not cwd.startswith(p + os.sep)) + (os.path.dirname(scratch) + os.sep,)

    def place(self, file: Any, mode: str) -> Any:
        """The path to open instead of `file`."""
        path = os.path.abspath(os.fsdecode(os.fspath(file)))
        twin = self._twin(path)
        if not any(c in mode for c in "wax+"):
            return twin if twin and os.path.exists(twin) else file
        if os.path.islink(path) and path.startswith(self.scratch + os.sep):
            self._own(path, os.path.realpath(path), path, mode)
            return file
        if twin is None:
            return file
        if not os.path.exists(twin):
            os.makedirs(os.path.dirname(twin), exist_ok=True)
            self._own(None, path, twin, mode)
        return twin

    def _twin(self, path: str) -> str | None:
        real = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
        if real.startswith(self.free) or os.path.realpath(path).startswith(("/dev/", "/proc/")):
            return None
        return os.path.join(self.scratch, ".outside", real.lstrip(os.sep))

    def _own(self, link: str | None, source: str, target: str, mode: str) -> None:
        """Replaces a link by a file of our own, with the content where the mode keeps it."""
        if link is not None:
            os.unlink(link)
        if ("a" in mode or "+" in mode) and "w" not in mode and os.path.isfile(source):
            shutil.copyfile(source, target)

    def mkdir_with(self, mkdir: Any) -> Any:
        """`os.mkdir` (which `makedirs` calls) that makes folders outside as twins."""

        @wraps(mkdir)
        def made(path: Any, *args: Any, **kwargs: Any) -> None:
            twin = self._twin(os.path.abspath(os.fsdecode(os.fspath(path)))) if kwargs.get("dir_fd") is None else None
            if twin is None:
                mkdir(path, *args, **kwargs)
            elif not os.path.isdir(twin):
                os.makedirs(os.path.dirname(twin), exist_ok=True)
                mkdir(twin)

        return made

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """Refuses what would change files outside."""
        if event not in REFUSED or not args:
            return
        try:
            path = os.path.abspath(os.fsdecode(os.fspath(args[0])))
        except TypeError:
            return
        if self._twin(path) is not None:
            raise PermissionError(f"a dyed run may not change `{path}`")


def guard_torch(torch: Any) -> None:
    """`torch.save` opens paths in C++: it is given the redirected one."""
    save = torch.save

    @wraps(save)
    def saved(obj: Any, f: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(f, str | os.PathLike):
            with open(f, "wb") as file:
                return save(obj, file, *args, **kwargs)
        return save(obj, f, *args, **kwargs)

    torch.save = saved
