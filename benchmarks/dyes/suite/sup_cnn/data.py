"""The 8x8 digits of scikit-learn as images, with shifts and noise as augmentation of the training split."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.utils.data import DataLoader, Dataset


class DigitImages(Dataset):
    """Images (1, 8, 8) in [0, 1] with labels, augmented on the fly where asked."""

    def __init__(self, images, labels, augment, max_shift=1, noise=0.05):
        self.images, self.labels = images, labels
        self.augment, self.max_shift, self.noise = augment, max_shift, noise

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        image = self.images[index]
        if self.augment:
            shift = np.random.randint(-self.max_shift, self.max_shift + 1, size=2)
            image = np.roll(image, tuple(shift), axis=(0, 1))
            image = image + np.random.normal(0.0, self.noise, image.shape).astype(np.float32)
        return torch.from_numpy(image)[None], int(self.labels[index])


def collate(samples):
    """Stacks images (batch, 1, 8, 8) and labels (batch,)."""
    images, labels = zip(*samples, strict=True)
    return torch.stack(images), torch.tensor(labels)


def make_loaders(batch_size, val_fraction, seed):
    digits = load_digits()
    images = (digits.images / 16.0).astype(np.float32)
    labels = digits.target.astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(labels))
    num_val = int(val_fraction * len(order))
    val_rows, train_rows = order[:num_val], order[num_val:]
    train_set = DigitImages(images[train_rows], labels[train_rows], augment=True)
    val_set = DigitImages(images[val_rows], labels[val_rows], augment=False)
    train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True, collate_fn=collate, drop_last=True)
    val_loader = DataLoader(val_set, batch_size=256, collate_fn=collate)
    return train_loader, val_loader
