"""A causal character model on names of varying length, padded on the left."""

import argparse
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from data import PAD, make_loaders
from model import CharTransformer


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--num-names", type=int, default=1200)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-length", type=int, default=64)
    parser.add_argument("--num-layers", type=int, default=2)
    parser.add_argument("--num-heads", type=int, default=4)
    parser.add_argument("--d-model", type=int, default=32)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--val-fraction", type=float, default=0.2)
    return parser.parse_args()


def compute_loss(model, inputs, targets, valid):
    """Mean cross-entropy of the next character over real positions, in nats."""
    logits = model(inputs, valid)
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PAD)


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    losses = [compute_loss(model, *batch).item() for batch in loader]
    return float(np.mean(losses))


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    train_loader, val_loader, vocab_size = make_loaders(args.num_names, args.batch_size, args.val_fraction, args.seed)
    model = CharTransformer(vocab_size, args.max_length, args.d_model, args.num_heads, args.num_layers, args.dropout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate)

    for epoch in range(1, args.epochs + 1):
        model.train()
        total = 0.0
        for inputs, targets, valid in train_loader:
            loss = compute_loss(model, inputs, targets, valid)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        val_loss = evaluate(model, val_loader)
        print(f"epoch={epoch} train_loss={total / len(train_loader):.4f} val_loss={val_loss:.4f}", flush=True)


if __name__ == "__main__":
    main()
