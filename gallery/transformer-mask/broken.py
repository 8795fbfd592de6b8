"""A small causal transformer on characters, in one file.

The text is generated from a little grammar, so that nothing has to be downloaded; its first part trains, its
last part validates. The loss is the cross-entropy of the next character in nats; the unigram entropy is
the reference.
"""

import argparse
import math
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from attention_two import CausalSelfAttention

NOUNS = ["fox", "river", "miller", "lantern", "garden", "sailor", "mountain", "letter", "window", "orchard", "teacher", "bridge"]
ADJECTIVES = ["quiet", "small", "golden", "broken", "distant", "patient", "narrow", "clever", "heavy", "early"]
VERBS = ["finds", "carries", "follows", "watches", "remembers", "leaves", "opens", "paints"]
ENDINGS = [
    "at dawn",
    "before the storm",
    "without a word",
    "in the old town",
    "after seven days",
    "once more",
]


def make_text(num_sentences, seed=0):
    """Sentences such as "the quiet fox follows a golden letter at dawn."; the same text for the same seed."""
    rng = random.Random(seed)
    sentences = []
    for _ in range(num_sentences):
        words = ["the", rng.choice(ADJECTIVES), rng.choice(NOUNS), rng.choice(VERBS)]
        words += [rng.choice(["the", "one"]), rng.choice(ADJECTIVES), rng.choice(NOUNS)]
        if rng.random() < 0.6:
            words.append(rng.choice(ENDINGS))
        sentences.append(" ".join(words) + ".")
    return "\n".join(sentences)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--warmup-steps", type=int, default=50)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--block-size", type=int, default=48, help="characters of context")
    parser.add_argument("--num-layers", type=int, default=2)
    parser.add_argument("--num-heads", type=int, default=4)
    parser.add_argument("--d-model", type=int, default=64)
    parser.add_argument("--max-grad-norm", type=float, default=1.0)
    parser.add_argument("--num-sentences", type=int, default=3000)
    parser.add_argument("--checkpoint", metavar="FILE")
    return parser.parse_args()


class Block(nn.Module):
    def __init__(self, d_model, num_heads):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.attention = CausalSelfAttention(d_model, num_heads)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class CharTransformer(nn.Module):
    def __init__(self, vocab_size, block_size, d_model, num_heads, num_layers):
        super().__init__()
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        self.position_embedding = nn.Embedding(block_size, d_model)
        self.blocks = nn.ModuleList([Block(d_model, num_heads) for _ in range(num_layers)])
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size)
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        nn.init.normal_(self.position_embedding.weight, std=0.02)

    def forward(self, tokens):
        positions = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.token_embedding(tokens) + self.position_embedding(positions)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


def get_batch(data, batch_size, block_size):
    """Random windows of the text and, as targets, the same windows shifted by one character."""
    starts = torch.randint(0, len(data) - block_size, (batch_size,))
    windows = data[starts[:, None] + torch.arange(block_size + 1)]
    return windows[:, :-1], windows[:, 1:]


def compute_loss(model, inputs, targets):
    """Mean cross-entropy of the next character, in nats."""
    return F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())


@torch.no_grad()
def evaluate(model, data, block_size):
    """The loss on consecutive windows that cover the data once."""
    model.eval()
    count = (len(data) - 1) // block_size
    inputs = data[: count * block_size].view(count, block_size)
    targets = data[1 : count * block_size + 1].view(count, block_size)
    loss = compute_loss(model, inputs, targets).item()
    model.train()
    return loss


def unigram_entropy(data):
    """Entropy of the character frequencies, in nats: the loss of a model that ignores its context."""
    p = torch.bincount(data).float() / len(data)
    return -(p[p > 0] * p[p > 0].log()).sum().item()


def learning_rate_factor(step, warmup_steps, total_steps):
    """Linear warm-up, then a cosine down to a tenth."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    progress = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return 0.1 + 0.45 * (1.0 + math.cos(math.pi * progress))


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    text = make_text(args.num_sentences)
    vocab = sorted(set(text))
    index = {char: i for i, char in enumerate(vocab)}
    data = torch.tensor([index[char] for char in text])
    split = int(0.9 * len(data))
    train_data, val_data = data[:split], data[split:]
    print(f"characters={len(data)} vocab={len(vocab)} unigram_entropy={unigram_entropy(val_data):.3f}")

    model = CharTransformer(len(vocab), args.block_size, args.d_model, args.num_heads, args.num_layers)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, weight_decay=args.weight_decay)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: learning_rate_factor(step, args.warmup_steps, args.steps)
    )

    losses = []
    for step in range(1, args.steps + 1):
        inputs, targets = get_batch(train_data, args.batch_size, args.block_size)
        loss = compute_loss(model, inputs, targets)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), args.max_grad_norm)
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
        if step % 100 == 0 or step == args.steps:
            val_loss = evaluate(model, val_data, args.block_size)
            print(f"step={step} train_loss={loss.item():.4f} val_loss={val_loss:.4f}", flush=True)

    if args.checkpoint:
        rng = {
            "torch": torch.get_rng_state(),
            "numpy": np.random.get_state(),
            "python": random.getstate(),
            "env": None,
        }
        torch.save({"parameters": model.state_dict(), "losses": losses, "rng": rng}, args.checkpoint)


if __name__ == "__main__":
    main()
