"""Published decoders that attend, written from their sources: plain torch, one pair of sequences at a time."""

from __future__ import annotations

from typing import Final

import torch
from attending import Pair
from of_convolutions import normed
from proving import Theirs, linear, of_torch, under_one
from torch import Tensor, nn
from torch.nn import functional as F


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


def tf_cell(x: Tensor, c: Tensor, h: Tensor, kernel: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """TensorFlow 1's LSTMCell and BasicLSTMCell: one product of [x, h], gates i, j, f, o, and 1 more in f."""
    i, j, f, o = (torch.cat([x, h], dim=1) @ kernel + bias).chunk(4, dim=1)
    c = c * (f + 1.0).sigmoid() + i.sigmoid() * j.tanh()
    return c, o.sigmoid() * c.tanh()


class HandwritingSynthesis(nn.Module):
    """sjvasquez/handwriting-synthesis (5f58984), rnn_cell.py: LSTMAttentionCell.__call__ (69-130), and rnn.py (207-231)."""

    def __init__(self, letters: int, units: int, bells: int, components: int) -> None:
        super().__init__()
        self.letters, self.units, self.bells = letters, units, bells
        widths = (letters + 3, 3 + units + letters, 3 + units + letters)
        self.kernels = nn.ParameterList(nn.Parameter(torch.empty(width + units, 4 * units)) for width in widths)
        self.biases = nn.ParameterList(nn.Parameter(torch.empty(4 * units)) for _ in widths)
        self.attention_weights = nn.Parameter(torch.empty(letters + 3 + units, 3 * bells))
        self.attention_biases = nn.Parameter(torch.empty(3 * bells))
        self.gmm_weights = nn.Parameter(torch.empty(units, 6 * components + 1))
        self.gmm_biases = nn.Parameter(torch.empty(6 * components + 1))

    def forward(self, c: Tensor, x: Tensor) -> Tensor:
        attention_values = F.one_hot(c, self.letters).to(x.dtype)
        state = [(x.new_zeros(1, self.units), x.new_zeros(1, self.units)) for _ in range(3)]
        w, kappa = x.new_zeros(1, self.letters), x.new_zeros(1, self.bells)
        u = torch.arange(c.shape[1], dtype=x.dtype)
        outputs = []
        for inputs in x.unbind(1):
            state[0] = tf_cell(torch.cat([w, inputs], 1), *state[0], self.kernels[0], self.biases[0])
            s1_out = state[0][1]
            params = torch.cat([w, inputs, s1_out], 1) @ self.attention_weights + self.attention_biases
            alpha, beta, step = F.softplus(params).chunk(3, 1)
            kappa, beta = kappa + step / 25.0, beta.clamp(min=0.01)
            phi = (alpha[:, :, None] * torch.exp(-((kappa[:, :, None] - u) ** 2) / beta[:, :, None])).sum(1)
            w = (phi[:, :, None] * attention_values).sum(1)
            state[1] = tf_cell(torch.cat([inputs, s1_out, w], 1), *state[1], self.kernels[1], self.biases[1])
            state[2] = tf_cell(torch.cat([inputs, state[1][1], w], 1), *state[2], self.kernels[2], self.biases[2])
            outputs.append(state[2][1] @ self.gmm_weights + self.gmm_biases)
        return torch.stack(outputs, 1)


def handwriting(theirs: Theirs, letters: int, units: int, components: int) -> dict[str, Tensor]:
    """Their window stands before what came in, ours behind all else; their deviations before their means."""
    ours = {}
    for layer, place in enumerate((0, 2, 4)):
        kernel = theirs.gates(f"kernels.{layer}", "igfo", axis=1).T
        if layer == 0:
            kernel = torch.cat([kernel[:, letters : letters + 3], kernel[:, :letters], kernel[:, letters + 3 :]], 1)
        bias = theirs.gates(f"biases.{layer}", "igfo").clone()
        bias.chunk(4)[1].add_(1.0)
        cell, inputs = f"decoder.layers.{place}.cell", kernel.shape[1] - units
        ours |= {f"{cell}.weight_ih": kernel[:, :inputs], f"{cell}.weight_hh": kernel[:, inputs:], f"{cell}.bias": bias}
    pis, sigmas, rhos, mus, end = torch.arange(6 * components + 1).split(
        [components, 2 * components, components, 2 * components, 1]
    )
    order = torch.cat([pis, mus, sigmas, rhos, end])
    return {
        **ours,
        "attention.window.linear.weight": theirs["attention_weights"].T.roll(-letters, 1),
        "attention.window.linear.bias": theirs["attention_biases"],
        "decoder.head.linear.weight": theirs["gmm_weights"].T[order],
        "decoder.head.linear.bias": theirs["gmm_biases"][order],
    }


def reordered(y: Tensor, components: int) -> Tensor:
    """Their numbers of a density in our order: weights, means, deviations, correlations, end."""
    pis, sigmas, rhos, mus, end = y.split([components, 2 * components, components, 2 * components, 1], -1)
    return torch.cat([pis, mus, sigmas, rhos, end], -1)


class Tacotron2(nn.Module):
    """torchaudio 2.11.0, models/tacotron2.py: _Encoder (327-418), _Attention, _Prenet and _Decoder (421-800).

    In eval mode, but without the dropout of _Prenet, which stays on there.
    """

    def __init__(self, symbols: int, size: int, mels: int, units: int, hidden: int, filters: int, kernel: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(symbols, size)
        self.convolutions = nn.ModuleList(
            nn.Sequential(nn.Conv1d(size, size, 5, padding=2), nn.BatchNorm1d(size)) for _ in range(3)
        )
        self.lstm = nn.LSTM(size, size // 2, 1, batch_first=True, bidirectional=True)
        prenet = units - 1
        self.prenet = nn.ModuleList(nn.Linear(width, prenet, bias=False) for width in (mels, prenet))
        self.attention_rnn = nn.LSTMCell(prenet + size, units)
        self.query_layer = nn.Linear(units, hidden, bias=False)
        self.memory_layer = nn.Linear(size, hidden, bias=False)
        self.v = nn.Linear(hidden, 1, bias=False)
        self.location_conv = nn.Conv1d(2, filters, kernel, padding=(kernel - 1) // 2, bias=False)
        self.location_dense = nn.Linear(filters, hidden, bias=False)
        self.decoder_rnn = nn.LSTMCell(units + size, units)
        self.linear_projection = nn.Linear(units + size, mels)
        self.gate_layer = nn.Linear(units + size, 1)

    def forward(self, tokens: Tensor, frames: Tensor) -> Tensor:
        x = self.embedding(tokens).transpose(1, 2)
        for conv in self.convolutions:
            x = F.relu(conv(x))
        memory = self.lstm(x.transpose(1, 2))[0]
        processed_memory = self.memory_layer(memory)
        for layer in self.prenet:
            frames = F.relu(layer(frames))
        weights, weights_cum = memory.new_zeros(1, memory.shape[1]), memory.new_zeros(1, memory.shape[1])
        attention_hidden = attention_cell = memory.new_zeros(1, self.query_layer.in_features)
        decoder_hidden = decoder_cell = torch.zeros_like(attention_hidden)
        context = memory.new_zeros(1, memory.shape[2])
        outputs = []
        for frame in frames.unbind(1):
            cell_input = torch.cat((frame, context), -1)
            attention_hidden, attention_cell = self.attention_rnn(cell_input, (attention_hidden, attention_cell))
            weights_cat = torch.cat((weights.unsqueeze(1), weights_cum.unsqueeze(1)), dim=1)
            located = self.location_dense(self.location_conv(weights_cat).transpose(1, 2))
            query = self.query_layer(attention_hidden.unsqueeze(1))
            weights = self.v(torch.tanh(query + located + processed_memory)).squeeze(2).softmax(dim=1)
            context = torch.bmm(weights.unsqueeze(1), memory).squeeze(1)
            weights_cum = weights_cum + weights
            decoder_input = torch.cat((attention_hidden, context), -1)
            decoder_hidden, decoder_cell = self.decoder_rnn(decoder_input, (decoder_hidden, decoder_cell))
            both = torch.cat((decoder_hidden, context), dim=1)
            outputs.append(torch.cat([self.linear_projection(both), self.gate_layer(both)], 1))
        return torch.stack(outputs, dim=1)


def tacotron2(theirs: Theirs) -> dict[str, Tensor]:
    ours = {
        "encoder.input.embedding.weight": theirs["embedding.weight"],
        **of_torch(theirs, "lstm", "encoder.layers.3.cell"),
        **of_torch(theirs, "lstm", "encoder.layers.3.reverse_cell", suffix="_reverse"),
        **_cell(theirs, "attention_rnn", "decoder.layers.2.cell"),
        **_cell(theirs, "decoder_rnn", "decoder.layers.3.cell"),
    }
    for layer in range(3):
        ours |= linear(theirs, f"convolutions.{layer}.0", f"encoder.layers.{layer}.conv")
        ours |= normed(theirs, f"convolutions.{layer}.1", f"encoder.layers.{layer}.norm")
    for layer in range(2):
        ours[f"decoder.layers.{layer}.linear.weight"] = theirs[f"prenet.{layer}.weight"]
    for mine, name in (
        ("query", "query_layer"),
        ("key", "memory_layer"),
        ("score", "v"),
        ("filters", "location_conv"),
        ("location", "location_dense"),
    ):
        ours[f"attention.{mine}.weight"] = theirs[f"{name}.weight"]
    for part in ("weight", "bias"):
        both = [theirs[f"linear_projection.{part}"], theirs[f"gate_layer.{part}"]]
        ours[f"decoder.head.linear.{part}"] = torch.cat(both)
    return ours


class ListenAttendSpell(nn.Module):
    """WindQAQ/listen-attend-and-spell (0c1fdc2): las/ops.py (38-84) and las/model.py (128-162).

    With TensorFlow 1.15's seq2seq: LuongAttention, which scores by the product of what asks and a map of the memory, and
    AttentionWrapper, whose cell reads the context before and whose output is the context alone.
    """

    def __init__(self, features: int, units: int, symbols: int, speller: int) -> None:
        super().__init__()
        self.units, self.symbols, self.speller = units, symbols, speller
        widths = (features, 2 * units, 4 * units)
        shapes = [(width + units, 4 * units) for width in widths for _ in range(2)]
        shapes.append((symbols + 4 * units + speller, 4 * speller))
        self.kernels = nn.ParameterList(nn.Parameter(torch.empty(shape)) for shape in shapes)
        self.biases = nn.ParameterList(nn.Parameter(torch.empty(shape[1])) for shape in shapes)
        self.memory_layer = nn.Parameter(torch.empty(4 * units, speller))
        self.projection_layer = nn.Linear(4 * units, symbols)

    def _run(self, x: Tensor, which: int) -> Tensor:
        c = h = x.new_zeros(1, self.units)
        found = []
        for step in x.unbind(1):
            c, h = tf_cell(step, c, h, self.kernels[which], self.biases[which])
            found.append(h)
        return torch.stack(found, 1)

    def forward(self, x: Tensor, target: Tensor) -> Tensor:
        for layer in range(3):
            x = torch.cat([self._run(x, 2 * layer), self._run(x.flip(1), 2 * layer + 1).flip(1)], -1)
            if layer != 0:
                x = F.pad(x, (0, 0, 0, x.shape[1] % 2))
                x = x.reshape(1, -1, 2 * x.shape[2])
        keys = x @ self.memory_layer
        c = h = x.new_zeros(1, self.speller)
        attention = x.new_zeros(1, x.shape[2])
        outputs = []
        for symbol in F.one_hot(target, self.symbols).to(x.dtype).unbind(1):
            c, h = tf_cell(torch.cat([symbol, attention], 1), c, h, self.kernels[6], self.biases[6])
            alignments = (keys @ h.unsqueeze(2)).squeeze(2).softmax(1)
            attention = (alignments.unsqueeze(1) @ x).squeeze(1)
            outputs.append(self.projection_layer(attention))
        return torch.stack(outputs, 1)


def listen_attend_spell(theirs: Theirs, features: int, units: int, symbols: int) -> dict[str, Tensor]:
    ours = {
        "attention.query.weight": theirs["memory_layer"],
        **linear(theirs, "projection_layer", "decoder.head.linear"),
    }
    inputs = (features, 2 * units, 4 * units)
    for layer, place in enumerate((0, 1, 3)):
        for way, name in enumerate(("cell", "reverse_cell")):
            which = 2 * layer + way
            cell = f"encoder.layers.{place}.{name}"
            ours |= under_one(theirs, f"kernels.{which}", f"biases.{which}", inputs[layer], "igfo", cell, 1.0)
    return ours | under_one(theirs, "kernels.6", "biases.6", symbols + 4 * units, "igfo", "decoder.layers.0.cell", 1.0)


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
    "handwriting/handwriting-synthesis": Pair(
        theirs=lambda: HandwritingSynthesis(7, 6, 3, 2),
        ours=lambda theirs: handwriting(theirs, 7, 6, 2),
        after=lambda y: reordered(y, 2),
        changes={
            "encoder.input.vocabulary": 7,
            "decoder.hidden_size": 6,
            "decoder.head.components": 2,
            "architecture.attention.components": 3,
        },
        mistakes={
            "exp, as in the paper": {"architecture.attention.function": "exp"},
            "a whole advance": {"architecture.attention.pace": 1.0},
            "wider bells": {"architecture.attention.narrowest": 0.9},
            "the input behind the layer": {"decoder.layers.3.of": ["second", "input"]},
        },
    ),
    "speech/tacotron2": Pair(
        theirs=lambda: Tacotron2(11, 6, 5, 8, 4, 3, 5),
        ours=tacotron2,
        changes={
            "encoder.input.vocabulary": 11,
            "encoder.input.size": 6,
            "encoder.layers.0.channels": 6,
            "encoder.layers.1.hidden_size": 3,
            "decoder.input": 5,
            "decoder.hidden_size": 8,
            "decoder.layers.0.size": 7,
            "decoder.head.size": 6,
            "architecture.attention.size": 4,
            "architecture.attention.filters": 3,
            "architecture.attention.kernel": 5,
        },
        mistakes={
            "the total before the last": {"architecture.attention.over": ["total", "last"]},
            "no activation in the prenet": {"decoder.layers.0.activation": "none"},
            "relu in the score": {"architecture.attention.activation": "relu"},
            "the second LSTM added to the first": {"decoder.layers.2.residual": True},
        },
    ),
    "speech/listen-attend-spell": Pair(
        theirs=lambda: ListenAttendSpell(5, 3, 7, 6),
        ours=lambda theirs: listen_attend_spell(theirs, 5, 3, 7),
        changes={
            "encoder.input": 5,
            "encoder.hidden_size": 3,
            "decoder.input.vocabulary": 7,
            "decoder.hidden_size": 6,
            "decoder.head.size": 7,
        },
        mistakes={
            "the odd step dropped": {"encoder.layers.2.tail": "drop", "encoder.layers.4.tail": "drop"},
            "asked before the step": {"architecture.attention.ask": "before"},
        },
        sources=(9, 5, 4, 7),  # an odd number of steps on either floor of the pyramid
    ),
}
