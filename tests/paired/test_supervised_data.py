"""Where data part, what is padding, what a loss asks of tokens, batches put together again, options of libraries."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from synthetic import Writing

from lifesigns.paired import options, source
from lifesigns.paired.heldout import held_out_loaders, overlap, scaled_together
from lifesigns.paired.runlog import Site
from lifesigns.record import callsite
from lifesigns.record.dyes import asked, collating, masks, padding, splits


def split(tmp_path: Path, body: str) -> dict[str, Any]:
    """What `splits` says of the loaders that a script makes: the first for training, the second held out."""
    path = tmp_path / "data.py"
    path.write_text(dedent(body), "utf-8")
    held: dict[int, splits.Made] = {}

    def loader(*_: Any) -> None:
        held[len(held)] = splits.made(sys._getframe(1))

    exec(compile(path.read_text("utf-8"), str(path), "exec"), {"loader": loader, "np": np, "__name__": "data"})
    return splits.describe(held)["0,1"]


@pytest.mark.parametrize(
    ("rows", "line", "shared"),
    [("order[:20], order[20:]", 6, [0, 20]), ("order[:20], order", 5, [20, 20])],
    ids=["apart", "overlap"],
)
def test_the_line_at_which_two_sets_should_part(tmp_path: Path, rows: str, line: int, shared: list[int]) -> None:
    found = split(
        tmp_path,
        f"""\
        images = np.zeros((80, 3))
        images = (images - images.mean(axis=0)) / 2
        def make():
            order = np.random.default_rng(0).permutation(80)
            val_rows, train_rows = {rows}
            loader(images[train_rows], True), loader(images[val_rows], False)
        make()
        """,
    )
    assert (found["parted"]["line"], found["indexed_twice"]) == (line, shared)


def test_the_line_of_statistics_behind_a_loader(tmp_path: Path) -> None:
    found = split(
        tmp_path,
        """\
        data = np.arange(90.0).reshape(30, 3)
        mean = data.mean(axis=0)
        data = data - mean
        loader(data[:20])
        loader(data[20:])
        """,
    )
    assert found["statistics"]["line"] == 2
    assert "indexed_twice" not in found


def test_indices_of_two_arrays_are_not_the_same_examples(tmp_path: Path) -> None:
    found = split(
        tmp_path,
        """\
        a, b = np.zeros((20, 3)), np.ones((20, 3))
        one, two = np.arange(20), np.arange(20)
        loader(a[one])
        loader(b[two])
        """,
    )
    assert "indexed_twice" not in found


def batches(scale_with: str) -> Any:
    """A log of batches of two loaders whose columns are centred on the rows of both, or of training alone."""
    rng = np.random.default_rng(0)
    rows = rng.normal(5.0, 3.0, size=(200, 4))
    chosen = rows if scale_with == "both" else rows[:150]
    rows = ((rows - chosen.mean(axis=0)) / chosen.std(axis=0)).astype(np.float32)
    writing = Writing()
    writing.add("batch", "loader0[0]", rows[:150])
    writing.add("batch", "loader1[0]", rows[150:])
    return writing.read()


@pytest.mark.parametrize(("scale_with", "columns"), [("both", 4), ("training", 0)])
def test_scaling_fitted_to_both_sets(scale_with: str, columns: int) -> None:
    assert scaled_together(batches(scale_with), [1]) == columns


TOKENS = torch.tensor([[5, 6, 7, 8], [5, 6, 0, 0], [6, 5, 7, 0], [7, 7, 0, 0]])


def test_padding_by_repeats_lengths_and_masks() -> None:
    want = TOKENS == 0
    for beside in ([], [torch.tensor([4, 2, 3, 2])], [~want], [want]):
        found = padding.of_tokens(torch, TOKENS, beside)
        assert found is not None
        assert torch.equal(found.mask, want)
    left = padding.of_tokens(torch, TOKENS.flip(1), [])
    assert left is not None
    assert torch.equal(left.mask, want.flip(1))


def test_a_token_of_the_text_is_no_padding() -> None:
    bits = torch.tensor([[1, 0, 1, 1], [0, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0]])
    assert padding.of_tokens(torch, bits, []) is None


def test_more_padding_of_sequences_of_numbers() -> None:
    lengths = torch.tensor([4, 2, 3, 2])
    given = (torch.rand(4, 4, 2) + 1) * (torch.arange(4)[None, :] < lengths[:, None])[..., None]
    found = padding.of_numbers(torch, given, [lengths])
    assert found is not None
    longer, same = padding.longer(torch, given, found, [given, lengths])
    assert tuple(longer.shape) == (4, 4 + padding.LONGER, 2)
    assert same is lengths
    assert padding.of_numbers(torch, given + torch.rand(4, 4, 2), [lengths]) is None


@pytest.mark.parametrize("shift", [0, 1])
def test_targets_are_read_off_the_gradient(shift: int) -> None:
    tokens = torch.randint(1, 9, (4, 12), generator=torch.Generator().manual_seed(0))
    tokens[1:, 9:] = 0
    logits = torch.randn(4, 12 - shift, 9, requires_grad=True)
    targets, given = tokens[:, shift:], tokens[:, : 12 - shift]
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()
    assert logits.grad is not None
    found = asked.read(given, logits.grad, given == 0)
    assert found["places_counted"] == 4 * (12 - shift)
    assert found["own_token" if shift == 0 else "next_token"] >= 4 * (11 - shift)
    assert found["padding_counted"] == int((given == 0).sum())


def beside(samples: Any) -> Any:
    images, labels = zip(*samples, strict=True)
    return torch.stack(images), torch.tensor(labels)


def sorted_apart(samples: Any) -> Any:
    images, labels = zip(*samples, strict=True)
    labels = sorted(labels)
    return torch.stack(images), torch.tensor(labels)


def sorted_together(samples: Any) -> Any:
    samples = sorted(samples, key=lambda s: float(s[0].sum()))
    return torch.stack([s[0] for s in samples]), torch.tensor([s[1] for s in samples])


def mixed_up(samples: Any) -> Any:
    order = torch.randperm(len(samples))
    images, labels = beside(samples)
    return 0.7 * images + 0.3 * images[order], 0.7 * labels + 0.3 * labels[order]


@pytest.mark.parametrize(
    ("collate", "apart"), [(beside, False), (sorted_apart, True), (sorted_together, False), (mixed_up, False)]
)
def test_labels_stay_beside_their_inputs(collate: Any, apart: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callsite, "kind_of", lambda name: callsite.USER)
    samples = [(torch.rand(3, generator=torch.Generator().manual_seed(n)), (n * 7) % 5) for n in range(12)]
    row: dict[str, Any] = {}
    collating._look(row, collate, samples)
    assert bool(row["apart"]) is apart
    assert ("at" in row) is apart


SCRIPT = """\
model = PPO(
    "MlpPolicy",
    env,
    gamma=args.gamma,
    replay_buffer_kwargs={"handle_timeout_termination": False},
)
model.learn(1000)
PPO("MlpPolicy", env, gamma=0.9).learn(10)
"""


def test_the_argument_by_which_a_library_was_given_an_option(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_text(SCRIPT, "utf-8")

    def at(line: int) -> Site:
        return Site("/lib/ppo.py", 40, str(path), line, "train")

    def line(found: Any) -> int | None:
        return found and found["line"]

    assert line(options.given_at(at(7), options.NAMES["gamma"])) == 4
    assert line(options.given_at(at(7), ("handle_timeout_termination",), False)) == 5
    assert options.given_at(at(7), ("handle_timeout_termination",), True) is None
    assert options.given_at(at(7), options.NAMES["lambda"]) is None
    assert line(options.given_at(at(8), options.NAMES["gamma"])) == 8
    assert isinstance(options.maker(at(7)), ast.Call)
    assert options.maker(Site(str(path), 7, str(path), 7, "main")) is None


def test_settings_of_a_library_that_are_not_the_users() -> None:
    settings = {"gamma": [["gamma", 0.98, "user"], ["gamma", 0.99, "library"]], "lambda": [["gae_lambda", 0.9, "user"]]}
    assert options.differing(settings) == ["gamma"]
    assert options.differing({"gamma": [["gamma", 0.98, "user"], ["gamma", 0.98, "library"]]}) == []


def test_a_fault_of_the_experiment_is_noted() -> None:
    session = SimpleNamespace(quiet=0, notes={})
    collating.Collating(session)._quietly({"loader": 0}, lambda row: 1 / 0)  # type: ignore[arg-type]
    assert session.notes["collating"][0]["error"].startswith("ZeroDivisionError")
    assert session.quiet == 0


def named(**arrays: Any) -> list[tuple[Any, int, str, Any]]:
    """Lines 1, 2, … of this function's code that named these arrays."""
    return [(named.__code__, n, name, np.asarray(a)) for n, (name, a) in enumerate(arrays.items(), 1)]


def test_the_line_of_a_mask_that_lets_the_future_in() -> None:
    whole, eye = np.ones((6, 6), dtype=bool), np.eye(6, dtype=bool)
    for right in (np.tril(whole), np.triu(whole, 1)):
        assert masks.causal(named(right=right, eye=eye), 6) is None
    padded = np.tril(whole) & (np.arange(6) > 1)
    assert masks.causal(named(keys=padded, both=padded | eye, left_out=~(padded | eye)), 6) is None
    for wrong in (np.tril(whole, 1), np.triu(whole), np.triu(whole, 2)):
        found = masks.causal(named(eye=eye, wrong=wrong, both=wrong | eye), 6)
        assert found["line"] == 2


def test_the_line_of_a_mask_that_shows_padding() -> None:
    pad = np.zeros((3, 6), dtype=bool)
    pad[1:, :2] = True
    causal, itself = np.tril(np.ones((6, 6), dtype=bool)), np.eye(6, dtype=bool)
    right = (causal & ~pad[:, None, :]) | itself
    wrong = (causal & pad[:, None, :]) | itself
    assert masks.padded(named(right=right, out=right[:, None], left_out=~right), pad) is None
    assert masks.padded(named(causal=causal, wrong=wrong, out=wrong[:, None]), pad)["line"] == 3
    assert masks.padded(named(all=np.broadcast_to(causal, (3, 6, 6))), pad)["line"] == 1
    made = [(batches.__code__, 9, "<return>", wrong[:, None])]  # another function returned it
    assert masks.padded([*made, *named(out=wrong[:, None])], pad)["line"] == 9
    assert masks.padded([*made, *named(out=wrong[:, None] | ~itself)], pad)["line"] == 1


def test_the_option_that_a_loss_was_made_with(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    text = """\
    parser.add_argument("--label-smoothing", default=1.0)
    loss_of = nn.CrossEntropyLoss(label_smoothing=args.label_smoothing)
    other = nn.CrossEntropyLoss(weight=w, label_smoothing=0.1)
    fixed = nn.CrossEntropyLoss(label_smoothing=1.0)
    loss = loss_of(logits, labels)
    loss = other(logits, labels)
    loss = fixed(logits, labels)
    """
    path.write_text(dedent(text), "utf-8")
    found = [options.made_with({"file": str(path), "line": n}) for n in (5, 6, 7)]
    assert [f and f["line"] for f in found] == [1, None, 4]


def test_the_line_that_gave_a_mask_its_value(tmp_path: Path) -> None:
    path = tmp_path / "buffers.py"
    text = """\
    def sample(self, rows):
        rewards = self.rewards[rows]
        terminated = self.dones[rows]
        return Samples(
            dones=self.to_torch(terminated),
            rewards=self.to_torch(rewards),
        )
    """
    path.write_text(dedent(text), "utf-8")
    assert source.assigned(str(path), 5, source.ENDS) == 3
    assert source.assigned(str(path), 6, source.ENDS) == 6


def test_rows_of_both_sets_are_the_same_whatever_the_batches_are() -> None:
    rows = np.random.default_rng(0).normal(size=(300, 40)).astype(np.float32)
    writing = Writing()
    for n in range(0, 300, 20):
        writing.add("batch", "loader0[0]", rows[n : n + 20])
    writing.add("batch", "loader1[0]", rows)  # too long for its values to be kept
    assert overlap(writing.read(), [1]) == (300, 300)


@pytest.mark.parametrize("every", [1, 12])
def test_loaders_after_whose_batches_nothing_is_learned(every: int) -> None:
    writing = Writing()
    for epoch in range(2):
        for n in range(24):
            writing.add("batch", "loader0[0]", np.full((4, 2), n + 100 * epoch))
            writing.add("batch", "loader0[1]", np.arange(4))
            writing.add("loss", "", np.float32(n))
            if n % every == 0:
                writing.update([float(n)])
        for n in range(5):
            writing.add("batch", "loader1[0]", np.full((4, 2), -n))
            writing.add("batch", "loader1[1]", np.arange(4))
            writing.op("argmax", np.zeros(4))
    assert held_out_loaders(writing.read()) == [1]
