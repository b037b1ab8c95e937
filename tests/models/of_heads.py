"""Models whose head or pool is what makes them, each as its source computes it, and how its parameters become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from of_sentences import BasicLSTM
from proving import SYMBOLS, Case, Theirs, linear, of_torch, under_one
from torch import Tensor, nn


class MixtureOfSoftmaxes(nn.Module):
    """zihangdai/mos (6f89b28), model.py, `RNNModel` with tied weights; the probabilities, without the 1e-8 in the log."""

    def __init__(self, ninp: int, nhid: int, nhidlast: int, n_experts: int) -> None:
        super().__init__()
        self.encoder = nn.Embedding(SYMBOLS, ninp)
        widths = [(ninp, nhid), (nhid, nhid), (nhid, nhidlast)]
        self.rnns = nn.ModuleList(nn.LSTM(inputs, outputs) for inputs, outputs in widths)
        self.prior = nn.Linear(nhidlast, n_experts, bias=False)
        self.latent = nn.Sequential(nn.Linear(nhidlast, n_experts * ninp), nn.Tanh())
        self.decoder = nn.Linear(ninp, SYMBOLS)
        self.decoder.weight = self.encoder.weight
        self.ninp, self.n_experts = ninp, n_experts

    def forward(self, x: Tensor) -> Tensor:
        output = self.encoder(x.T)
        for rnn in self.rnns:
            output, _ = rnn(output)
        logit = self.decoder(self.latent(output).view(-1, self.ninp))
        prior = torch.softmax(self.prior(output).view(-1, self.n_experts), -1)
        prob = torch.softmax(logit, -1).view(-1, self.n_experts, SYMBOLS)
        return (prob * prior.unsqueeze(2)).sum(1).unsqueeze(0)


def _mos(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {
        "input.embedding.weight": theirs["encoder.weight"],
        "head.prior.weight": theirs["prior.weight"],
        "head.bias": theirs["decoder.bias"],
        **linear(theirs, "latent.0", "head.latent"),
    }
    for layer in range(3):
        ours |= of_torch(theirs, f"rnns.{layer}", f"layers.{layer}.cell")
    return ours


SIZES: Final = {"input.vocabulary": SYMBOLS, "input.size": 4, "head.components": 2}
MOS: Final = Case(
    theirs=lambda: MixtureOfSoftmaxes(4, 5, 3, 2),
    ours=_mos,
    changes=SIZES | {f"layers.{layer}.hidden_size": size for layer, size in enumerate((5, 5, 3))},
    mistakes={
        "the last layer backwards": {"layers.2.reverse": True},
        "the sum of a layer and its input": {"layers.1.residual": True},
    },
    after=torch.exp,
    spread=1.5,
)


class InferSent(nn.Module):
    """facebookresearch/InferSent (14b7ebb), models.py, `InferSent` with the pool max, of one sentence."""

    def __init__(self, word_emb_dim: int, enc_lstm_dim: int) -> None:
        super().__init__()
        self.enc_lstm = nn.LSTM(word_emb_dim, enc_lstm_dim, 1, bidirectional=True)

    def forward(self, sent: Tensor) -> Tensor:
        found: Tensor = torch.max(self.enc_lstm(sent.transpose(0, 1))[0], 0)[0]
        return found


def _infersent(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = of_torch(theirs, "enc_lstm", "layers.0.cell")
    return ours | of_torch(theirs, "enc_lstm", "layers.0.reverse_cell", suffix="_reverse")


INFERSENT: Final = Case(
    theirs=lambda: InferSent(4, 5),
    ours=_infersent,
    changes={"input": 4, "hidden_size": 5},
    mistakes={f"the {pool} of all steps": {"head.pool": pool} for pool in ("mean", "last")},
)


class VoiceEncoder(nn.Module):
    """resemble-ai/Resemblyzer (0fe931f), resemblyzer/voice_encoder.py, `forward`."""

    def __init__(self, channels: int, size: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(channels, size, 3, batch_first=True)
        self.linear = nn.Linear(size, size)

    def forward(self, mels: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(mels)
        embeds_raw = torch.relu(self.linear(hidden[-1]))
        return embeds_raw / torch.norm(embeds_raw, dim=1, keepdim=True)


def _resemblyzer(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = linear(theirs, "linear", "head.linear")
    for layer in range(3):
        ours |= of_torch(theirs, "lstm", f"layers.{layer}.cell", layer)
    return ours


RESEMBLYZER: Final = Case(
    theirs=lambda: VoiceEncoder(4, 5),
    ours=_resemblyzer,
    changes={"input": 4, "hidden_size": 5, "head.size": 5},
    mistakes={"no relu": {"head.activation": "none"}, "the mean of all steps": {"head.pool": "mean"}},
    spread=0.7,
)


class MdnRnn(nn.Module):
    """hardmaru/WorldModelsExperiments (19c0d59), carracing/rnn/rnn.py, `build_model` without layer norm and dropout.

    For each latent number it gives the logarithms of its mixture's weights, the means and the logarithms of deviations.
    """

    def __init__(self, inputs: int, size: int, numbers: int, mixtures: int) -> None:
        super().__init__()
        self.cell = BasicLSTM(inputs, size, 1)
        self.output_w = nn.Parameter(torch.empty(size, numbers * mixtures * 3))
        self.output_b = nn.Parameter(torch.empty(numbers * mixtures * 3))
        self.mixtures = mixtures

    def forward(self, x: Tensor) -> Tensor:
        output = self.cell(x) @ self.output_w + self.output_b
        logmix, mean, logstd = output.view(-1, self.mixtures * 3).chunk(3, 1)
        logmix = logmix - torch.logsumexp(logmix, 1, keepdim=True)
        return torch.cat([logmix, mean, logstd], 1).view(1, x.shape[1], -1)


def of_mixtures(y: Tensor) -> Tensor:
    """The same of the numbers of our head, for two components."""
    logmix, mean, logstd = y.reshape(*y.shape[:2], -1, 3, 2).unbind(-2)
    return torch.cat([torch.log_softmax(logmix, -1), mean, logstd], -1).flatten(2)


def _world_model(theirs: Theirs) -> Mapping[str, Tensor]:
    ours = {"head.linear.weight": theirs["output_w"].T, "head.linear.bias": theirs["output_b"]}
    return ours | under_one(theirs, "cell.kernel.0", "cell.bias.0", 5, "igfo", "layers.0.cell", 1.0)


SMALL: Final[dict[str, Any]] = {"input": 5, "hidden_size": 5, "head.components": 2, "head.size": 3}
WORLD_MODEL: Final = Case(
    theirs=lambda: MdnRnn(5, 5, 3, 2),
    ours=_world_model,
    changes=SMALL,
    mistakes={
        "time backwards": {"layers": [{"reverse": True}]},
        "the sum of the layer and its input": {"residual": True},
    },
    after=of_mixtures,
)

CASES: Final = {
    "infersent": INFERSENT,
    "mos": MOS,
    "mos@wikitext-2": MOS,
    "resemblyzer": RESEMBLYZER,
    "world-model": WORLD_MODEL,
}
