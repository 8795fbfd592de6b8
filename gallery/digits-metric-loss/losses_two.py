"""Losses of the run."""

import torch
import torch.nn.functional as F


def pairwise_distances(z):
    """Euclidean distances between all rows of z."""
    squared = (z[:, None] - z[None, :]).pow(2).sum(dim=-1)
    return torch.sqrt(squared)


def spread_loss(features, labels, margin=4.0):
    """Pulls features of one class together and pushes different classes a margin apart."""
    distances = pairwise_distances(features)
    same = (labels[:, None] == labels[None, :]).float()
    pull = (same * distances).sum() / same.sum()
    push = ((1.0 - same) * F.relu(margin - distances)).sum() / (1.0 - same).sum().clamp(min=1.0)
    return pull + push
