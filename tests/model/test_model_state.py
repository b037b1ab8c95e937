"""`zoo.State`: immutable, chosen by rows, moved, cut off, saved, and a pytree."""

from __future__ import annotations

import io
import pickle
from typing import Any

import pytest
import torch
from each import each
from model_support import build, close, features
from torch.utils import _pytree as pytree

import zoo


def state() -> zoo.State:
    return zoo.State(
        {
            "layers.0.h": torch.arange(12, dtype=torch.float64).view(3, 4),
            "layers.0.age": torch.tensor([5, 6, 7]),
        }
    )


def equal(one: zoo.State, other: zoo.State) -> bool:
    return list(one) == list(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_it_is_a_mapping_that_nobody_can_change() -> None:
    tensors = {"a": torch.ones(2)}
    one = zoo.State(tensors)
    tensors["b"] = torch.ones(2)
    assert list(one) == ["a"]
    assert len(one) == 1
    with pytest.raises(TypeError):
        one["a"] = torch.zeros(2)  # type: ignore[index]
    with pytest.raises(TypeError):
        del one["a"]  # type: ignore[attr-defined]
    with pytest.raises(KeyError, match="'c'"):
        one["c"]


def test_only_names_are_in_it() -> None:
    one = state()
    assert "layers.0.h" in one
    assert "layers.1.h" not in one
    others: list[Any] = [0, None]
    assert not any(other in one for other in others)
    assert repr(one) == "State(layers.0.h: (3, 4), layers.0.age: (3,))"


@each(
    ("key", "rows"),
    [
        (0, [0]),
        (2, [2]),
        (-1, [2]),
        (-3, [0]),
        (torch.tensor(1), [1]),
        (slice(1, None), [1, 2]),
        (slice(None, None, 2), [0, 2]),
        ([2, 0], [2, 0]),
        (torch.tensor([1, 1]), [1, 1]),
        (torch.tensor([True, False, True]), [0, 2]),
        ([], []),
    ],
)
def test_rows_keep_their_axis(key: Any, rows: list[int]) -> None:
    chosen = state()[key]
    assert isinstance(chosen, zoo.State)
    assert torch.equal(chosen["layers.0.h"], state()["layers.0.h"][torch.tensor(rows, dtype=torch.int64)])
    assert chosen["layers.0.age"].tolist() == [(5, 6, 7)[row] for row in rows]


@pytest.mark.parametrize("row", [3, -4, 100])
def test_a_row_that_there_is_not_is_an_error(row: int) -> None:
    with pytest.raises(zoo.InputError) as caught:
        state()[row]
    assert str(caught.value) == f"this state has 3 sequences: there is no sequence {row}"


@each("key", [None, True, 1.5, (0, 1), ..., torch.zeros(2, 2, dtype=torch.int64), torch.tensor(True)])
def test_what_chooses_no_rows_is_an_error(key: Any) -> None:
    with pytest.raises(zoo.InputError, match=r"^a state is indexed by a name, or by sequences"):
        state()[key]


def test_rows_of_a_state_go_on_as_those_rows() -> None:
    model = build(layers=[{"cell": "lstm", "hidden_size": 4}, {"cell": "rnn", "hidden_size": 5}])
    x = features()
    _, middle = model(x[:, :3])
    assert list(middle) == ["layers.0.h", "layers.0.c", "layers.1.h"]
    whole = model(x[:, 3:], middle)[0]
    close(model(x[2:, 3:], middle[2:])[0], whole[2:])
    close(model(x[1:2, 3:], middle[1])[0], whole[1:2])


def test_to_detach_and_clone() -> None:
    weight = torch.ones(3, 4, dtype=torch.float64, requires_grad=True)
    one = zoo.State({"h": weight * 2})
    assert one["h"].requires_grad
    cut = one.detach()
    assert not cut["h"].requires_grad
    assert cut["h"].data_ptr() == one["h"].data_ptr()
    assert one.clone()["h"].data_ptr() != one["h"].data_ptr()
    assert one.clone()["h"].requires_grad
    assert one.to("meta")["h"].device.type == "meta"
    with pytest.raises(zoo.InputError, match=r"goes to a device, not to torch\.float32"):
        state().to(torch.float32)  # type: ignore[arg-type]


def test_pickle_and_torch_save_keep_it() -> None:
    one = state()
    assert equal(pickle.loads(pickle.dumps(one)), one)
    buffer = io.BytesIO()
    torch.save(one, buffer)
    buffer.seek(0)
    loaded = torch.load(buffer, weights_only=True)
    assert isinstance(loaded, zoo.State)
    assert equal(loaded, one)


def test_it_is_a_pytree() -> None:
    one = state()
    leaves, tree = pytree.tree_flatten(one)
    assert [tuple(leaf.shape) for leaf in leaves] == [(3, 4), (3,)]
    assert equal(pytree.tree_unflatten(leaves, tree), one)
    doubled = pytree.tree_map(lambda t: t * 2, {"s": one})["s"]
    assert isinstance(doubled, zoo.State)
    assert doubled["layers.0.age"].tolist() == [10, 12, 14]
    paths = [pytree.keystr(path) for path, _ in pytree.tree_flatten_with_path(one)[0]]
    assert paths == ["['layers.0.h']", "['layers.0.age']"]
