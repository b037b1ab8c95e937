"""`zoo.save` and `zoo.load_model`: one file that holds everything, or one line that says why not."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from each import each
from safetensors import safe_open
from safetensors.torch import save_file

import zoo
from zoo.errors import ZooError
from zoo.spec.saved import ABOUT, SPEC
from zoo.testing import tiny

MODELS = ["lstm", "awd-lstm", "cells/s5", "cells/mclstm", "cells/convlstm", "elmo", "gnmt", "rnnt", "open-unmix"]
"""Sizes small: tied tables, buffers, complex numbers made of pairs, maps, three architectures, several stacks."""


def saved(model: Any, folder: Path) -> Path:
    path = folder / "model.safetensors"
    zoo.save(model, path, force=True)
    return path


@each("name", MODELS)
def test_what_was_saved_comes_back(name: str, tmp_path: Path) -> None:
    model = zoo.build(tiny(zoo.load(name)), seed=3)
    again = zoo.load_model(saved(model, tmp_path))
    assert again.spec == model.spec
    assert not again.training
    before, after = model.state_dict(), again.state_dict()
    assert list(before) == list(after)
    for key, one in before.items():
        assert torch.equal(one, after[key]), key
        assert one.dtype == after[key].dtype, key
    trained = [(name, one.requires_grad) for name, one in model.named_parameters()]
    assert [(name, one.requires_grad) for name, one in again.named_parameters()] == trained
    arguments = model.eval().example_arguments(2, max(6, model.minimum_steps))
    given, found = (one(**arguments) for one in (model, again))
    for one, other in zip(*map(torch.utils._pytree.tree_leaves, (given, found)), strict=True):
        assert torch.equal(one, other)


@each("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_each_tensor_keeps_its_dtype(dtype: torch.dtype, tmp_path: Path) -> None:
    """A model in half precision has buffers in float32 beside its weights."""
    model = zoo.build("lstm", seed=0, norm="batch", dtype=dtype)
    again = zoo.load_model(saved(model, tmp_path))
    assert {key: one.dtype for key, one in again.state_dict().items()} == {
        key: one.dtype for key, one in model.state_dict().items()
    }
    assert again.layers[0].cell.weight_ih.dtype == dtype


def test_a_tied_table_is_written_once_and_stays_one(tmp_path: Path) -> None:
    model = zoo.build(tiny(zoo.load("awd-lstm")), seed=0)
    path = saved(model, tmp_path)
    with safe_open(path, framework="np") as file:
        assert [name for name in file.keys() if "embedding" in name] == ["input.embedding.weight"]  # noqa: SIM118
    again = zoo.load_model(path)
    with torch.no_grad():
        before = again(again.example_input(1, 4))
        again.input.embedding.weight.mul_(2)
        assert not torch.equal(before, again(again.example_input(1, 4)))


def test_tensors_under_two_names_stay_one_and_complex_ones_stay_complex(tmp_path: Path) -> None:
    """No component of this package has such; one of a plugin may."""
    model = zoo.build("lstm", seed=0)
    model.layers[0].cell.bias_hh = model.layers[0].cell.bias_ih
    path = saved(model, tmp_path)
    with safe_open(path, framework="np") as file:
        assert "layers.0.cell.bias_hh" not in file.keys()  # noqa: SIM118
    again = zoo.load_model(path)
    assert again.layers[0].cell.bias_hh is again.layers[0].cell.bias_ih
    assert torch.equal(again.layers[0].cell.bias_hh, model.layers[0].cell.bias_ih)

    from zoo.weights import artefact

    class Turning(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.turn = torch.nn.Parameter(torch.tensor([1 + 2j, 3 - 4j], dtype=torch.complex128))

    tensors, _ = artefact._once(Turning())
    save_file({"turn": artefact._plain(tensors["turn"].conj())}, path)
    found = artefact._read(path, {"shared": {}, "complex": ["turn"]}, Turning())
    assert found["turn"].tolist() == [1 - 2j, 3 + 4j]
    assert found["turn"].dtype == torch.complex128


def test_other_programs_read_the_weights(tmp_path: Path) -> None:
    model = zoo.build("lstm", seed=0)
    with safe_open(saved(model, tmp_path), framework="np") as file:
        assert sorted(file.keys()) == sorted(model.state_dict())
        weight = file.get_tensor("layers.0.cell.weight_ih")
        assert file.metadata()["format"] == "pt"
        assert "kind: recurrent-zoo/lstm" in file.metadata()[SPEC]
    assert np.array_equal(weight, model.layers[0].cell.weight_ih.detach().numpy())


def test_it_is_a_spec_to_every_command(tmp_path: Path) -> None:
    path = saved(zoo.build("gru", seed=0, hidden_size=7), tmp_path)
    assert zoo.load(str(path)).layers[0].hidden_size == 7
    assert zoo.summary(path).parameters == zoo.summary("gru", hidden_size=7).parameters
    assert zoo.check(path, checks=["shapes"]).ok


def test_a_model_that_no_other_program_could_build_is_refused(tmp_path: Path) -> None:
    from zoo import nn as znn
    from zoo.cells.options import RNNOptions
    from zoo.cells.rnn import RNN

    class Mine(RNN):
        pass

    with pytest.raises(ZooError, match="is in no package"):
        zoo.save(znn.Recurrent(Mine(RNNOptions(), (3,), 4)), tmp_path / "a.safetensors")
    with pytest.raises(ZooError, match="a Linear has no spec"):
        zoo.save(torch.nn.Linear(2, 2), tmp_path / "a.safetensors")
    with pytest.raises(ZooError, match="meta has no weights"):
        zoo.save(zoo.build("lstm", device="meta"), tmp_path / "a.safetensors")
    with pytest.raises(ZooError, match=r"a saved model ends in \.safetensors"):
        zoo.save(zoo.build("lstm"), tmp_path / "a.pt")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    path = saved(zoo.build("lstm", seed=0), tmp_path)
    before = path.read_bytes()
    with pytest.raises(ZooError, match="exists already"):
        zoo.save(zoo.build("lstm", seed=1), path)
    assert path.read_bytes() == before
    zoo.save(zoo.build("lstm", seed=1), path, force=True)
    assert path.read_bytes() != before


def changed(path: Path, change: Callable[[dict[str, torch.Tensor], dict[str, str]], None]) -> None:
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = file.metadata()
    change(tensors, metadata)
    save_file(tensors, path, metadata)


def about(metadata: dict[str, str], **keys: Any) -> None:
    metadata[ABOUT] = json.dumps({**json.loads(metadata[ABOUT]), **keys})


WEIGHT = "layers.0.cell.weight_ih"
WRONG: list[tuple[Callable[[dict[str, torch.Tensor], dict[str, str]], Any], str]] = [
    (lambda t, m: t.pop(WEIGHT), r"missing layers.0.cell.weight_ih \(80, 10\)"),
    (lambda t, m: t.update(more=torch.zeros(2, 3)), r"unused more \(2, 3\)"),
    (lambda t, m: t.update({WEIGHT: torch.zeros(80, 9)}), r"weight_ih is \(80, 9\) and not \(80, 10\)"),
    (lambda t, m: m.pop(SPEC), "holds weights without the spec"),
    (lambda t, m: m.pop(ABOUT), "does not say in zoo.about"),
    (lambda t, m: m.update({ABOUT: "{"}), "does not say in zoo.about"),
    (lambda t, m: m.update({ABOUT: "[" * 10**5}), "does not say in zoo.about"),
    (lambda t, m: about(m, version=2), "newer recurrent-zoo"),
    (lambda t, m: about(m, version="1"), "does not say in zoo.about"),
    (lambda t, m: about(m, shared=3), "shared or complex"),
    (lambda t, m: about(m, shared={"a": "b"}), "says that 'a' is 'b'"),
    (lambda t, m: about(m, complex=[WEIGHT]), "no tensor of complex numbers"),
    (lambda t, m: m.update({SPEC: "schema: 1\nname: x\ncell: lstm\n"}), "missing key 'input'"),
    (lambda t, m: m.update({SPEC: m[SPEC].replace("zoo/lstm", "zoo/lstn")}), "unknown cell 'recurrent-zoo/lstn'"),
    (
        lambda t, m: m.update({SPEC: m[SPEC].replace("hidden_size: 20", "hidden_size: 20000").partition("expect")[0]}),
        "weight_ih is ",
    ),
    (lambda t, m: m.update({SPEC: "&a [*a]"}), "its spec"),
    (lambda t, m: m.update({SPEC: "\x00"}), "NUL character"),
]


@each(("change", "said"), WRONG)
def test_a_file_that_is_wrong_inside_is_one_line(change: Any, said: str, tmp_path: Path) -> None:
    path = saved(zoo.build("lstm", seed=0), tmp_path)
    changed(path, change)
    with pytest.raises(ZooError, match=said) as caught:
        zoo.load_model(path)
    lines = str(caught.value).splitlines()
    assert str(path) in lines[0]
    assert all(len(line) < 400 for line in lines)


@each("length", [0, 3, 8, 9, 100, 1000, -1])
def test_a_file_that_is_cut_off_is_one_line(length: int, tmp_path: Path) -> None:
    path = saved(zoo.build("lstm", seed=0), tmp_path)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ZooError, match=r"is damaged, or no \.safetensors file") as caught:
        zoo.load_model(path)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match="no such file"):
        zoo.load_model(tmp_path / "none.safetensors")
    (tmp_path / "folder.safetensors").mkdir()
    os.mkfifo(tmp_path / "pipe.safetensors")
    for name in ("folder", "pipe"):
        with pytest.raises(ZooError, match="is not a regular file"):
            zoo.load_model(tmp_path / f"{name}.safetensors")


def test_killed_a_hundred_times_every_file_is_whole(tmp_path: Path) -> None:
    """At moments that are spread over the writing, with the process that writes in the middle of it."""
    path = tmp_path / "model.safetensors"
    models = [zoo.build("lstm", seed=seed, hidden_size=64) for seed in (0, 1)]
    zoo.save(models[0], path)
    states = [model.state_dict() for model in models]
    killed = 0
    for number in range(100):
        child = os.fork()
        if child == 0:
            signal.setitimer(signal.ITIMER_REAL, 0)
            while True:
                zoo.save(models[1], path, force=True)
                zoo.save(models[0], path, force=True)
        signal.sigtimedwait([], 0.003 + 0.0007 * (number % 17))
        os.kill(child, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        found = zoo.load_model(path).state_dict()
        assert any(all(torch.equal(found[name], one) for name, one in state.items()) for state in states), number
    assert killed == 100
    zoo.save(models[0], path, force=True)
    assert [one.name for one in tmp_path.iterdir()] == ["model.safetensors"]


@pytest.mark.long
def test_load_weights_killed_a_hundred_times_leaves_whole_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command's own writing: what it reads is read before, by a process that has nothing to write."""
    from zoo.cli.main import app
    from zoo.weights import reading

    out = tmp_path / "model.safetensors"
    models = [zoo.build("lstm", seed=seed, hidden_size=64) for seed in (0, 1)]
    for number, model in enumerate(models):
        torch.save(model.state_dict(), tmp_path / f"{number}.pt")
    read = {number: reading.read(tmp_path / f"{number}.pt") for number in (0, 1)}
    monkeypatch.setattr(reading, "read", lambda path: read[int(Path(path).stem)])
    zoo.save(models[0], out)
    states = [model.state_dict() for model in models]
    seen = set()
    for number in range(100):
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            while True:
                for which in (1, 0):
                    words = ["load-weights", "lstm", str(tmp_path / f"{which}.pt"), "-o", str(out), "--force"]
                    app([*words, "--set", "hidden_size=64"], standalone_mode=False)
        signal.sigtimedwait([], 0.05 + 0.0037 * (number % 29))
        os.kill(child, signal.SIGKILL)
        assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
        found = zoo.load_model(out).state_dict()
        whole = [index for index, state in enumerate(states) if all(torch.equal(found[k], v) for k, v in state.items())]
        assert whole, number
        seen |= set(whole)
    assert seen == {0, 1}, "both were written"
