"""A multilayer perceptron with two heads on tabular data: kind of fault and remaining life of a pump."""

import argparse
import random

import numpy as np
import torch
import torch.nn as nn
from data import NUM_CLASSES, NUM_SENSORS, make_loaders
from losses import PumpLoss


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--num-pumps", type=int, default=80)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--hidden-size", type=int, default=64)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--label-smoothing", type=float, default=0.05)
    parser.add_argument("--life-coef", type=float, default=2.0)
    parser.add_argument("--val-fraction", type=float, default=0.25)
    return parser.parse_args()


class PumpModel(nn.Module):
    def __init__(self, hidden, dropout):
        super().__init__()
        self.features = nn.Sequential(
            nn.Linear(NUM_SENSORS, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
        )
        self.fault_head = nn.Linear(hidden, NUM_CLASSES)
        self.life_head = nn.Linear(hidden, 1)

    def forward(self, readings):
        features = self.features(readings)
        return self.fault_head(features), self.life_head(features).squeeze(-1)


@torch.no_grad()
def evaluate(model, loader):
    """Accuracy of the fault and mean absolute error of the life, in evaluation mode."""
    model.eval()
    correct, error, count = 0, 0.0, 0
    for readings, labels, lives in loader:
        logits, life = model(readings)
        correct += (logits.argmax(dim=1) == labels).sum().item()
        error += (life - lives).abs().sum().item()
        count += len(labels)
    return correct / count, error / count


def main():
    args = parse_args()
    torch.set_num_threads(1)
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    train_loader, val_loader, class_weights = make_loaders(
        args.num_pumps, args.batch_size, args.val_fraction, args.seed
    )
    model = PumpModel(args.hidden_size, args.dropout)
    criterion = PumpLoss(class_weights, args.label_smoothing, args.life_coef)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate)

    for epoch in range(1, args.epochs + 1):
        model.train()
        total = 0.0
        for readings, labels, lives in train_loader:
            logits, life = model(readings)
            loss = criterion(logits, life, labels, lives)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        accuracy, error = evaluate(model, val_loader)
        print(
            f"epoch={epoch} train_loss={total / len(train_loader):.4f} "
            f"val_accuracy={accuracy:.3f} val_life_error={error:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
