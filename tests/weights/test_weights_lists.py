"""Tensors in lists and tuples of a file of torch: by the number of each, as a saved list of layers has them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import zoo
from zoo.errors import ZooError
from zoo.weights.reading import read


def test_tensors_in_lists_have_their_number_for_a_name(tmp_path: Path) -> None:
    one, two = torch.randn(2, 3), torch.randn(4)
    torch.save([("linear", {"weight": one}, {"sizes": [2, 3]}), ("norm", [two, "relu"])], tmp_path / "a.pt")
    found = read(tmp_path / "a.pt").arrays
    assert list(found) == ["0.1.weight", "1.1.0"]
    assert (found["0.1.weight"].array == one.numpy()).all()
    assert (found["1.1.0"].array == two.numpy()).all()


def test_a_list_of_layers_is_loaded_by_a_map(tmp_path: Path) -> None:
    layers = [nn.GRU(3, 4), nn.GRU(4, 4)]
    torch.save([(layer.state_dict(), {"size": 4}) for layer in layers], tmp_path / "a.pt")
    model = zoo.build({"input": 3, "cell": "gru", "hidden_size": 4, "layers": 2})
    form = {"form": "torch", "module": "{i}.0", "layer": 0}
    zoo.load_weights(model, tmp_path / "a.pt", {"spec": "gru", "recurrent": {"layers.{i}": form}})
    x = torch.randn(5, 1, 3)
    expected = layers[1](layers[0](x)[0])[0]
    assert torch.equal(model(x.transpose(0, 1))[0], expected.transpose(0, 1))


def test_the_list_that_a_scripted_rnn_keeps_of_its_weights_is_not_read_twice(tmp_path: Path) -> None:
    torch.jit.script(nn.GRU(3, 4)).save(str(tmp_path / "a.jit"))
    assert set(read(tmp_path / "a.jit").arrays) == set(nn.GRU(3, 4).state_dict())


def test_a_list_without_tensors_is_no_checkpoint(tmp_path: Path) -> None:
    torch.save([1, 2.0, ("a", [3])], tmp_path / "a.pt")
    with pytest.raises(ZooError, match="holds no state dict"):
        read(tmp_path / "a.pt")
