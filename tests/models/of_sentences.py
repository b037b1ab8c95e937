"""Encoders and taggers of sentences, and models of movements, each as its source computes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from of_others import MelodyRnn
from proving import SYMBOLS, Case, Theirs, linear, of_torch, under_one
from torch import Tensor, nn
from torch.nn import functional as F

TOKENS: Final = {"input.vocabulary": SYMBOLS}
BACKWARDS: Final = {"time backwards": {"layers": [{"reverse": True}]}}
POOLED: Final = {f"the {pool} of all steps": {"head.pool": pool} for pool in ("mean", "max")}


def hard_sigmoid(x: Tensor) -> Tensor:
    """Keras 2's; huggingface/torchMoji (07e4442), torchmoji/lstm.py."""
    return torch.clamp(0.2 * x + 0.5, 0, 1)


class KerasLSTM(nn.Module):
    """Keras 2's LSTM, recurrent.py, one direction: a kernel, a recurrent kernel and a bias, with gates i, f, c, o."""

    def __init__(self, width: int, units: int) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.empty(width, 4 * units))
        self.recurrent_kernel = nn.Parameter(torch.empty(units, 4 * units))
        self.bias = nn.Parameter(torch.empty(4 * units))

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(1, len(self.recurrent_kernel))
        found = []
        for step in x.unbind(1):
            i, f, g, o = (step @ self.kernel + self.bias + h @ self.recurrent_kernel).chunk(4, 1)
            c = hard_sigmoid(f) * c + hard_sigmoid(i) * torch.tanh(g)
            h = hard_sigmoid(o) * torch.tanh(c)
            found.append(h)
        return torch.stack(found, 1)


class DeepMoji(nn.Module):
    """bfelbo/DeepMoji (17edd6f), deepmoji/model_def.py, `deepmoji_architecture`.

    The mean is that of huggingface/torchMoji, torchmoji/attlayer.py: DeepMoji's own adds 1e-7 to what it divides by.
    """

    def __init__(self, size: int, units: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(SYMBOLS, size)
        widths = (size, 2 * units)
        self.forward_lstm = nn.ModuleList(KerasLSTM(width, units) for width in widths)
        self.backward_lstm = nn.ModuleList(KerasLSTM(width, units) for width in widths)
        self.attention = nn.Parameter(torch.empty(4 * units + size, 1))
        self.softmax = nn.Linear(4 * units + size, classes)

    def bidirectional(self, layer: int, x: Tensor) -> Tensor:
        backward = self.backward_lstm[layer](x.flip(1)).flip(1)
        return torch.cat([self.forward_lstm[layer](x), backward], 2)

    def forward(self, x: Tensor) -> Tensor:
        words = torch.tanh(self.embedding(x))
        lower = self.bidirectional(0, words)
        upper = self.bidirectional(1, lower)
        x = torch.cat([upper, lower, words], 2)
        logits = (x @ self.attention).squeeze(2)
        weights = torch.exp(logits - logits.max(1, keepdim=True)[0])
        weights = weights / weights.sum(1, keepdim=True)
        return torch.log_softmax(self.softmax((x * weights.unsqueeze(2)).sum(1)), 1)


def _deepmoji(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["embedding.weight"], "pool.score.weight": theirs["attention"].T}
    ours |= linear(theirs, "softmax", "head.linear")
    for layer in range(2):
        for there, place in (("forward_lstm", "cell"), ("backward_lstm", "reverse_cell")):
            ours[f"layers.{1 + layer}.{place}.weight_ih"] = theirs[f"{there}.{layer}.kernel"].T
            ours[f"layers.{1 + layer}.{place}.weight_hh"] = theirs[f"{there}.{layer}.recurrent_kernel"].T
            ours[f"layers.{1 + layer}.{place}.bias"] = theirs[f"{there}.{layer}.bias"]
    return ours


DEEPMOJI: Final = Case(
    theirs=lambda: DeepMoji(4, 2, 3),
    ours=_deepmoji,
    changes=TOKENS | {"input.size": 4, "hidden_size": 2, "head.size": 3},
    mistakes={
        "relu of the words": {"layers.0.function": "relu"},
        "the layers the other way round": {"layers.3.of": ["lower", "upper", "words"]},
        "smooth gates": {"cell.recurrent_activation": "sigmoid"},
        "Keras 3's hard sigmoids": {"cell.recurrent_activation": "hard_sigmoid"},
    },
    after=lambda y: torch.log_softmax(y, -1),
    spread=1.0,
)


class SkipThoughtsGru(nn.Module):
    """ryankiros/skip-thoughts (21f3cef), skipthoughts.py, `gru_layer`: gates r, u by W, U and b, the rest by Wx, Ux, bx."""

    def __init__(self, nin: int, dim: int) -> None:
        super().__init__()
        shapes = {"W": (nin, 2 * dim), "b": (2 * dim,), "U": (dim, 2 * dim)}
        for name, shape in {**shapes, "Wx": (nin, dim), "Ux": (dim, dim), "bx": (dim,)}.items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape)))
        self.dim = dim

    def forward(self, state_below: Tensor) -> Tensor:
        h_ = state_below.new_zeros(1, self.dim)
        for step in state_below.unbind(1):
            preact = h_ @ self.U + step @ self.W + self.b
            r, u = torch.sigmoid(preact).chunk(2, 1)
            preactx = h_ @ self.Ux * r + step @ self.Wx + self.bx
            h_ = u * h_ + (1.0 - u) * torch.tanh(preactx)
        return h_


class SkipThoughts(nn.Module):
    """ryankiros/skip-thoughts (21f3cef), skipthoughts.py, `build_encoder` and `build_encoder_bi`."""

    def __init__(self, nin: int, dim: int, both: bool) -> None:
        super().__init__()
        self.encoder = SkipThoughtsGru(nin, dim)
        self.encoder_r = SkipThoughtsGru(nin, dim) if both else None

    def forward(self, embedding: Tensor) -> Tensor:
        proj = self.encoder(embedding)
        if self.encoder_r is None:
            return proj
        return torch.cat([proj, self.encoder_r(embedding.flip(1))], 1)


def _skip_thoughts(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {}
    places = [("encoder", "cell")]
    if "encoder_r.W" in theirs.left:
        places.append(("encoder_r", "reverse_cell"))
    for there, place in places:
        ours[f"layers.0.{place}.weight_ih"] = torch.cat([theirs[f"{there}.W"], theirs[f"{there}.Wx"]], 1).T
        ours[f"layers.0.{place}.weight_hh"] = torch.cat([theirs[f"{there}.U"], theirs[f"{there}.Ux"]], 1).T
        ours[f"layers.0.{place}.bias"] = torch.cat([theirs[f"{there}.b"], theirs[f"{there}.bx"]])
    return ours


def _skip_thoughts_case(both: bool) -> Case:
    return Case(
        theirs=lambda: SkipThoughts(4, 5, both),
        ours=_skip_thoughts,
        changes={"input": 4, "hidden_size": 5},
        mistakes={"the gate that resets before the product": {"cell.reset_gate": "before"}, **POOLED},
    )


class MTLSTM(nn.Module):
    """salesforce/cove (20e59d8), cove/encoder.py, lines 17 to 62, without a table and residual embeddings."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(size, size, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.rnn(inputs)[0]
        return outputs


def _cove(theirs: Theirs) -> Mapping[str, Tensor]:
    ours: dict[str, Tensor] = {}
    for layer in range(2):
        ours |= of_torch(theirs, "rnn", f"layers.{layer}.cell", layer)
        ours |= of_torch(theirs, "rnn", f"layers.{layer}.reverse_cell", layer, "_reverse")
    return ours


COVE: Final = Case(
    theirs=lambda: MTLSTM(4),
    ours=_cove,
    changes={"input": 4, "hidden_size": 4},
    mistakes={"the sum of the second layer and its input": {"layers": [{}, {"residual": True}]}},
)


class OneLstm(nn.Module):
    """A table, torch's LSTM and a linear map: flair/models/language_model.py (028af3a) without `nout` and attention.

    So is LSTMTagger of pytorch/tutorials (0d1e0f7), beginner_source/nlp/sequence_models_tutorial.py.
    """

    def __init__(self, size: int, hidden_size: int, outputs: int) -> None:
        super().__init__()
        self.encoder = nn.Embedding(SYMBOLS, size)
        self.rnn = nn.LSTM(size, hidden_size)
        self.decoder = nn.Linear(hidden_size, outputs)

    def forward(self, x: Tensor) -> Tensor:
        output, _ = self.rnn(self.encoder(x.T))
        return F.log_softmax(self.decoder(output), 2).transpose(0, 1)


def _one_lstm(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"input.embedding.weight": theirs["encoder.weight"], **linear(theirs, "decoder", "head.linear")}
    return ours | of_torch(theirs, "rnn", "layers.0.cell")


ONE_LSTM: Final = Case(
    theirs=lambda: OneLstm(5, 5, 3),
    ours=_one_lstm,
    changes=TOKENS | {"input.size": 5, "hidden_size": 5, "head.size": 3},
    mistakes={**BACKWARDS, "the sum of the layer and its input": {"residual": True}},
    after=lambda y: torch.log_softmax(y, -1),
)


class BasicLSTM(nn.Module):
    """TensorFlow's BasicLSTMCell, one matrix for [x, h], gates i, j, f, o, and a constant 1 in f; layer on layer."""

    def __init__(self, width: int, size: int, layers: int) -> None:
        super().__init__()
        widths = [width, *[size] * (layers - 1)]
        self.kernel = nn.ParameterList(torch.empty(one + size, 4 * size) for one in widths)
        self.bias = nn.ParameterList(torch.empty(4 * size) for _ in widths)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        for kernel, bias in zip(self.kernel, self.bias, strict=True):
            h = c = x.new_zeros(1, self.size)
            found = []
            for step in x.unbind(1):
                i, j, f, o = (torch.cat([step, h], 1) @ kernel + bias).chunk(4, 1)
                c = c * torch.sigmoid(f + 1.0) + torch.sigmoid(i) * torch.tanh(j)
                h = torch.tanh(c) * torch.sigmoid(o)
                found.append(h)
            x = torch.stack(found, 1)
        return x


class ActivityLstm(nn.Module):
    """guillaume-chevalier/LSTM-Human-Activity-Recognition (029fe75), README.md, `LSTM_RNN`."""

    def __init__(self, inputs: int, size: int, classes: int) -> None:
        super().__init__()
        self.hidden = nn.Parameter(torch.empty(inputs, size))
        self.hidden_bias = nn.Parameter(torch.empty(size))
        self.cells = BasicLSTM(size, size, 2)
        self.out = nn.Parameter(torch.empty(size, classes))
        self.out_bias = nn.Parameter(torch.empty(classes))

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.cells(torch.relu(x @ self.hidden + self.hidden_bias))
        return outputs[:, -1] @ self.out + self.out_bias


def _activity(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {
        "layers.0.linear.weight": theirs["hidden"].T,
        "layers.0.linear.bias": theirs["hidden_bias"],
        "head.linear.weight": theirs["out"].T,
        "head.linear.bias": theirs["out_bias"],
    }
    for layer in range(2):
        place = f"layers.{1 + layer}.cell"
        ours |= under_one(theirs, f"cells.kernel.{layer}", f"cells.bias.{layer}", 5, "igfo", place, 1.0)
    return ours


ACTIVITY: Final = Case(
    theirs=lambda: ActivityLstm(4, 5, 3),
    ours=_activity,
    changes={"input": 4, "layers.0.size": 5, "hidden_size": 5, "head.size": 3},
    mistakes={
        "no relu": {"layers.0.activation": "none"},
        "the sum of a layer and its input": {"layers.2.residual": True},
        **POOLED,
    },
)


class WriteRnn(nn.Module):
    """hardmaru/write-rnn-tensorflow (0a53b36), model.py; what it gives is an end, then six numbers of every component."""

    def __init__(self, size: int, num_mixture: int) -> None:
        super().__init__()
        self.cell = BasicLSTM(3, size, 2)
        self.output_w = nn.Parameter(torch.empty(size, 1 + 6 * num_mixture))
        self.output_b = nn.Parameter(torch.empty(1 + 6 * num_mixture))

    def forward(self, x: Tensor) -> Tensor:
        z = self.cell(x) @ self.output_w + self.output_b
        z_pi, z_mu1, z_mu2, z_sigma1, z_sigma2, z_corr = z[..., 1:].chunk(6, -1)
        z_pi = torch.exp(z_pi - z_pi.max(-1, keepdim=True)[0])
        parts = [z_pi / z_pi.sum(-1, keepdim=True), z_mu1, z_mu2, torch.exp(z_sigma1), torch.exp(z_sigma2)]
        return torch.cat([*parts, torch.tanh(z_corr), torch.sigmoid(z[..., :1])], -1)


def of_density(y: Tensor) -> Tensor:
    """The probabilities, means, deviations, correlation and end that the numbers of our head stand for."""
    pi, mu, sigma, rho, end = y.split([3, 6, 6, 3, 1], -1)
    return torch.cat([torch.softmax(pi, -1), mu, torch.exp(sigma), torch.tanh(rho), torch.sigmoid(end)], -1)


def _write_rnn(theirs: Theirs) -> Mapping[str, Tensor]:
    """Our end stands last."""
    ours = {
        "head.linear.weight": theirs["output_w"].T.roll(-1, 0),
        "head.linear.bias": theirs["output_b"].roll(-1, 0),
    }
    for layer, inputs in enumerate((3, 5)):
        place = f"layers.{layer}.cell"
        ours |= under_one(theirs, f"cell.kernel.{layer}", f"cell.bias.{layer}", inputs, "igfo", place, 1.0)
    return ours


RESIDUAL: Final = {"the sum of a layer and its input": {"layers.1.residual": True}}
WRITE_RNN: Final = Case(
    theirs=lambda: WriteRnn(5, 3),
    ours=_write_rnn,
    changes={"hidden_size": 5, "head.components": 3},
    mistakes={**RESIDUAL, "time backwards": {"layers.1.reverse": True}},
    after=of_density,
)


def _events(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"head.linear.weight": theirs["weights"].T, "head.linear.bias": theirs["biases"]}
    for layer, inputs in enumerate((SYMBOLS, 5, 5)):
        ours |= under_one(theirs, f"kernel.{layer}", f"bias.{layer}", inputs, "igfo", f"layers.{layer}.cell", 1.0)
    return ours


SIZES: Final[dict[str, Any]] = {"head.size": SYMBOLS, "hidden_size": 5}
EVENTS: Final = Case(
    theirs=lambda: MelodyRnn(5, 3),
    ours=_events,
    changes=TOKENS | SIZES,
    mistakes={**RESIDUAL, "time backwards": {"layers.1.reverse": True}},
)

CASES: Final = {
    "activity-lstm": ACTIVITY,
    "cove": COVE,
    "deepmoji": DEEPMOJI,
    "flair": ONE_LSTM,
    "performance-rnn": EVENTS,
    "performance-rnn@dynamics": EVENTS,
    "polyphony-rnn": EVENTS,
    "pos-tagger": ONE_LSTM,
    "skip-thoughts": _skip_thoughts_case(both=False),
    "skip-thoughts@bi": _skip_thoughts_case(both=True),
    "write-rnn": WRITE_RNN,
}
