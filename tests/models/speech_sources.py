"""The forward pass of a published transducer, arranged as its source does, from torch's own modules."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RNNT(nn.Module):
    """mlcommons/training, rnn_speech_recognition/pytorch: rnnt/model.py, rnnt/decoder.py; in eval mode.

    Steps come first there. Targets follow a zero vector. `labels` are indices among the scores, of which the blank is
    one; the table of the predictor has no row for it.
    """

    def __init__(self, features: int, units: int, told: int, joint: int, classes: int) -> None:
        super().__init__()
        self.pre_rnn = nn.LSTM(features, units, 2)
        self.post_rnn = nn.LSTM(2 * units, units, 3)
        self.embed = nn.Embedding(classes - 1, told)
        self.dec_rnn = nn.LSTM(told, told, 2)
        self.joint_enc, self.joint_pred = nn.Linear(units, joint), nn.Linear(told, joint)
        self.joint_net = nn.Sequential(nn.ReLU(), nn.Linear(joint, classes))
        self.blank = classes - 1

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.joint(self.encode(x), self.predict(y)[0])

    def encode(self, x: Tensor) -> Tensor:
        x, _ = self.pre_rnn(x.transpose(0, 1))
        rows = x.transpose(0, 1)
        rows = torch.cat([rows, rows.new_zeros(rows.shape[0], -rows.shape[1] % 2, rows.shape[2])], 1)
        stacked = rows.reshape(rows.shape[0], rows.shape[1] // 2, 2 * rows.shape[2])
        return self.post_rnn(stacked.transpose(0, 1))[0].transpose(0, 1)

    def predict(self, y: Tensor | None, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, object]:
        if y is None:
            embedded = torch.zeros(1, 1, self.embed.embedding_dim)
        elif state is None:
            symbols = self.embed(y)
            embedded = torch.cat([torch.zeros(len(y), 1, symbols.shape[2]), symbols], 1)
        else:
            embedded = self.embed(y)
        g, state = self.dec_rnn(embedded.transpose(0, 1), state)
        return g.transpose(0, 1), state

    def joint(self, f: Tensor, g: Tensor) -> Tensor:
        return self.joint_net(self.joint_enc(f).unsqueeze(2) + self.joint_pred(g).unsqueeze(1))

    def greedy(self, x: Tensor, most: int) -> list[int]:
        """RNNTGreedyDecoder of one sequence (1, T, F)."""
        encoded, labels, state = self.encode(x), [], None
        for step in encoded[0]:
            for _ in range(most):
                last = torch.tensor([[labels[-1]]]) if labels else None
                g, after = self.predict(last, state)
                k = int(self.joint(step.view(1, 1, -1), g)[0, 0, 0].argmax())
                if k == self.blank:
                    break
                labels.append(k)
                state = after
        return labels


class Torchaudio(nn.Module):
    """torchaudio.models.rnnt: `_Predictor` without norms inside its LSTM, `_Joiner`; targets follow the blank."""

    def __init__(self, symbols: int, size: int, units: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, size)
        self.input_layer_norm = nn.LayerNorm(size)
        self.lstm = nn.LSTM(size, units, 2, batch_first=True)
        self.linear = nn.Linear(units, width)
        self.output_layer_norm = nn.LayerNorm(width)
        self.joiner = nn.Linear(width, symbols)

    def forward(self, encoded: Tensor, target: Tensor) -> Tensor:
        y, _ = self.lstm(self.input_layer_norm(self.embedding(target)))
        y = self.output_layer_norm(self.linear(y))
        return self.joiner(torch.relu(encoded.unsqueeze(2) + y.unsqueeze(1)))
