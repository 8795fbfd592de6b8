"""Calls back when the user's program has imported a module; never imports one itself."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from lifesigns.record.taps import failed

Installer = Callable[[ModuleType], None]


class AfterImport:
    """A meta-path finder that finds nothing itself: it lets the real loader run, then calls the installers."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Installer]] = {}

    def when(self, name: str, installer: Installer) -> None:
        """Calls `installer(module)` now if it is loaded, else right after it has been."""
        if name in sys.modules:
            _install(installer, sys.modules[name])
        else:
            self._waiting.setdefault(name, []).append(installer)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Hands out the real spec with `exec_module` extended, for the modules that are waited for."""
        if name not in self._waiting:
            return None
        installers = self._waiting.pop(name)
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            self._waiting[name] = installers
            return None
        _extend(spec.loader, installers)
        return spec


def _extend(loader: Any, installers: list[Installer]) -> None:
    run = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        try:
            del loader.exec_module
        except AttributeError:
            pass
        run(module)
        for installer in installers:
            _install(installer, module)

    loader.exec_module = exec_module


def _install(installer: Installer, module: ModuleType) -> None:
    try:
        installer(module)
    except Exception as error:
        failed(f"install:{installer.__module__}", error)
