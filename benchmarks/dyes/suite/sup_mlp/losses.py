"""Joint loss of fault classification and life regression."""

import torch.nn as nn
import torch.nn.functional as F


class PumpLoss(nn.Module):
    """Weighted cross-entropy with label smoothing plus the squared error of the remaining life."""

    def __init__(self, class_weights, label_smoothing, life_coef):
        super().__init__()
        self.classification = nn.CrossEntropyLoss(weight=class_weights, label_smoothing=label_smoothing)
        self.life_coef = life_coef

    def forward(self, logits, life, labels, true_life):
        return self.classification(logits, labels) + self.life_coef * F.mse_loss(life, true_life)
