"""How a script is given its seed: read off its source, or off --help; scripts that parse nothing are not run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lifesigns.campaign import seed_argument
from lifesigns.campaign.prepare import planned

SOURCES = {
    "argparse": ("import argparse\np = argparse.ArgumentParser()\np.add_argument('-s', '--seed', type=int)", "--seed"),
    "underscore": ("import argparse\np = argparse.ArgumentParser()\np.add_argument('--random_seed')", "--random_seed"),
    "click": ("import click\n@click.command()\n@click.option('--seed', default=0)\ndef main(seed): ...", "--seed"),
    "typer": ("import typer\ndef main(steps: int, rng_seed: int = 0): ...\ntyper.run(main)", "--rng-seed"),
    "typer app": ("import typer\napp = typer.Typer()\n@app.command()\ndef main(seed: int = 0): ...", "--seed"),
    "tyro": ("import tyro\nclass Args:\n    random_seed: int = 1\nargs = tyro.cli(Args)", "--random-seed"),
    "dataclass": ("from simple_parsing import parse\nclass Args:\n    rng_seed: int = 1", "--rng_seed"),
    "absl": ("from absl import flags\nflags.DEFINE_integer('seed', 0, '')", "--seed"),
    "fire": ("import fire\ndef train(lr=1, seed=0): ...\nfire.Fire(train)", "--seed"),
    "not the evaluation's": (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--eval-seed')\np.add_argument('--seed')",
        "--seed",
    ),
}


@pytest.mark.parametrize("name", SOURCES)
def test_read_off_the_source(name: str) -> None:
    text, wanted = SOURCES[name]
    found = seed_argument.by_reading([text])
    assert found is not None
    assert found.name == wanted
    assert not found.assigns


def test_hydra_assigns() -> None:
    found = seed_argument.by_reading(["import hydra\n@hydra.main()\ndef main(cfg):\n    torch.manual_seed(cfg.seed)"])
    assert found is not None
    assert found.tokens(3) == ["seed=3"]


@pytest.mark.parametrize(
    "text",
    [
        "import torch\ntorch.manual_seed(0)",
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--eval-seed')",
        "class Config:\n    seed: int = 0",
        "def broken(:",
    ],
)
def test_sources_that_take_none(text: str) -> None:
    assert seed_argument.by_reading([text]) is None


@pytest.mark.parametrize(("text", "tokens"), [("--seed", ["--seed", "3"]), ("s", ["--s", "3"]), ("seed=", ["seed=3"])])
def test_as_told(text: str, tokens: list[str]) -> None:
    assert seed_argument.given(text).tokens(3) == tokens


def test_help_is_asked_only_of_scripts_that_parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain.py").write_text("open('ran.txt', 'w')")
    assert planned("plain.py").seed_argument.imposed
    assert not (tmp_path / "ran.txt").exists()
    (tmp_path / "built.py").write_text(
        "import argparse\np = argparse.ArgumentParser()\nfor n in ['se' + 'ed', 'lr']: p.add_argument('--' + n)\n"
        "p.parse_args()\nopen('ran.txt', 'w')"
    )
    found = planned("built.py").seed_argument
    assert (found.name, found.found) == ("--seed", "`--help`")
    assert not (tmp_path / "ran.txt").exists()


def test_help_that_takes_too_long_or_fails(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(30)")
    (tmp_path / "bad.py").write_text("print('--seed')\nraise SystemExit(2)")
    assert seed_argument.by_help([sys.executable, str(tmp_path / "slow.py")], "", seconds=0.3) is None
    assert seed_argument.by_help([sys.executable, str(tmp_path / "bad.py")], "") is None


def test_local_modules_are_read_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "options.py").write_text(SOURCES["argparse"][0])
    (tmp_path / "train.py").write_text("from options import p\nprint(p.parse_args())")
    first = planned("train.py")
    assert first.seed_argument.name == "--seed"
    (tmp_path / "options.py").write_text(SOURCES["argparse"][0] + "\nLR = 1")
    assert planned("train.py").sources != first.sources
