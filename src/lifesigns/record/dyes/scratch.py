"""Keeps what a dyed run writes away from the user's files: a working folder of links, writes elsewhere turned aside.

Relative paths land in the scratch folder, where the user's files are links that a write replaces. Files outside that
the program opens for writing, or renames something to, are written to a twin; deleting outside is refused, and so is
whatever else would change a file there.
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
REFUSED = {
    "os.remove": (0,),
    "os.rmdir": (0,),
    "shutil.rmtree": (0,),
    "os.truncate": (0,),
    "os.rename": (0, 1),
    "os.link": (0, 1),
    "os.symlink": (1,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.utime": (0,),
    "sqlite3.connect": (0,),
}
"""Audit events → which of their arguments are paths that would change."""
OF_ONE_PATH = ("stat", "chmod", "utime", "remove", "unlink", "rmdir", "listxattr", "getxattr", "setxattr")
OF_THE_LINK = ("os.remove", "os.rename", "os.symlink", "os.link", "shutil.rmtree")
"""Events that change a link itself and not what it stands for."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def enter(cwd: str, out: str) -> str:
    """Makes the scratch folder, changes to it, patches `open` and `torch.save`'s way of opening; returns it."""
    scratch = os.path.join(os.path.realpath(out), "cwd")
    os.makedirs(scratch, exist_ok=True)
    _link(cwd, scratch)
    os.chdir(scratch)
    temporary = os.path.join(os.path.realpath(out), "tmp")  # SB3's logger makes a folder of each run in it
    os.makedirs(temporary, exist_ok=True)
    os.environ["TMPDIR"], tempfile.tempdir = temporary, None
    writes = Writes(scratch, os.path.realpath(cwd))
    opened = builtins.open

    @wraps(opened)
    def redirected(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, str | bytes | os.PathLike):
            file = writes.place(file, mode)
        return opened(file, mode, *args, **kwargs)

    builtins.open = io.open = redirected  # type: ignore[assignment]
    os.mkdir, os.open = writes.mkdir_with(os.mkdir), writes.open_with(os.open)
    os.rename, os.replace = writes.rename_with(os.rename), writes.rename_with(os.replace)
    for name in OF_ONE_PATH:
        if hasattr(os, name):
            setattr(os, name, writes.twin_with(getattr(os, name)))
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
        self.temporary = os.path.realpath(tempfile.gettempdir())
        self.made: set[str] = set()
        own = {os.path.realpath(p) for p in (self.temporary, "/tmp", "/dev", "/proc", "/var/tmp")}
        own = {p for p in own if not cwd.startswith(p + os.sep)} | {os.path.dirname(scratch)}
        self.free = tuple(p + os.sep for p in own)

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
        if self.made and any(real == m or real.startswith(m + os.sep) for m in self.made):
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
            twin = self._twin(_absolute(path)) if kwargs.get("dir_fd") is None else None
            if twin is None or self._is_new_temporary(_absolute(path)):
                mkdir(path, *args, **kwargs)
            elif not os.path.isdir(twin):
                os.makedirs(os.path.dirname(twin), exist_ok=True)
                mkdir(twin)

        return made

    def _is_new_temporary(self, path: str) -> bool:
        """Whether a path is a new one right in the folder for temporary files, which is then the run's own."""
        folder, name = os.path.split(path)
        real = os.path.join(os.path.realpath(folder), name)
        if os.path.dirname(real) != self.temporary or os.path.lexists(real):
            return False
        self.made.add(real)
        return True

    def open_with(self, opened: Any) -> Any:
        """`os.open` that writes to twins."""

        @wraps(opened)
        def redirected(path: Any, flags: int, *args: Any, **kwargs: Any) -> Any:
            if flags & WRITES and kwargs.get("dir_fd") is None and not isinstance(path, int):
                new = flags & os.O_EXCL and self._is_new_temporary(_absolute(path))
                path = path if new else self.place(path, "w" if flags & os.O_TRUNC else "r+")
            return opened(path, flags, *args, **kwargs)

        return redirected

    def twin_with(self, change: Any) -> Any:
        """A function of one path that is applied to the twin where there is one."""

        @wraps(change)
        def changed(path: Any, *args: Any, **kwargs: Any) -> Any:
            if kwargs.get("dir_fd") is None and not isinstance(path, int):
                twin = self._twin(_absolute(path))
                path = twin if twin and os.path.lexists(twin) else path
            return change(path, *args, **kwargs)

        return changed

    def rename_with(self, rename: Any) -> Any:
        """`os.rename` and `os.replace`: a twin is moved instead of what it stands for, and a twin is replaced."""

        @wraps(rename)
        def renamed(src: Any, dst: Any, **kwargs: Any) -> None:
            source, target = self._twin(_absolute(src)), self._twin(_absolute(dst))
            if target is not None:
                os.makedirs(os.path.dirname(target), exist_ok=True)
            rename(source if source and os.path.exists(source) else src, target or dst, **kwargs)

        return renamed

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        """Refuses what would change files outside; a link that would be written through becomes a copy."""
        if event == "open":
            places: tuple[int, ...] = (0,) if args[2] & WRITES else ()
        else:
            places = REFUSED.get(event, ())
        for place in places:
            try:
                path = _absolute(args[place])
            except TypeError:
                continue
            if event not in OF_THE_LINK and os.path.islink(path):
                self.place(path, "r+")
            if self._twin(path) is not None:
                raise PermissionError(f"a dyed run may not change `{path}`")


def _absolute(path: Any) -> str:
    return os.path.abspath(os.fsdecode(os.fspath(path)))


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
