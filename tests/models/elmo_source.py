"""The forward pass of ELMo's language model, arranged as its source does, from torch's own functions."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def tokens(characters: Tensor, weights: dict[str, Tensor], convolutions: int, highways: int) -> Tensor:
    """allenai/bilm-tf, bilm/model.py, _build_word_char_embeddings: words (B, T, C) -> (B, T, projection).

    The largest value of each filter is taken before its activation, as there.
    """
    embedded = weights["char_embed"][characters]  # (B, T, C, size)
    flat = embedded.flatten(0, 1).transpose(1, 2)
    found = []
    for i in range(convolutions):
        filtered = F.conv1d(flat, weights[f"W_cnn_{i}"]) + weights[f"b_cnn_{i}"].unsqueeze(1)
        found.append(torch.relu(filtered.amax(2)))
    x = torch.cat(found, 1)
    for i in range(highways):
        carry = torch.sigmoid(x @ weights[f"W_carry_{i}"] + weights[f"b_carry_{i}"])
        transform = torch.relu(x @ weights[f"W_transform_{i}"] + weights[f"b_transform_{i}"])
        x = carry * transform + (1.0 - carry) * x
    x = x @ weights["W_proj"] + weights["b_proj"]
    return x.view(*characters.shape[:2], -1)


def lstm(x: Tensor, kernel: Tensor, bias: Tensor, projection: Tensor) -> Tensor:
    """tf.nn.rnn_cell.LSTMCell with num_proj over one sequence (T, D): gates i, j, f, o, forget_bias 1, both clips 3."""
    units, size = projection.shape
    m, c, found = x.new_zeros(size), x.new_zeros(units), []
    for step in x:
        i, j, f, o = (torch.cat([step, m]) @ kernel + bias).chunk(4)
        c = (torch.sigmoid(f + 1.0) * c + torch.sigmoid(i) * torch.tanh(j)).clamp(-3, 3)
        m = ((torch.sigmoid(o) * torch.tanh(c)) @ projection).clamp(-3, 3)
        found.append(m)
    return torch.stack(found)


def layers(embedding: Tensor, cells: dict[str, list[tuple[Tensor, Tensor, Tensor]]]) -> Tensor:
    """_build_lstms and _build_ops for one sentence (T, D): (T, 1 + L, 2 D), the embedding first and twice.

    A layer behind the first adds its input (ResidualWrapper).
    """
    both = {}
    for direction in ("forward", "backward"):
        x = embedding if direction == "forward" else embedding.flip(0)
        both[direction] = []
        for index, weights in enumerate(cells[direction]):
            y = lstm(x, *weights)
            x = y if index == 0 else y + x
            both[direction].append(x if direction == "forward" else x.flip(0))
    pairs = [(embedding, embedding), *zip(both["forward"], both["backward"], strict=True)]
    return torch.stack([torch.cat(pair, 1) for pair in pairs], 1)
