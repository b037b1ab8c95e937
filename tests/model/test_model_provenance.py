"""Saved weights say which versions built the model, and loading them warns where those of plugins differ."""

from __future__ import annotations

import copy
import io
import pickle
import re
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

import author_acme
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

import zoo
from zoo.plugin.manager import given, isolated, using

PLUGIN = {"schema": 1, "name": "mine", "input": 3, "cell": "decay", "hidden_size": 4}
OWN = {**PLUGIN, "cell": "gru"}


@contextmanager
def installed(number: str, distribution: str = "zoo-acme") -> Iterator[None]:
    with using(isolated(given(author_acme, distribution=distribution, version=number))):
        yield


def model(number: str, spec: Any = PLUGIN, distribution: str = "zoo-acme") -> zoo.Model:
    with installed(number, distribution):
        return zoo.build(spec, seed=0)


def said(into: nn.Module, weights: Any) -> list[str]:
    """What loading warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        into.load_state_dict(weights)
    assert all(one.category is zoo.ProvenanceWarning for one in caught)
    return [str(one.message) for one in caught]


def test_the_record_stands_beside_the_tensors_and_adds_no_key() -> None:
    weights = model("0.1").state_dict()
    assert weights._metadata[""]["zoo"] == {
        "spec": "mine",
        "distributions": {"recurrent-zoo": version("recurrent-zoo"), "zoo-acme": "0.1"},
    }
    assert list(weights) == ["layers.0.cell.weight"]
    assert all(isinstance(value, torch.Tensor) for value in weights.values())


def test_another_version_is_one_warning_that_says_how_to_get_the_same() -> None:
    weights = model("0.1").state_dict()
    assert said(model("0.1"), weights) == []
    assert said(model("0.2"), weights) == [
        "these weights were saved with zoo-acme 0.1, and are loaded into a model with zoo-acme 0.2; "
        "for the same numbers: pip install 'zoo-acme==0.1'"
    ]


def test_the_warning_points_at_the_line_that_loads() -> None:
    weights = model("0.1").state_dict()
    with pytest.warns(zoo.ProvenanceWarning, match=re.escape("zoo-acme 0.1")) as caught:
        model("0.2").load_state_dict(weights)
    assert caught[0].filename == __file__


def test_another_plugin_or_none_is_told_too() -> None:
    weights = model("0.1").state_dict()
    assert said(model("0.1", distribution="zoo-other"), weights) == [
        "these weights were saved with zoo-acme 0.1, no zoo-other, and are loaded into a model with no zoo-acme, "
        "zoo-other 0.1; for the same numbers: pip install 'zoo-acme==0.1'"
    ]
    own = zoo.build(OWN)
    with (
        pytest.raises(RuntimeError, match="Missing key"),
        pytest.warns(zoo.ProvenanceWarning, match="with no zoo-acme"),
    ):
        own.load_state_dict(weights)


def test_a_later_release_of_this_package_says_nothing() -> None:
    own = zoo.build(OWN)
    weights = own.state_dict()
    weights._metadata[""]["zoo"]["distributions"]["recurrent-zoo"] = "0.0.1"
    assert said(own, weights) == []


@pytest.mark.parametrize("damaged", [None, 3, {}, {"distributions": 3}, {"distributions": None}])
def test_weights_with_no_record_or_a_strange_one_load_silently(damaged: Any) -> None:
    weights = model("0.1").state_dict()
    weights._metadata[""]["zoo"] = damaged
    assert said(model("0.2"), weights) == []
    assert said(model("0.2"), dict(weights)) == []


def through_torch(weights: Any) -> Any:
    file = io.BytesIO()
    torch.save(weights, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize(
    "way",
    [through_torch, lambda weights: pickle.loads(pickle.dumps(weights)), copy.deepcopy, copy.copy, OrderedDict.copy],
    ids=["torch.save", "pickle", "deepcopy", "copy", "dict.copy"],
)
def test_the_record_goes_along(way: Callable[[Any], Any]) -> None:
    weights = way(model("0.1").state_dict())
    assert len(said(model("0.2"), weights)) == (0 if way is OrderedDict.copy else 1)


def test_a_model_inside_another_module_has_its_own_record() -> None:
    def outer(number: str) -> nn.Module:
        return nn.ModuleDict({"a": model(number), "b": zoo.build(OWN)})

    weights = outer("0.1").state_dict()
    assert weights._metadata["a"]["zoo"]["distributions"]["zoo-acme"] == "0.1"
    assert list(weights._metadata["b"]["zoo"]["distributions"]) == ["recurrent-zoo"]
    assert said(outer("0.1"), weights) == []
    assert len(said(outer("0.2"), weights)) == 1


def without_prefix(weights: Any) -> Any:
    nn.modules.utils.consume_prefix_in_state_dict_if_present(weights, "module.")
    return weights


@pytest.mark.parametrize(
    ("wrap", "place"), [(torch.compile, "_orig_mod"), (AveragedModel, "module"), (nn.DataParallel, "module")]
)
def test_a_model_in_a_wrapper_keeps_its_record(wrap: Callable[[nn.Module], nn.Module], place: str) -> None:
    weights = wrap(model("0.1")).state_dict()
    assert weights._metadata[place]["zoo"]["distributions"]["zoo-acme"] == "0.1"
    assert said(wrap(model("0.1")), weights) == []
    (text,) = said(wrap(model("0.2")), weights)
    assert text.startswith("these weights were saved with zoo-acme 0.1, ")
    if place == "module" and wrap is not AveragedModel:  # which has a count beside the model
        assert said(model("0.2"), without_prefix(weights)) == [text]


def test_a_model_put_together_by_hand_has_no_record() -> None:
    built = model("0.1")
    by_hand = zoo.StackModel(built.input, built.layers)
    weights = by_hand.state_dict()
    assert list(weights) == ["layers.0.cell.weight"]
    assert "zoo" not in weights._metadata[""]
    assert said(by_hand, built.state_dict()) == []
    assert said(model("0.2"), weights) == []


def test_copies_of_a_model_keep_theirs() -> None:
    weights = model("0.1").state_dict()
    assert len(said(copy.deepcopy(model("0.2")), weights)) == 1
    assert said(pickle.loads(pickle.dumps(model("0.1"))), weights) == []
    with installed("0.1"):
        fresh = zoo.materialise(zoo.build(PLUGIN, device="meta"), "cpu")
    assert said(fresh, weights) == []


def test_a_given_dictionary_is_filled_as_ever() -> None:
    filled: dict[str, torch.Tensor] = {}
    model("0.1").state_dict(destination=filled)
    assert list(filled) == ["layers.0.cell.weight"]
