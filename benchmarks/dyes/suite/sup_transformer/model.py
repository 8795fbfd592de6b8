"""A causal character transformer: short causal convolution, attention with padding mask, feed-forward."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class CausalConv(nn.Module):
    """Depthwise convolution over this and the two preceding characters."""

    def __init__(self, d_model, kernel_size=3):
        super().__init__()
        self.kernel_size = kernel_size
        self.conv = nn.Conv1d(d_model, d_model, kernel_size, groups=d_model)

    def forward(self, x, valid):
        x = x * valid[..., None]
        return self.conv(F.pad(x.transpose(1, 2), (self.kernel_size - 1, 0))).transpose(1, 2)


class CausalSelfAttention(nn.Module):
    def __init__(self, d_model, num_heads, dropout):
        super().__init__()
        self.num_heads, self.dropout = num_heads, dropout
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.proj = nn.Linear(d_model, d_model)

    def forward(self, x, mask):
        batch, length, width = x.shape
        heads = self.qkv(x).view(batch, length, 3, self.num_heads, width // self.num_heads)
        q, k, v = heads.permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
        return self.proj(y.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, d_model, num_heads, dropout):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.conv = CausalConv(d_model)
        self.attention = CausalSelfAttention(d_model, num_heads, dropout)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, valid, mask):
        x = x + self.conv(x, valid)
        x = x + self.attention(self.norm1(x), mask)
        return x + self.mlp(self.norm2(x))


def attention_mask(valid):
    """True where a query (row) may look at a key (column): real keys at or before it, and itself."""
    length = valid.shape[1]
    causal = torch.ones(length, length, dtype=torch.bool).tril()
    itself = torch.eye(length, dtype=torch.bool)  # keeps the softmax of padding rows finite
    return ((causal & valid[:, None, :]) | itself)[:, None]


class CharTransformer(nn.Module):
    def __init__(self, vocab_size, max_length, d_model, num_heads, num_layers, dropout):
        super().__init__()
        self.token_embedding = nn.Embedding(vocab_size, d_model)
        self.position_embedding = nn.Embedding(max_length, d_model)
        self.blocks = nn.ModuleList([Block(d_model, num_heads, dropout) for _ in range(num_layers)])
        self.norm = nn.LayerNorm(d_model)
        self.head = nn.Linear(d_model, vocab_size)

    def forward(self, tokens, valid):
        """Logits (batch, length, vocabulary); `valid` marks the real tokens."""
        positions = (valid.cumsum(dim=1) - 1).clamp(min=0)  # counted from the first real token
        x = self.token_embedding(tokens) + self.position_embedding(positions)
        mask = attention_mask(valid)
        for block in self.blocks:
            x = block(x, valid, mask)
        return self.head(self.norm(x))
