"""Calls back when the user's program has imported a module; never imports one itself."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from .taps import failed

Installer = Callable[[ModuleType], None]


class AfterImport:
    """A meta-path finder that finds nothing itself: it lets the real loader run, then calls the
    installers."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Installer]] = {}
        self._looking = _Looking()

    def when(self, name: str, installer: Installer) -> None:
        """Calls `installer(module)` now if it is loaded, else right after it has been."""
        if name in sys.modules:
            _install(installer, sys.modules[name])
        else:
            self._waiting.setdefault(name, []).append(installer)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Hands out the real spec with `exec_module` extended, for the modules that are waited for."""
        if name not in self._waiting or name in self._looking.names:
            return None
        self._looking.names.add(name)
        try:
            spec = importlib.util.find_spec(name)
            if spec is not None and spec.loader is not None:
                self._extend(spec.loader, name)
            return spec
        except Exception:
            return None
        finally:
            self._looking.names.discard(name)

    def _extend(self, loader: Any, name: str) -> None:
        """Installers are used up when the module is run, not when somebody asks whether it is there."""
        run = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            with suppress(AttributeError):
                del loader.exec_module
            run(module)
            for installer in self._waiting.pop(name, ()):
                _install(installer, module)

        loader.exec_module = exec_module


class _Looking(threading.local):
    """Names that this thread is looking up through the other finders."""

    def __init__(self) -> None:
        self.names: set[str] = set()


def _install(installer: Installer, module: ModuleType) -> None:
    try:
        installer(module)
    except Exception as error:
        failed(f"install:{installer.__module__}", error)
