"""Telegraph signals of varying length, made up: which of five call signs a noisy sequence spells."""

import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, random_split

CALL_SIGNS = ["-.-.", "..-", "--.-", ".-..-", "-..."]
PAD_VALUE = 0.0


class Signals(Dataset):
    """Sequences (length, 2) of pulse and gap with their call sign."""

    def __init__(self, count, seed):
        rng = np.random.default_rng(seed)
        self.labels = rng.integers(len(CALL_SIGNS), size=count)
        self.sequences = [self._spell(CALL_SIGNS[label], rng) for label in self.labels]

    @staticmethod
    def _spell(sign, rng):
        pulses = []
        for mark in sign:
            pulses += [1.0] * int(rng.integers(1, 3) + (2 if mark == "-" else 0))
            pulses += [0.0] * int(rng.integers(1, 3))
        signal = np.array(pulses) + rng.normal(0.0, 0.2, len(pulses))
        return torch.tensor(np.stack([signal, 1.0 - signal], axis=1), dtype=torch.float32)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.sequences[index], int(self.labels[index])


def collate(samples):
    """Sequences (batch, length, 2) padded on the right, their lengths, and labels."""
    sequences, labels = zip(*samples, strict=True)
    lengths = torch.tensor([len(s) for s in sequences])
    return pad_sequence(sequences, batch_first=True, padding_value=PAD_VALUE), lengths, torch.tensor(labels)


def make_loaders(count, batch_size, val_fraction, seed):
    dataset = Signals(count, seed)
    generator = torch.Generator().manual_seed(seed)
    train_set, val_set = random_split(dataset, [1.0 - val_fraction, val_fraction], generator=generator)
    train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(val_set, batch_size=128, collate_fn=collate)
    return train_loader, val_loader
