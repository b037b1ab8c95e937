"""Layers of Keras that do more than others can, and models of Keras out of files: what Keras itself computes comes out, or nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import cases
import numpy as np
import pytest
import torch
from each import each

import zoo
from zoo.errors import ZooError
from zoo.translation import files
from zoo.translation.convert import convert


@pytest.fixture(scope="module")
def keras() -> Any:
    """On torch, and without the file of settings that its import leaves in a home."""
    with TemporaryDirectory() as home, patch.dict(os.environ, {"KERAS_BACKEND": "torch", "KERAS_HOME": home}):
        import keras
    return keras


def drawn(model: Any) -> Any:
    rng = np.random.default_rng(4)
    model.set_weights([rng.standard_normal(value.shape) * 0.5 for value in model.get_weights()])
    return model


def stack(keras: Any, *layers: Any) -> Any:
    return drawn(keras.Sequential([keras.Input((6, 4)), *layers]))


def run(layers: Any) -> torch.Tensor:
    """What Keras's own layers give, one after the other."""
    x = cases.inputs().float()
    with torch.no_grad():
        for layer in layers:
            x = layer(x)
    return x


def agrees(made: Any, expected: torch.Tensor) -> None:
    with torch.no_grad():
        torch.testing.assert_close(made(cases.inputs().float())[0], expected, rtol=0, atol=2e-6)


def both(keras: Any, one: Any, other: Any, **options: Any) -> Any:
    layer = keras.layers.Bidirectional(one, backward_layer=other, **options)
    layer.build((2, 6, 4))
    return drawn(layer)


SAME: dict[str, Any] = {"return_sequences": True}
BACK: dict[str, Any] = {"return_sequences": True, "go_backwards": True}
DIFFERENT: dict[str, tuple[Callable[[Any], Any], str]] = {
    "class": (lambda L: (L.LSTM(5, **SAME), L.GRU(5, **BACK)), "around a LSTM and, as backward_layer, a GRU"),
    "units": (lambda L: (L.LSTM(5, **SAME), L.LSTM(6, **BACK)), "backward_layer has units=6, not 5"),
    "activation": (lambda L: (L.SimpleRNN(5, **SAME), L.SimpleRNN(5, activation="relu", **BACK)), "has activation='relu', not 'tanh'"),
    "gates": (lambda L: (L.GRU(5, **SAME), L.GRU(5, recurrent_activation="hard_sigmoid", **BACK)), "has recurrent_activation='hard_sigmoid', not 'sigmoid'"),
    "bias": (lambda L: (L.LSTM(5, **SAME), L.LSTM(5, use_bias=False, **BACK)), "has use_bias=False, not True"),
    "reset": (lambda L: (L.GRU(5, use_bias=False, **SAME), L.GRU(5, use_bias=False, reset_after=False, **BACK)), "has reset_after=False, not True"),
    "turned": (lambda L: (L.LSTM(5, **BACK), L.LSTM(5, **SAME)), "whose first layer has go_backwards=True"),
}  # fmt: skip


@each("what", DIFFERENT)
def test_two_directions_that_differ_are_refused(keras: Any, what: str) -> None:
    make, message = DIFFERENT[what]
    with pytest.raises(ZooError) as caught:
        zoo.convert(both(keras, *make(keras.layers)), "zoo")
    assert message in str(caught.value)


@pytest.mark.parametrize("mode", ["concat", "sum", "ave", "mul"])
def test_a_backward_layer_of_the_same_options_is_right(keras: Any, mode: str) -> None:
    one, other = keras.layers.GRU(5, dropout=0.1, **SAME), keras.layers.GRU(5, recurrent_dropout=0.2, **BACK)
    layer = both(keras, one, other, merge_mode=mode)
    agrees(zoo.convert(layer, "zoo"), run([layer]))


@pytest.mark.parametrize("options", [{}, {"return_sequences": True, "return_state": True}, {"unroll": True}], ids=str)
def test_options_that_change_no_weights(keras: Any, options: dict[str, Any]) -> None:
    layer = keras.layers.LSTM(5, unit_forget_bias=False, zero_output_for_mask=True, **options)
    layer.build((2, 6, 4))
    whole = keras.layers.LSTM(5, return_sequences=True)
    whole.build((2, 6, 4))
    drawn(layer), whole.set_weights(layer.get_weights())
    agrees(zoo.convert(layer, "zoo"), run([whole]))


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "stateful": (lambda L: L.LSTM(5, stateful=True), "Keras's LSTM with stateful=True: no other library does that"),
    "softsign": (lambda L: L.SimpleRNN(5, activation="softsign"), "Keras's activations 'softsign' and 'sigmoid'"),
    "function": (lambda L: L.SimpleRNN(5, activation=lambda x: 0.5 * x), "has a function of its own as activation"),
    "two outputs": (lambda L: L.Bidirectional(L.GRU(5), merge_mode=None), "merge_mode=None gives two outputs"),
    "cells": (lambda L: L.RNN(L.LSTMCell(5)), "Keras's RNN is not one of SimpleRNN, LSTM, GRU"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_only_keras_does_is_refused(keras: Any, what: str) -> None:
    make, message = REFUSED[what]
    layer = make(keras.layers)
    layer.build((2, 6, 4))
    with pytest.raises(ZooError) as caught:
        zoo.convert(layer, "zoo")
    assert message in str(caught.value)


def test_a_class_of_one_s_own_is_not_keras_s(keras: Any) -> None:
    class LSTM(keras.layers.LSTM):
        def call(self, *given: Any, **keys: Any) -> Any:
            return 2 * super().call(*given, **keys)

    layer = LSTM(5, return_sequences=True)
    layer.build((2, 6, 4))
    with pytest.raises(ZooError, match=r"LSTM is not one of Keras's own layers, and may compute anything"):
        zoo.convert(layer, "zoo")


def test_the_proof_runs_keras(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration that is read wrongly does not get out: Keras itself says so."""
    from zoo.translation import keras_config

    layer = keras.layers.GRU(5, recurrent_activation="hard_sigmoid", return_sequences=True)
    layer.build((2, 6, 4))
    monkeypatch.setattr(keras_config, "_SAYS", ("units", "use_bias", "activation", "reset_after", "go_backwards"))
    monkeypatch.setattr(keras_config, "SILENT", {*keras_config.SILENT, "recurrent_activation"})
    with pytest.raises(ZooError, match=r"the translation to zoo gives outputs that differ by .* bound 1e-04"):
        zoo.convert(drawn(layer), "zoo")


def test_the_layer_is_left_as_it_is(keras: Any) -> None:
    layer = keras.layers.LSTM(5)
    layer.build((2, 6, 4))
    before = [value.copy() for value in drawn(layer).get_weights()]
    zoo.convert(layer, "torch")
    assert all(np.array_equal(a, b) for a, b in zip(before, layer.get_weights(), strict=True))
    assert not layer.return_sequences


ENDINGS = ("keras", "h5")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_model_in_a_file(keras: Any, ending: str, tmp_path: Path) -> None:
    layers = keras.layers
    first, second = (
        layers.LSTM(5, **SAME),
        layers.Bidirectional(layers.GRU(3, reset_after=False, **SAME), merge_mode="sum"),
    )
    model = stack(keras, first, layers.Dropout(0.5), second, layers.Dense(2))
    model.save(tmp_path / f"a.{ending}")
    done = convert(files.load(tmp_path / f"a.{ending}"), "zoo")
    agrees(done.made, run([first, second]))
    assert done.notes == (f"{tmp_path / f'a.{ending}'}: converted: {first.name}, {second.name}; left out: Dense",)


@pytest.mark.parametrize("ending", ENDINGS)
def test_names_and_not_places_say_which_layer_it_is(keras: Any, ending: str, tmp_path: Path) -> None:
    layers = keras.layers
    inner = keras.Sequential([keras.Input((6, 4)), layers.GRU(4, name="b", **SAME)])
    one, other = layers.GRU(4, name="z", **SAME), layers.GRU(4, name="a", **SAME)
    model = stack(keras, one, layers.Dense(4), inner, layers.Dense(4), other)
    model.save(tmp_path / f"a.{ending}")
    with pytest.raises(
        ZooError,
        match=r"holds 3 recurrent layers that do not form one sequential chain: z, b, a; choose one with --prefix",
    ):
        files.load(tmp_path / f"a.{ending}")
    with pytest.raises(ZooError, match=r"has no recurrent layer .c.: there are z, b, a"):
        files.load(tmp_path / f"a.{ending}", prefix="c")
    for layer in (one, other) if ending == "h5" else (one, inner.layers[-1], other):
        made = convert(files.load(tmp_path / f"a.{ending}", prefix=layer.name), "zoo").made
        agrees(made, run([layer]))


def test_weights_alone_do_not_say_what_they_are(keras: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.weights.h5"
    layer = keras.layers.SimpleRNN(5, activation="relu", **SAME)
    stack(keras, layer, keras.layers.Dense(1)).save_weights(file)
    with pytest.raises(
        ZooError, match=r"holds the weights of a SimpleRNN without its options: save the whole model as .ker"
    ):
        files.load(file)
    agrees(convert(files.load(file, nonlinearity="relu"), "zoo").made, run([layer]))
    both = keras.layers.Bidirectional(keras.layers.LSTM(5))
    stack(keras, both).save_weights(file)
    with pytest.raises(
        ZooError, match="holds the weights of a Bidirectional without its options: save the whole model"
    ):
        files.load(file, nonlinearity="tanh")
    stack(keras, keras.layers.GRU(5, use_bias=False)).save_weights(file)
    with pytest.raises(ZooError, match="holds the weights of a GRU that do not say reset_after: save the whole model"):
        files.load(file, nonlinearity="tanh")
    lstm = keras.layers.LSTM(5, **SAME)
    stack(keras, lstm).save_weights(file)
    agrees(convert(files.load(file, nonlinearity="tanh"), "zoo").made, run([lstm]))


def test_a_model_whose_layers_are_not_listed(keras: Any, tmp_path: Path) -> None:
    inputs = keras.Input((6, 4))
    model = keras.Model(inputs, keras.layers.Dense(1)(keras.layers.Dense(2)(inputs)))
    model.save(tmp_path / "a.keras")
    with pytest.raises(
        ZooError, match="has no layer SimpleRNN, LSTM, GRU, or Bidirectional around one, but Dense, InputLay"
    ):
        files.load(tmp_path / "a.keras")
