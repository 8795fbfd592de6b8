"""Recipe names from a little grammar, tokenised by character and padded on the left to a common length."""

import random

import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

ADJECTIVES = ["warm", "spicy", "green", "grandmother's", "quick", "slow-baked", "cold"]
DISHES = ["soup", "bread", "pie", "salad", "dumplings", "porridge", "stew"]
ADDITIONS = ["with beans", "with dill and lemon", "for two", "of the house", "without salt"]

PAD, START, END = 0, 1, 2
NUM_SPECIAL = 3


def make_names(count, seed):
    """Strings such as "spicy bread with beans"; the same list for the same seed."""
    rng = random.Random(seed)
    names = []
    for _ in range(count):
        words = [*rng.sample(ADJECTIVES, rng.randint(0, 2)), rng.choice(DISHES)]
        if rng.random() < 0.5:
            words.append(rng.choice(ADDITIONS))
        names.append(" ".join(words))
    return names


def make_vocabulary(names):
    """Number of each character; the special tokens come first."""
    return {char: NUM_SPECIAL + i for i, char in enumerate(sorted(set("".join(names))))}


class Names(Dataset):
    def __init__(self, names, vocabulary):
        self.tokens = [torch.tensor([START, *(vocabulary[c] for c in name), END]) for name in names]

    def __len__(self):
        return len(self.tokens)

    def __getitem__(self, index):
        return self.tokens[index]


def collate(sequences):
    """Inputs, next tokens and the mask of real inputs, each (batch, length); shorter names are padded on the left."""
    inputs = pad_sequence([s[:-1] for s in sequences], batch_first=True, padding_value=PAD, padding_side="left")
    targets = pad_sequence([s[1:] for s in sequences], batch_first=True, padding_value=PAD, padding_side="left")
    return inputs, targets, inputs != PAD


def make_loaders(count, batch_size, val_fraction, seed):
    """Training and validation loader and the size of the vocabulary."""
    names = make_names(count, seed)
    vocabulary = make_vocabulary(names)
    num_val = int(val_fraction * count)
    train_names, val_names = names[num_val:], names[:num_val]
    train_loader = DataLoader(Names(train_names, vocabulary), batch_size=batch_size, shuffle=True, collate_fn=collate)
    val_loader = DataLoader(Names(val_names, vocabulary), batch_size=128, collate_fn=collate)
    return train_loader, val_loader, NUM_SPECIAL + len(vocabulary)
