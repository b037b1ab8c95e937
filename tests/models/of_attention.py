"""Published decoders that attend, written from their sources: plain torch, one pair of sequences at a time."""

from __future__ import annotations

from typing import Final

import torch
from attending import Pair
from proving import Theirs, linear
from torch import Tensor, nn


def _cell(theirs: Theirs, name: str, ours: str) -> dict[str, Tensor]:
    """A torch.nn.LSTMCell or GRUCell, whose gates stand as ours do."""
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    return {f"{ours}.{part}": theirs[f"{name}.{part}"] for part in parts}


class ShowAttendTell(nn.Module):
    """sgrvinod/a-PyTorch-Tutorial-to-Image-Captioning, models.py: Attention (55-88), DecoderWithAttention (91-217)."""

    def __init__(self, places: int, symbols: int, size: int, units: int, hidden: int) -> None:
        super().__init__()
        self.encoder_att, self.decoder_att = nn.Linear(places, hidden), nn.Linear(units, hidden)
        self.full_att = nn.Linear(hidden, 1)
        self.embedding = nn.Embedding(symbols, size)
        self.decode_step = nn.LSTMCell(size + places, units)
        self.init_h, self.init_c = nn.Linear(places, units), nn.Linear(places, units)
        self.f_beta = nn.Linear(units, places)
        self.fc = nn.Linear(units, symbols)

    def forward(self, encoder_out: Tensor, captions: Tensor) -> Tensor:
        embeddings = self.embedding(captions)
        mean = encoder_out.mean(dim=1)
        h, c = self.init_h(mean), self.init_c(mean)
        predictions = []
        for t in range(captions.shape[1]):
            att = self.full_att((self.encoder_att(encoder_out) + self.decoder_att(h).unsqueeze(1)).relu()).squeeze(2)
            context = (encoder_out * att.softmax(dim=1).unsqueeze(2)).sum(dim=1)
            context = self.f_beta(h).sigmoid() * context
            h, c = self.decode_step(torch.cat([embeddings[:, t], context], dim=1), (h, c))
            predictions.append(self.fc(h))
        return torch.stack(predictions, dim=1)


def show_attend_tell(theirs: Theirs) -> dict[str, Tensor]:
    return {
        "decoder.input.embedding.weight": theirs["embedding.weight"],
        **_cell(theirs, "decode_step", "decoder.layers.0.cell"),
        **linear(theirs, "fc", "decoder.head.linear"),
        **linear(theirs, "encoder_att", "attention.key"),
        **linear(theirs, "decoder_att", "attention.query"),
        **linear(theirs, "full_att", "attention.score"),
        **linear(theirs, "f_beta", "attention.gate"),
        **linear(theirs, "init_h", "bridge.maps.layers_0_h"),
        **linear(theirs, "init_c", "bridge.maps.layers_0_c"),
    }


SOFTMAX: Final = "the same number on every score of a softmax changes nothing"

PAIRS: Final[dict[str, Pair]] = {
    "vision/show-attend-tell": Pair(
        theirs=lambda: ShowAttendTell(5, 11, 6, 7, 8),
        ours=show_attend_tell,
        changes={
            "encoder.input": 5,
            "decoder.input.vocabulary": 11,
            "decoder.input.size": 6,
            "decoder.hidden_size": 7,
            "decoder.head.size": 11,
            "architecture.attention.size": 8,
        },
        mistakes={
            "tanh in the score, as in the paper": {"architecture.attention.activation": "tanh"},
            "tanh on the first states, as in the paper": {
                "architecture.bridge": {"kind": "linear", "from": "mean", "activation": "tanh"}
            },
            "the context at the next step": {
                "architecture.attention.ask": "after",
                "architecture.attention.feed": ["next_input"],
            },
        },
        idle={"attention.score.bias": SOFTMAX},
    ),
}
