"""Call signs from noisy telegraph signals with an LSTM over padded batches."""

import argparse
import random

import numpy as np
import torch
import torch.nn as nn
from data import CALL_SIGNS, make_loaders
from model import SignalClassifier


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--num-signals", type=int, default=1000)
    parser.add_argument("--learning-rate", type=float, default=5e-3)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--hidden-size", type=int, default=32)
    parser.add_argument("--val-fraction", type=float, default=0.25)
    return parser.parse_args()


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    correct, count = 0, 0
    for sequences, lengths, labels in loader:
        correct += (model(sequences, lengths).argmax(dim=1) == labels).sum().item()
        count += len(labels)
    model.train()
    return correct / count


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    train_loader, val_loader = make_loaders(args.num_signals, args.batch_size, args.val_fraction, args.seed)
    model = SignalClassifier(args.hidden_size, len(CALL_SIGNS))
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=args.learning_rate)

    for epoch in range(1, args.epochs + 1):
        total = 0.0
        for sequences, lengths, labels in train_loader:
            logits = model(sequences, lengths)
            loss = criterion(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        accuracy = evaluate(model, val_loader)
        print(f"epoch={epoch} train_loss={total / len(train_loader):.4f} val_accuracy={accuracy:.3f}", flush=True)


if __name__ == "__main__":
    main()
