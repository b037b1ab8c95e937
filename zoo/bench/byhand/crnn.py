"""CRNN in plain PyTorch: images (B, 1, height, width) -> scores (T, B, symbols)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from zoo.bench.byhand.parts import ByHand, ctc


class CRNN(ByHand):
    """Seven convolutions, two bidirectional LSTM layers with a linear map between them, and one behind."""

    def __init__(self, channels: Sequence[int], hidden: int, symbols: int) -> None:
        super().__init__()
        one, two, three, four, five, six, seven = channels
        self.convolutions = nn.Sequential(
            *(nn.Conv2d(1, one, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(one, two, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(two, three, 3, padding=1), nn.BatchNorm2d(three), nn.ReLU()),
            *(nn.Conv2d(three, four, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, (2, 1), (0, 1))),
            *(nn.Conv2d(four, five, 3, padding=1), nn.BatchNorm2d(five), nn.ReLU()),
            *(nn.Conv2d(five, six, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, (2, 1), (0, 1))),
            *(nn.Conv2d(six, seven, 2), nn.BatchNorm2d(seven), nn.ReLU()),
        )
        self.first = nn.LSTM(seven, hidden, bidirectional=True)
        self.between = nn.Linear(2 * hidden, hidden)
        self.second = nn.LSTM(hidden, hidden, bidirectional=True)
        self.scores = nn.Linear(2 * hidden, symbols)
        modules = {0: "0.conv", 3: "2.conv", 6: "4.conv", 7: "4.norm", 9: "5.conv", 12: "7.conv", 13: "7.norm"}
        modules |= {15: "8.conv", 18: "10.conv", 19: "10.norm"}
        self.places = {
            **{f"convolutions.{own}.": f"layers.{place}." for own, place in modules.items()},
            "first.": "layers.12.",
            "between.": "layers.12.output_projection.",
            "second.": "layers.13.",
            "scores.": "head.linear.",
        }

    def forward(self, images: Tensor) -> Tensor:
        x = self.convolutions(images).squeeze(2).permute(2, 0, 1)  # (T, B, C)
        x, _ = self.first(x)
        x, _ = self.second(self.between(x))
        scores: Tensor = self.scores(x)
        return scores

    def loss(self, scores: Tensor, symbols: Tensor) -> Tensor:
        return ctc(scores, symbols, 0, None)
