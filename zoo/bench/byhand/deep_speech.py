"""Deep Speech 2 in plain PyTorch: spectrograms (B, 1, bins, T) -> scores (T', B, symbols)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo.bench.byhand.parts import ByHand, at_valid, ctc, packed


class DeepSpeech2(ByHand):
    """Two convolutions over frequency and time, bidirectional LSTM layers whose directions are summed, a linear map."""

    def __init__(self, bins: int, channels: int, hidden: int, layers: int, symbols: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, channels, (41, 11), stride=(2, 2), padding=(20, 5))
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, (21, 11), stride=(2, 1), padding=(10, 5))
        self.norm2 = nn.BatchNorm2d(channels)
        features = channels * ((bins + 1) // 2 + 1) // 2
        sizes = [features, *[hidden] * (layers - 1)]
        self.lstms = nn.ModuleList(nn.LSTM(size, hidden, bidirectional=True) for size in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm1d(hidden) for _ in range(layers))  # behind each layer
        self.scores = nn.Linear(hidden, symbols, bias=False)
        self.places = {
            "conv1.": "layers.0.conv.",
            "norm1.": "layers.0.norm.",
            "conv2.": "layers.2.conv.",
            "norm2.": "layers.2.norm.",
            "scores.": "head.linear.",
            **{f"lstms.{index}.": f"layers.{5 + index}." for index in range(layers)},
            **{f"norms.{index}.": f"layers.{6 + index}.norm." for index in range(layers)},
        }

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        valid = None
        if lengths is not None:
            lengths = self.lengths(lengths)
            valid = torch.arange((x.shape[3] + 1) // 2) < lengths.unsqueeze(1)  # (B, T')
        for conv, norm in ((self.conv1, self.norm1), (self.conv2, self.norm2)):
            x = conv(x)
            # With padding the statistics are those of valid steps, and the next convolution sees zeros behind them.
            x = norm(x) if valid is None else masked_norm(norm, x, valid)
            x = x.clamp(0, 20)
        x = x.flatten(1, 2).permute(2, 0, 1).contiguous()  # (T', B, channels * bins)
        by_time = None if valid is None else valid.T
        for lstm, after in zip(self.lstms, self.norms, strict=True):
            assert isinstance(lstm, nn.LSTM)
            both = packed(lstm, x, lengths)
            x = at_valid(after, both.view(*both.shape[:2], 2, -1).sum(2), by_time)
        scores: Tensor = self.scores(x)
        return scores

    @staticmethod
    def lengths(lengths: Tensor) -> Tensor:
        """Steps behind the convolutions."""
        return (lengths + 1) // 2

    def loss(self, scores: Tensor, symbols: Tensor, lengths: Tensor | None = None) -> Tensor:
        return ctc(scores, symbols, 0, None if lengths is None else self.lengths(lengths))


def masked_norm(norm: nn.Module, x: Tensor, valid: Tensor) -> Tensor:
    """A batch norm of channels (B, C, F, T) over the steps that are valid, (B, T); zero elsewhere."""
    steps = x.permute(0, 3, 2, 1)  # (B, T, F, C)
    found = torch.zeros_like(steps)
    rows = steps[valid]  # (N, F, C)
    found[valid] = norm(rows.permute(2, 1, 0).unsqueeze(0)).squeeze(0).permute(2, 1, 0)
    return found.permute(0, 3, 2, 1)
