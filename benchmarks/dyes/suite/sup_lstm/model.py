"""A recurrent classifier of sequences of varying length."""

import torch
import torch.nn as nn


class SignalClassifier(nn.Module):
    def __init__(self, hidden, num_classes, num_features=2):
        super().__init__()
        self.project = nn.Linear(num_features, hidden)
        self.lstm = nn.LSTM(hidden, hidden, num_layers=2, batch_first=True)
        self.norm = nn.LayerNorm(hidden)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, sequences, lengths):
        """Logits (batch, classes) from the mean of the outputs over the real steps of each sequence."""
        outputs, _ = self.lstm(torch.relu(self.project(sequences)))
        steps = torch.arange(sequences.shape[1])
        real = (steps < lengths[:, None]).unsqueeze(-1)
        summary = (outputs * real).sum(dim=1) / lengths[:, None]
        return self.head(self.norm(summary))
