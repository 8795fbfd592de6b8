"""Sensor readings of pumps, made up: kind of fault (four classes, unbalanced) and remaining life (hours / 100)."""

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

NUM_CLASSES = 4
NUM_SENSORS = 12
CLASS_SHARES = [0.55, 0.25, 0.15, 0.05]


def make_readings(num_pumps, readings_per_pump, seed):
    """Readings (n, sensors), fault kinds (n,), remaining lives (n,) and the pump each belongs to (n,)."""
    rng = np.random.default_rng(seed)
    pattern = rng.normal(size=(NUM_CLASSES, NUM_SENSORS))
    slope = rng.normal(size=NUM_SENSORS)
    kinds = rng.choice(NUM_CLASSES, size=num_pumps, p=CLASS_SHARES)
    readings, labels, lives, pumps = [], [], [], []
    for pump, kind in enumerate(kinds):
        offset = rng.normal(scale=0.3, size=NUM_SENSORS)
        for step in range(readings_per_pump):
            wear = step / readings_per_pump
            noise = rng.normal(scale=0.4, size=NUM_SENSORS)
            readings.append(50.0 + 10.0 * (pattern[kind] * wear + slope * wear**2 + offset + noise))
            labels.append(kind)
            lives.append(1.0 - wear)
            pumps.append(pump)
    return np.array(readings, np.float32), np.array(labels), np.array(lives, np.float32), np.array(pumps)


def split_by_pump(pumps, val_fraction, seed):
    """Masks of training and validation rows; no pump is in both."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(pumps.max() + 1)
    held_out = order[: int(val_fraction * len(order))]
    is_val = np.isin(pumps, held_out)
    return ~is_val, is_val


def make_loaders(num_pumps, batch_size, val_fraction, seed):
    """Training and validation loader, and the weight of each class in the loss."""
    readings, labels, lives, pumps = make_readings(num_pumps, readings_per_pump=20, seed=seed)
    is_train, is_val = split_by_pump(pumps, val_fraction, seed)
    mean, std = readings[is_train].mean(axis=0), readings[is_train].std(axis=0)
    readings = (readings - mean) / std

    def dataset(mask):
        return TensorDataset(*(torch.from_numpy(array[mask]) for array in (readings, labels, lives)))

    counts = np.bincount(labels[is_train], minlength=NUM_CLASSES)
    class_weights = torch.tensor(counts.sum() / (NUM_CLASSES * np.maximum(counts, 1)), dtype=torch.float32)
    train_loader = DataLoader(dataset(is_train), batch_size=batch_size, shuffle=True)
    val_loader = DataLoader(dataset(is_val), batch_size=256)
    return train_loader, val_loader, class_weights
