"""Examples of Keras, run by Keras itself, and how its weights become ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import torch
from of_others import OfKeras, keras_on_torch
from proving import SYMBOLS, Case, Theirs
from torch import Tensor

RUNTIME: Final[dict[str, Any]] = {"dtype": torch.float32, "allowed": 1e-5}
TOKENS: Final = {"input.vocabulary": SYMBOLS, "input.size": 3}
POOLED: Final = {f"the {pool} of all steps": {"head.pool": pool} for pool in ("mean", "max")}


def _lstm(theirs: Theirs, place: int, ours: str) -> dict[str, Tensor]:
    """Keras has an LSTM's gates in the order i, f, g (c), o, as we have, and its matrices turned."""
    matrices = {f"{ours}.cell.weight_{name}": theirs[f"w{place}_{index}"].T for index, name in enumerate(("ih", "hh"))}
    return {**matrices, f"{ours}.cell.bias": theirs[f"w{place}_2"]}


def _dense(theirs: Theirs, place: int) -> dict[str, Tensor]:
    return {"head.linear.weight": theirs[f"w{place}_0"].T, "head.linear.bias": theirs[f"w{place}_1"]}


def imdb_lstm() -> OfKeras:
    """keras-team/keras (023331e), examples/imdb_lstm.py, the lines under "Build model"."""
    layers = keras_on_torch().layers
    return OfKeras([layers.Embedding(SYMBOLS, 3), layers.LSTM(5), layers.Dense(1, activation="sigmoid")])


def _imdb_lstm(theirs: Theirs) -> Mapping[str, Tensor]:
    return {"input.embedding.weight": theirs["w0_0"], **_lstm(theirs, 1, "layers.0"), **_dense(theirs, 2)}


def imdb_cnn_lstm() -> OfKeras:
    """keras-team/keras (0681160), examples/imdb_cnn_lstm.py, the lines under "Build model"."""
    layers = keras_on_torch().layers
    return OfKeras(
        [
            layers.Embedding(SYMBOLS, 3),
            layers.Dropout(0.25),
            layers.Conv1D(4, 5, padding="valid", activation="relu", strides=1),
            layers.MaxPooling1D(pool_size=4),
            layers.LSTM(5),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def _imdb_cnn_lstm(theirs: Theirs) -> Mapping[str, Tensor]:
    """A kernel of Keras is (window, inputs, outputs)."""
    ours = {"input.embedding.weight": theirs["w0_0"], **_lstm(theirs, 4, "layers.3"), **_dense(theirs, 5)}
    ours["layers.1.conv.weight"] = theirs["w2_0"].permute(2, 1, 0)
    return ours | {"layers.1.conv.bias": theirs["w2_1"]}


def nietzsche() -> OfKeras:
    """keras-team/keras (16c9a0a), examples/keras_io/tensorflow/generative/lstm_character_level_text_generation.py."""
    layers = keras_on_torch().layers
    return OfKeras([layers.LSTM(5), layers.Dense(SYMBOLS, activation="softmax")], SYMBOLS)


def weather() -> OfKeras:
    """keras-team/keras-io (0a57de4), examples/timeseries/timeseries_weather_forecasting.py, under "Training"."""
    layers = keras_on_torch().layers
    return OfKeras([layers.LSTM(5), layers.Dense(1)], 7)


def _plain(theirs: Theirs) -> Mapping[str, Tensor]:
    return {**_lstm(theirs, 0, "layers.0"), **_dense(theirs, 1)}


CASES: Final = {
    "imdb-cnn-lstm": Case(
        theirs=imdb_cnn_lstm,
        ours=_imdb_cnn_lstm,
        changes=TOKENS | {"layers.1.channels": 4, "hidden_size": 5},
        mistakes={
            "no relu": {"layers.1.activation": "none"},
            "a window that moves by one step": {"layers.2.stride": [1]},
            "a window of three steps": {"layers.2.size": [3]},
            **POOLED,
        },
        after=torch.sigmoid,
        lengths=(17, 11, 8, 12),
        **RUNTIME,
    ),
    "imdb-lstm": Case(
        theirs=imdb_lstm,
        ours=_imdb_lstm,
        changes=TOKENS | {"hidden_size": 5},
        mistakes=POOLED,
        after=torch.sigmoid,
        **RUNTIME,
    ),
    "nietzsche-lstm": Case(
        theirs=nietzsche,
        ours=_plain,
        changes={"input.vocabulary": SYMBOLS, "head.size": SYMBOLS, "hidden_size": 5},
        mistakes=POOLED,
        after=lambda y: torch.softmax(y, -1),
        **RUNTIME,
    ),
    "weather-lstm": Case(
        theirs=weather,
        ours=_plain,
        changes={"hidden_size": 5},
        mistakes=POOLED,
        **RUNTIME,
    ),
}
