"""Handwritten digits: a small classifier on the 8x8 images of scikit-learn, in one file.

Stratified train and validation split, pixels scaled to [0, 1], shuffled minibatches, cross-entropy on logits.
The validation set is only ever evaluated on.
"""

import argparse
import random

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import DataLoader, TensorDataset


def linear_decay(num_steps):
    """Factor on the learning rate: falls from 1 to 0 over `num_steps` scheduler steps, then stays."""
    return lambda step: max(0.0, 1.0 - step / num_steps)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--weight-decay", type=float, default=1e-4)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--hidden-size", type=int, default=128)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--val-fraction", type=float, default=0.25)
    parser.add_argument("--checkpoint", metavar="FILE")
    return parser.parse_args()


def load_data(val_fraction, seed):
    """Training and validation set of images (1, 8, 8) in [0, 1] with their labels."""
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)[:, None]
    labels = digits.target.astype(np.int64)
    x_train, x_val, y_train, y_val = train_test_split(
        images, labels, test_size=val_fraction, random_state=seed, stratify=labels
    )
    train_set = TensorDataset(torch.from_numpy(x_train), torch.from_numpy(y_train))
    val_set = TensorDataset(torch.from_numpy(x_val), torch.from_numpy(y_val))
    return train_set, val_set


class MLP(nn.Module):
    def __init__(self, hidden, dropout, num_classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
        )
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, x):
        return self.head(self.features(x))


@torch.no_grad()
def evaluate(model, loader):
    """Mean cross-entropy and accuracy over all examples of a loader, in evaluation mode."""
    model.eval()
    loss, correct, count = 0.0, 0, 0
    for x, y in loader:
        logits = model(x)
        loss += F.cross_entropy(logits, y, reduction="sum").item()
        correct += (logits.argmax(dim=1) == y).sum().item()
        count += len(y)
    return loss / count, correct / count


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    train_set, val_set = load_data(args.val_fraction, args.seed)
    train_loader = DataLoader(train_set, batch_size=args.batch_size, shuffle=True)
    val_loader = DataLoader(val_set, batch_size=256)
    model = MLP(args.hidden_size, args.dropout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate, weight_decay=args.weight_decay)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, linear_decay(args.epochs))

    losses = []
    for epoch in range(1, args.epochs + 1):
        model.train()
        for x, y in train_loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
        train_loss = float(np.mean(losses[-len(train_loader) :]))  # running mean while the weights change
        val_loss, val_accuracy = evaluate(model, val_loader)
        print(
            f"epoch={epoch} train_loss={train_loss:.4f} val_loss={val_loss:.4f} "
            f"val_accuracy={val_accuracy:.4f}",
            flush=True,
        )

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
