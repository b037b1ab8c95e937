"""Models of music, series, translation and reviews, each as its source computes it, and how its parameters become ours."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any, Final
from unittest.mock import patch

import torch
from proving import SYMBOLS, Case, Theirs, linear, of_torch, under_one
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


class MelodyRnn(nn.Module):
    """magenta/magenta, models/shared/events_rnn_graph.py, `make_rnn_cell` and the logits of `build`.

    TensorFlow's BasicLSTMCell has one matrix for [x, h], its gates in the order i, g (j), f, o, and adds 1 in f.
    """

    def __init__(self, size: int, layers: int) -> None:
        super().__init__()
        widths = [SYMBOLS, *[size] * (layers - 1)]
        self.kernel = nn.ParameterList(torch.empty(width + size, 4 * size) for width in widths)
        self.bias = nn.ParameterList(torch.empty(4 * size) for _ in widths)
        self.weights = nn.Parameter(torch.empty(size, SYMBOLS))
        self.biases = nn.Parameter(torch.empty(SYMBOLS))
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        inputs = torch.zeros(1, x.shape[1], SYMBOLS, dtype=self.weights.dtype).scatter_(2, x.unsqueeze(2), 1.0)
        for kernel, bias in zip(self.kernel, self.bias, strict=True):
            h = c = inputs.new_zeros(1, self.size)
            found = []
            for step in inputs.unbind(1):
                i, j, f, o = (torch.cat([step, h], 1) @ kernel + bias).chunk(4, 1)
                c = c * torch.sigmoid(f + 1.0) + torch.sigmoid(i) * torch.tanh(j)
                h = torch.tanh(c) * torch.sigmoid(o)
                found.append(h)
            inputs = torch.stack(found, 1)
        return inputs @ self.weights + self.biases


def _melody_rnn(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"head.linear.weight": theirs["weights"].T, "head.linear.bias": theirs["biases"]}
    for layer, inputs in enumerate((SYMBOLS, 5)):
        ours |= under_one(theirs, f"kernel.{layer}", f"bias.{layer}", inputs, "igfo", f"layers.{layer}.cell", 1.0)
    return ours


RESIDUAL: Final = {"the sum of a layer and its input": {"layers.1.residual": True}}
MELODY_RNN: Final = Case(
    theirs=lambda: MelodyRnn(5, 2),
    ours=_melody_rnn,
    changes={"input.vocabulary": SYMBOLS, "head.size": SYMBOLS, "hidden_size": 5},
    mistakes={**RESIDUAL, "time backwards": {"layers.1.reverse": True}},
)


class GnmtEncoder(nn.Module):
    """mlcommons/training, rnn_translator/pytorch/seq2seq/models/encoder.py, `__init__` and `forward`."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.embedder = nn.Embedding(SYMBOLS, size, padding_idx=0)
        self.rnn_layers = nn.ModuleList(
            [
                nn.LSTM(size, size, bidirectional=True),
                nn.LSTM(2 * size, size),
                nn.LSTM(size, size),
                nn.LSTM(size, size),
            ]
        )

    def forward(self, inputs: Tensor) -> Tensor:
        x = self.embedder(inputs.T)
        packed, _ = self.rnn_layers[0](pack_padded_sequence(x, torch.tensor([x.shape[0]])))
        x, _ = pad_packed_sequence(packed)
        x, _ = self.rnn_layers[1](x)
        for layer in self.rnn_layers[2:]:
            residual = x
            x, _ = layer(x)
            x = x + residual
        return x.transpose(0, 1)


def _gnmt(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["embedder.weight"]}
    ours |= of_torch(theirs, "rnn_layers.0", "layers.0.reverse_cell", suffix="_reverse")
    for layer in range(4):
        ours |= of_torch(theirs, f"rnn_layers.{layer}", f"layers.{layer}.cell")
    return ours


GNMT: Final = Case(
    theirs=lambda: GnmtEncoder(5),
    ours=_gnmt,
    changes={"input.vocabulary": SYMBOLS, "input.size": 5, "hidden_size": 5},
    mistakes={
        "no residual in the third layer": {"layers.2.residual": False},
        "no residual in the fourth layer": {"layers.3.residual": False},
        "the second layer backwards": {"layers.1.reverse": True},
    },
)


class DeepAR(nn.Module):
    """Nixtla/neuralforecast 3.3.0, models/deepar.py, lines 177 to 253, and `MLP` of common/_modules.py with one layer."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.hist_encoder = nn.LSTM(input_size=1, hidden_size=size, num_layers=2, batch_first=True)
        self.decoder = nn.Linear(size, 3)

    def forward(self, encoder_input: Tensor) -> Tensor:
        hidden_state, _ = self.hist_encoder(encoder_input)
        return self.decoder(hidden_state)


def _deepar(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = linear(theirs, "decoder", "head.linear")
    for layer in range(2):
        ours |= of_torch(theirs, "hist_encoder", f"layers.{layer}.cell", layer)
    return ours


DEEPAR: Final = Case(
    theirs=lambda: DeepAR(5),
    ours=_deepar,
    changes={"hidden_size": 5},
    mistakes={**RESIDUAL, "time backwards": {"layers.1.reverse": True}},
)


@cache
def keras_on_torch() -> Any:
    """Keras on torch, and without the file of settings that its import leaves in a home."""
    with TemporaryDirectory() as home, patch.dict(os.environ, {"KERAS_BACKEND": "torch", "KERAS_HOME": home}):
        import keras
    return keras


class OfKeras(nn.Module):
    """A model of Keras, whose weights have names made of a layer's place and the weight's in it.

    With a number of features it reads these instead of symbols, which come one-hot then.
    """

    def __init__(self, layers: list[Any], features: int | None = None) -> None:
        super().__init__()
        keras = keras_on_torch()
        self.features = features
        inputs = keras.Input((None,), dtype="int32") if features is None else keras.Input((None, features))
        x = inputs
        for layer in layers:
            x = layer(x)
        self.model = [keras.Model(inputs, x)]  # in a list, so that its own parameters are not seen twice
        self.places = [(place, len(layer.get_weights())) for place, layer in enumerate(layers)]
        self.layers = [layers]
        for place, layer in enumerate(layers):
            for index, weight in enumerate(layer.get_weights()):
                self.register_parameter(f"w{place}_{index}", nn.Parameter(torch.empty(weight.shape)))

    def forward(self, x: Tensor) -> Tensor:
        for (place, count), layer in zip(self.places, self.layers[0], strict=True):
            layer.set_weights([getattr(self, f"w{place}_{index}").detach().numpy() for index in range(count)])
        if self.features is None:
            x = x.to(torch.int32)
        elif not x.is_floating_point():
            x = torch.eye(self.features)[x]
        found = self.model[0](x)
        return found.detach()


def char_gru() -> OfKeras:
    """TensorFlow's tutorial, docs/tutorials/text_generation.ipynb of tensorflow/text: `MyModel`."""
    layers = keras_on_torch().layers
    return OfKeras([layers.Embedding(SYMBOLS, 3), layers.GRU(5, return_sequences=True), layers.Dense(SYMBOLS)])


def _char_gru(theirs: Theirs) -> Mapping[str, Tensor]:
    """Keras has a GRU's gates in the order z, r, h, its matrices turned, and both biases as two rows."""
    ours = {
        "input.embedding.weight": theirs["w0_0"],
        "head.linear.weight": theirs["w2_0"].T,
        "head.linear.bias": theirs["w2_1"],
        "layers.0.cell.weight_ih": theirs.gates("w1_0", "zrh", "rzh", axis=1).T,
        "layers.0.cell.weight_hh": theirs.gates("w1_1", "zrh", "rzh", axis=1).T,
    }
    of_x, of_h = theirs.gates("w1_2", "zrh", "rzh", axis=1)
    return ours | {"layers.0.cell.bias_ih": of_x, "layers.0.cell.bias_hh": of_h}


CHAR_GRU: Final = Case(
    theirs=char_gru,
    ours=_char_gru,
    changes={"input.vocabulary": SYMBOLS, "input.size": 3, "hidden_size": 5, "head.size": SYMBOLS},
    mistakes={"the gate that resets before the product": {"cell": {"kind": "gru", "reset_gate": "before"}}},
    dtype=torch.float32,
    allowed=1e-5,
)


def imdb() -> OfKeras:
    """Keras's example, examples/nlp/bidirectional_lstm_imdb.py of keras-team/keras-io, lines 23 to 31."""
    layers = keras_on_torch().layers
    return OfKeras(
        [
            layers.Embedding(SYMBOLS, 3),
            layers.Bidirectional(layers.LSTM(5, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(5)),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def _imdb(theirs: Theirs) -> Mapping[str, Tensor]:
    """Keras has an LSTM's gates in the order i, f, g (c), o, as we have, and its matrices turned."""
    ours = {
        "input.embedding.weight": theirs["w0_0"],
        "head.linear.weight": theirs["w3_0"].T,
        "head.linear.bias": theirs["w3_1"],
    }
    for layer in range(2):
        for direction, place in enumerate(("cell", "reverse_cell")):
            for index, name in enumerate(("weight_ih", "weight_hh", "bias")):
                value = theirs[f"w{1 + layer}_{3 * direction + index}"]
                ours[f"layers.{layer}.{place}.{name}"] = value.T if value.dim() == 2 else value
    return ours


IMDB: Final = Case(
    theirs=imdb,
    ours=_imdb,
    changes={"input.vocabulary": SYMBOLS, "input.size": 3, "hidden_size": 5},
    mistakes={"the mean of all steps": {"head.pool": "mean"}, "the largest of all steps": {"head.pool": "max"}},
    after=torch.sigmoid,
    dtype=torch.float32,
    allowed=1e-5,
)

CASES: Final = {
    "char-gru": CHAR_GRU,
    "deepar": DEEPAR,
    "gnmt-encoder": GNMT,
    "imdb-bilstm": IMDB,
    "melody-rnn": MELODY_RNN,
    "melody-rnn@mono": MELODY_RNN,
}
