"""Models of speech and music, by the packages that have them, some with the weights that these packages bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any, Final

import numpy as np
import of_convolutions
import of_convolved
import of_heads
import of_speech
import torch
from borrowed import bare, folder, source
from proving import SYMBOLS, Case
from torch import Tensor, nn

from packages.held import Held, of


def deep_speech() -> nn.Module:
    found: nn.Module = source("torchaudio", "models/deepspeech.py").DeepSpeech(4, 6, 5)
    return found


def tacotron() -> nn.Module:
    """Its encoder, and a table in front, which its whole model has."""
    encoder = source("torchaudio", "models/tacotron2.py")._Encoder(6, 3, 5)
    return nn.ModuleDict({"embedding": nn.Embedding(SYMBOLS, 6), "encoder": encoder})


def encoded(model: Any, x: Tensor) -> Tensor:
    found: Tensor = model["encoder"](model["embedding"](x).transpose(1, 2), torch.tensor([x.shape[1]]))
    return found


def open_unmix() -> nn.Module:
    unused = dict.fromkeys(("openunmix.filtering", "openunmix.transforms"))
    with bare("openunmix", without=unused):
        found: nn.Module = import_module("openunmix.model").OpenUnmix(
            nb_bins=7, nb_channels=2, hidden_size=10, max_bin=5
        )
    return found


def mask(model: Any, x: Tensor) -> Tensor:
    """It cuts the spectrum itself, and multiplies it by the mask that we give."""
    mixture = torch.cat([x.view(1, -1, 2, 5), x.new_ones(1, x.shape[1], 2, 2)], 3)
    masked = model(mixture.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    return (masked / mixture).flatten(2)


def voice_encoder() -> nn.Module:
    """With its own weights, at its own size."""
    with bare("resemblyzer", without={"resemblyzer.audio": None}):
        where = folder("resemblyzer")
        assert where is not None
        encoder = import_module("resemblyzer.voice_encoder").VoiceEncoder
        found: nn.Module = encoder("cpu", verbose=False, weights_fpath=where / "pretrained.pt")
    return found


def beats(inputs: int, size: int, weights: str | None = None) -> nn.Module:
    with bare("BeatNet"):
        found: nn.Module = import_module("BeatNet.model").BDA(inputs, size, 2, "cpu")
    if weights is not None:
        where = folder("BeatNet")
        assert where is not None
        found.load_state_dict(torch.load(where / "models" / weights), strict=True)
    return found


def from_zero(model: Any, x: Tensor) -> Tensor:
    """It goes on from where its last call ended."""
    model.hidden = model.cell = x.new_zeros(2, 1, model.dim_hd)
    found: Tensor = model(x).transpose(1, 2)
    return found


class G2pM(of_speech.G2pM):
    """Scores as the package computes them, in NumPy; it shows those of one character of a sentence at a time.

    It takes the symbol 0 for the end of a sentence, so that every symbol is one more there.
    """

    @staticmethod
    def package() -> Any:
        with bare("g2pM"):
            return import_module("g2pM.g2pM").G2pM

    def variables(self) -> dict[str, Any]:
        held = {name: value.detach().numpy() for name, value in self.named_parameters()}
        found = {f"lstm.{name}": value for name, value in held.items() if "_l0" in name}
        found["embedding.weight"] = np.concatenate([np.zeros_like(held["embeddings"][:1]), held["embeddings"]])
        for layer in (0, 1):
            for part in ("weight", "bias"):
                found[f"logit_layer.{2 * layer}.{part}"] = held[f"fc.{layer}.{part}"]
        return found

    def forward(self, x: Tensor) -> Tensor:
        made = self.package().__new__(self.package())
        made.load_variable(self.variables())
        scores: list[Any] = []
        layer = made.fc_layer
        made.fc_layer = lambda inputs: scores.append(layer(inputs)) or scores[-1]
        made.predict(x.numpy().repeat(x.shape[1], 0) + 1, list(range(x.shape[1])))
        return torch.from_numpy(scores[0]).view(1, x.shape[1], -1)


def pronunciations() -> nn.Module:
    """With its own weights, at its own size."""
    its, made = G2pM.package()(), G2pM(64, 32, 32, 876)
    made.embeddings = nn.Parameter(torch.from_numpy(its.embeddings).double())
    with torch.no_grad():
        for suffix, there in (("", ""), ("_reverse", "_reverse")):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                made.get_parameter(f"{name}_l0{suffix}").copy_(torch.from_numpy(getattr(its, f"{name}{there}")))
        for layer in (0, 1):
            for part in ("weight", "bias"):
                value = torch.from_numpy(getattr(its, f"hidden_{part}_l{layer}"))
                made.get_parameter(f"fc.{layer}.{part}").copy_(value)
    return made


def whole(case: Case, mistakes: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """At the spec's own sizes, with the weights of the package."""
    return {"changes": {}, "trained": True, "mistakes": case.mistakes if mistakes is None else mistakes}


BEATNET: Final = of_convolutions.BEATNET
SMALL_BEATS: Final = {"input": 16, "hidden_size": 5}
HELD: Final = (
    Held(
        "deep-speech",
        "torchaudio",
        "models.DeepSpeech",
        of(of_speech.DEEP_SPEECH, deep_speech, lambda model, x: model(x.unsqueeze(1))),
    ),
    Held(
        "tacotron2-encoder",
        "torchaudio",
        "the encoder of models.Tacotron2",
        of(of_convolutions.TACOTRON, tacotron, encoded, (r"^encoder\.", "")),
    ),
    Held("open-unmix", "openunmix", "model.OpenUnmix", of(of_convolved.OPEN_UNMIX, open_unmix, mask)),
    Held(
        "resemblyzer",
        "Resemblyzer",
        "VoiceEncoder",
        of(of_heads.RESEMBLYZER, voice_encoder, nn.Module.__call__, **whole(of_heads.RESEMBLYZER)),
    ),
    Held(
        "beatnet",
        "BeatNet",
        "model.BDA",
        of(BEATNET, lambda: beats(16, 5), from_zero, changes=SMALL_BEATS),
    ),
    *(
        Held(
            "beatnet",
            "BeatNet",
            "model.BDA",
            of(
                BEATNET,
                lambda number=number: beats(272, 150, f"model_{number}_weights.pt"),
                from_zero,
                **whole(BEATNET),
            ),
        )
        for number in (1, 2, 3)
    ),
    Held("g2pm", "g2pM", "G2pM", replace(of_speech.G2PM, theirs=lambda: G2pM(3, 4, 5, 6))),
    Held(
        "g2pm",
        "g2pM",
        "G2pM",
        replace(of_speech.G2PM, theirs=pronunciations, **whole(of_speech.G2PM)),
    ),
)
