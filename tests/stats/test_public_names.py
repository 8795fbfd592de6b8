"""The public names of the package: each can be had, the three lists agree, and detectors pull in no scipy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import lifesigns.stats as stats


def test_every_public_name_is_there_and_documented() -> None:
    for name in stats.__all__:
        assert getattr(stats, name).__doc__, name


def test_the_lists_agree() -> None:
    tree = ast.parse(Path(stats.__file__).read_text("utf-8"))
    typed = {
        (str(node.module).rsplit(".", 1)[1], alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("lifesigns.stats.")
        for alias in node.names
    }
    assert typed == {(module, name) for module, names in stats.PLACES.items() for name in names}
    assert sorted(stats.WHERE) == stats.__all__ == sorted(stats.__all__)


def test_the_shared_samples_need_no_scipy() -> None:
    code = "import sys, lifesigns.stats.samples; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(stats, "iqr_of_nothing")
