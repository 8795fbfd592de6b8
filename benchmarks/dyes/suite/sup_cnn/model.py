"""A small convolutional network with batch normalisation and attention pooling over the image."""

import torch
import torch.nn as nn


class ConvBlock(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.norm(self.conv(x)))


class AttentionPool(nn.Module):
    """Weighted mean over positions, the weights learned from the features themselves."""

    def __init__(self, channels):
        super().__init__()
        self.score = nn.Linear(channels, 1)

    def forward(self, x):
        positions = x.flatten(2).transpose(1, 2)  # (batch, positions, channels)
        weights = self.score(positions).softmax(dim=1)
        return torch.einsum("bpo,bpc->bc", weights, positions)


class DigitNet(nn.Module):
    def __init__(self, width=16, dropout=0.2, num_classes=10):
        super().__init__()
        self.stem = ConvBlock(1, width)
        self.body = nn.Sequential(ConvBlock(width, 2 * width), nn.MaxPool2d(2), ConvBlock(2 * width, 2 * width))
        self.pool = AttentionPool(2 * width)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * width, num_classes)

    def forward(self, images):
        features = self.body(self.stem(images))
        return self.head(self.dropout(self.pool(features)))
