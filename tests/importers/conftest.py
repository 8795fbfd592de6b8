"""A log of each format, alone in its folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from sample_logs import FORMATS, write_sample


@pytest.fixture(params=FORMATS)
def format_name(request: pytest.FixtureRequest) -> str:
    """Each format by its name."""
    return str(request.param)


@pytest.fixture
def sample(format_name: str, tmp_path: Path) -> Path:
    """A log of each format, alone in its folder."""
    return write_sample(format_name, tmp_path / "log")
