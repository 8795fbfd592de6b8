"""The digits data set."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.utils.data import TensorDataset

FULL_SCALE = 1.0  # of the 16 grey levels


def load_data(val_fraction, seed):
    """Training and validation set of images (1, 8, 8) with their labels."""
    digits = load_digits()
    images = (digits.images / 16.0 * FULL_SCALE).astype(np.float32)[:, None]
    labels = digits.target.astype(np.int64)
    x_train, x_val, y_train, y_val = train_test_split(
        images, labels, test_size=val_fraction, random_state=seed, stratify=labels
    )
    train_set = TensorDataset(torch.from_numpy(x_train), torch.from_numpy(y_train))
    val_set = TensorDataset(torch.from_numpy(x_val), torch.from_numpy(y_val))
    return train_set, val_set
