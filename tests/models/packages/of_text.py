"""Models of words, characters, pictures of them, and series, by the packages that have them."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any, Final
from unittest.mock import patch

import of_convolved
import of_light
import of_others
import of_sentences
import torch
from borrowed import bare
from proving import SYMBOLS
from torch import Tensor, nn

from packages.held import Held, of


def ocr() -> nn.Module:
    with bare("easyocr", "easyocr.model", without=dict.fromkeys(("torchvision", "torchvision.models"))):
        found: nn.Module = import_module("easyocr.model.vgg_model").Model(1, 16, 5, SYMBOLS)
    return found


OCR_WIDTHS: Final = (2, 4, 8, 8, 16, 16, 16)
OCR: Final = (
    *(
        (rf"^FeatureExtraction\.ConvNet\.{place}\.", f"convs.{number}.")
        for number, place in enumerate((0, 3, 6, 8, 11, 14, 18))
    ),
    (r"^FeatureExtraction\.ConvNet\.12\.", "norms.4."),
    (r"^FeatureExtraction\.ConvNet\.15\.", "norms.5."),
    (r"^SequenceModeling\.(\d)\.rnn\.", r"rnns.\1."),
    (r"^SequenceModeling\.(\d)\.linear\.", r"linears.\1."),
    (r"^Prediction\.", "prediction."),
)


def flair_lm() -> nn.Module:
    with bare("flair", "flair.models", "flair.nn", without={"flair.data": None}):
        sys.modules["flair"].device = torch.device("cpu")  # type: ignore[attr-defined]
        model = import_module("flair.models.language_model").LanguageModel
        found: nn.Module = model(range(SYMBOLS), True, hidden_size=5, nlayers=1, embedding_size=5)
    return found


def flair_scores(model: Any, x: Tensor) -> Tensor:
    decoded: Tensor = model(x.T, model.init_hidden(1))[0]
    return torch.log_softmax(decoded, 2).transpose(0, 1)


class BaseModel(nn.Module):
    """Of neuralforecast's, which trains by pytorch-lightning, what the model reads: no other series beside the one."""

    def __init__(self, h: int, loss: Any, **_: Any) -> None:
        super().__init__()
        self.h, self.loss = h, loss
        self.hist_exog_size = self.futr_exog_size = self.stat_exog_size = 0


class StudentT:
    """Of its loss, how many numbers the distribution has."""

    outputsize_multiplier = 3

    def __init__(self, **_: Any) -> None: ...


def deepar() -> nn.Module:
    trained, losses = ModuleType("_base_model"), ModuleType("pytorch")
    trained.BaseModel = BaseModel  # type: ignore[attr-defined]
    losses.MAE = losses.DistributionLoss = StudentT  # type: ignore[attr-defined]
    instead = {"neuralforecast.common._base_model": trained, "neuralforecast.losses.pytorch": losses}
    with bare(
        "neuralforecast", "neuralforecast.models", "neuralforecast.common", "neuralforecast.losses", without=instead
    ):
        model = import_module("neuralforecast.models.deepar").DeepAR
        found: nn.Module = model(h=1, lstm_hidden_size=5)
    return found


def parameters(model: Any, x: Tensor) -> Tensor:
    model.h = x.shape[1]
    found: Tensor = model({"insample_y": x, "hist_exog": None, "futr_exog": None, "stat_exog": None})
    return found


def min_lm(use_lstm: bool) -> nn.Module:
    from minGRU_pytorch.minLM import minLM

    found: nn.Module = minLM(num_tokens=SYMBOLS, dim=5, depth=2, ff_mult=1.4, expansion=1.2, use_lstm=use_lstm)
    return found


MIN_LM: Final = (
    (r"^layers\.(\d)\.1\.", r"norms.\1."),
    (r"^layers\.(\d)\.2\.to_out\.", r"units.\1.to_out."),
    (r"^layers\.(\d)\.2\.to_hidden\w+\.", r"units.\1.to_gates."),
    (r"^layers\.(\d)\.3\.", r"ff_norms.\1."),
    (r"^layers\.(\d)\.4\.", r"ffs.\1."),
)
"""In float32, whose precision its norms then add, as everywhere where it is run."""


def sru_lm(tied: bool) -> nn.Module:
    """Its layers, between a table and a linear map, which its language models have outside the package."""
    import warnings

    with (
        patch("torch.utils.cpp_extension.load"),
        patch("torch.jit.script", lambda function: function),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        from sru import SRU

        rnn = SRU(5 if tied else 4, 5, 2, highway_bias=-3.0, rescale=not tied, v1=tied)
    for cell in rnn.rnn_lst:  # constants, which it rounds to float32
        del cell._buffers["scale_x"]
        cell.scale_x = torch.tensor([1.0 if tied else (1 + 2 * torch.tensor(-3.0).double().exp()) ** 0.5]).double()
        if tied:
            del cell._parameters["weight_c"]
            cell.weight_c = torch.zeros(10).double()
    made = of_light.SruLm([5, 5, 5] if tied else [4, 5, 5], tied)
    made.rnn_lst = rnn
    return made


def sru_scores(model: Any, x: Tensor) -> Tensor:
    import warnings

    with torch.enable_grad(), warnings.catch_warnings():  # without gradients it would run what was not compiled
        warnings.simplefilter("ignore")
        y, _ = model.rnn_lst(model.embedding_layer(x).transpose(0, 1))
    found: Tensor = model.output_layer(y.detach().transpose(0, 1))
    return found


EXACT: Final[dict[str, Any]] = {"dtype": torch.float32, "allowed": 1e-5}
HELD: Final = (
    Held(
        "easyocr",
        "easyocr",
        "model.vgg_model.Model",
        of(
            of_convolved.EASYOCR,
            ocr,
            lambda model, x: model(x.permute(0, 2, 3, 1), None),
            *OCR,
            changes=of_convolved._images(OCR_WIDTHS, 13) | {"layers.14.output_projection": 5},
            spread=0.3,  # gates of so wide an input would be open or shut whatever it is
        ),
    ),
    Held(
        "flair",
        "flair",
        "models.LanguageModel",
        of(
            of_sentences.ONE_LSTM,
            flair_lm,
            flair_scores,
            changes={**of_sentences.ONE_LSTM.changes, "head.size": SYMBOLS},
        ),
    ),
    Held("deepar", "neuralforecast", "models.DeepAR", of(of_others.DEEPAR, deepar, parameters, (r"\.layers\.0", ""))),
    *(
        Held(
            name,
            "minGRU-pytorch",
            "minLM",
            of(of_light.CASES[name], lambda lstm=lstm: min_lm(lstm), nn.Module.__call__, *MIN_LM, **EXACT),
        )
        for name, lstm in (("mingru-lm", False), ("mingru-lm@minlstm", True))
    ),
    *(
        Held(
            name,
            "sru",
            "SRU, its layers",
            of(case, lambda tied=case is of_light.SRU: sru_lm(tied), sru_scores, (r"rnn_lst\.rnn_lst", "rnn_lst")),
        )
        for name, case in of_light.CASES.items()
        if name.startswith("sru")
    ),
)
