"""The scan engine against the loop, in eager and exported; and what it refuses."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest
import torch
from comparing import assert_agree, layer_of, results
from torch.export import Dim

import zoo
from zoo.engine.backends import scan
from zoo.testing import tiny


@pytest.fixture(autouse=True)
def _untraced():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many scans ran."""
    calls: list[int] = []
    operator = scan.operator

    def counted(*args, **kwargs):
        calls.append(1)
        return operator(*args, **kwargs)

    monkeypatch.setattr(scan, "operator", counted)
    return calls


def test_values_and_gradients_of_two_states_with_lengths_resets_and_a_state(scans: list[int]) -> None:
    layer = layer_of("lstm")
    found = results(layer, "scan", 3, 7, all_states=True)
    assert len(scans) == 1
    assert_agree(found, results(layer, "loop", 3, 7, all_states=True))


def test_zoneout_draws_the_masks_of_the_loop_and_is_a_mean_in_eval(scans: list[int]) -> None:
    layer = layer_of("rnn", zoneout=0.4)
    mean = results(layer, "scan", 3, 5)
    assert_agree(mean, results(layer, "loop", 3, 5))
    layer.train()
    drawn = results(layer, "scan", 3, 5)
    assert len(scans) == 2
    assert_agree(drawn, results(layer, "loop", 3, 5))
    assert not torch.allclose(drawn["output"], mean["output"])


def test_complex_states_scan_without_gradients_and_loop_with_them(scans: list[int]) -> None:
    layer = layer_of("complex", both=True)
    assert_agree(results(layer, "scan", 3, 5, gradients=False), results(layer, "loop", 3, 5, gradients=False))
    assert len(scans) == 2
    assert_agree(results(layer, "scan", 3, 5), results(layer, "loop", 3, 5))
    assert len(scans) == 2


SIZES = ((3, 7), (2, 1), (1, 4))
SHORTER = ("window", "fresh", "delay buffer")
"""Kinds that look back: of them fewer steps than they look back over show more than a single row."""


@pytest.mark.slow
@pytest.mark.parametrize(("masks", "both"), [(True, True), pytest.param(False, False, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", ["rnn", "lstm", "matrix", "window", "fresh", "time and observations", "delay buffer"])
def test_every_kind_of_state(
    name: str, masks: bool, both: bool, scans: list[int], request: pytest.FixtureRequest
) -> None:
    layer = layer_of(name, both=both)
    some = (SIZES[0], SIZES[1] if name in SHORTER else SIZES[2])
    sizes = SIZES if request.config.getoption("--long") else some
    for rows, steps in sizes:
        given = {"lengths": masks, "resets": masks, "all_states": masks}
        assert_agree(results(layer, "scan", rows, steps, **given), results(layer, "loop", rows, steps, **given))
    assert len(scans) == len(sizes) * (1 + both)


def test_the_comparison_finds_a_state_that_is_not_held_in_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = layer_of("rnn")
    run = scan.pieces.run
    monkeypatch.setattr(scan.pieces, "run", lambda *given: run(*given[:3], None, *given[4:]))
    with pytest.raises(AssertionError, match=r"after\.h"):
        assert_agree(results(layer, "scan", 3, 5), results(layer, "loop", 3, 5))


@pytest.mark.parametrize("engine", ["scan", "compile"])
def test_under_vmap_the_loop_runs(engine: str) -> None:
    spec = {"schema": 1, "name": "v", "input": 3, "cell": {"kind": "gru", "reset_gate": "before"}, "hidden_size": 4}
    model = zoo.build(spec, seed=0, engine=engine).eval()
    x = torch.randn(5, 2, 9, 3, generator=torch.Generator().manual_seed(0))
    found = torch.vmap(lambda one: model(one)[0])(x)
    expected = torch.stack([zoo.build(spec, seed=0, engine="loop").eval()(one)[0] for one in x])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def exported(name: str) -> str:
    return str(zoo.check(name, device="cpu", checks=["export"], slow=True))


def test_export_with_free_batch_and_time() -> None:
    assert exported("lstm") == "lstm: 1 passed, 0 skipped, 0 failed"


# A matrix, complex numbers, a cell for each direction, the last step of each row, and weights that are dropped.
@pytest.mark.slow
@pytest.mark.parametrize("name", ["mlstm", "lru", "rnn-bidirectional", "rnn-classifier", "awd-lstm"])
def test_export_of_every_kind_of_state(name: str) -> None:
    assert exported(name) == f"{name}: 1 passed, 0 skipped, 0 failed"


def test_the_exported_model_is_as_large_for_any_number_of_steps_and_keeps_its_gradients() -> None:
    model = zoo.build(zoo.load("rnn"), seed=0, engine="scan", dtype=torch.float64).eval()
    sizes = []
    for steps in (3, 30):
        x = model.example_input(2, steps)
        program = torch.export.export(
            model, (x,), dynamic_shapes={"x": {0: Dim("rows"), 1: Dim("steps")}}, strict=False
        )
        sizes.append(len(program.graph.nodes))
    assert sizes[0] == sizes[1] < 40
    x = model.example_input(4, 11)
    module = program.module()
    found = torch.autograd.grad(module(x)[0].square().sum(), list(module.parameters()))
    expected = torch.autograd.grad(model(x)[0].square().sum(), list(model.parameters()))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-10, rtol=0)


def test_an_export_with_gradients_of_complex_states_says_what_to_do() -> None:
    model = zoo.build(zoo.load("lru"), seed=0, engine="scan").eval()
    with pytest.raises(zoo.BuildError, match=r"no derivative for complex states.*under torch\.no_grad\(\)"):
        torch.export.export(model, (model.example_input(2, 3),), strict=False)


def test_an_export_in_training_with_zoneout_says_what_to_do() -> None:
    spec = {"schema": 1, "name": "z", "input": 3, "cell": "rnn", "hidden_size": 4, "dropout": {"zoneout": 0.1}}
    model = zoo.build(spec, seed=0, engine="scan")
    with pytest.raises(zoo.BuildError, match=r"dropout\.zoneout.*use model\.eval\(\)"):
        torch.export.export(model, (model.example_input(2, 3),), strict=False)


def test_nothing_needs_a_gradient_where_it_is_exported_to_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    needs: list[bool] = []
    operator = scan.operator

    def watched(step, carried, given, **keys):
        needs.append(any(tensor.requires_grad for tensor in (*carried.values(), *given.values())))
        return operator(step, carried, given, **keys)

    monkeypatch.setattr(scan, "operator", watched)
    model = zoo.build(tiny(zoo.load("cells/gru")), seed=0, engine="scan").eval()
    x, free = model.example_input(2, 5), {"x": {0: Dim("rows"), 1: Dim("steps")}}
    torch.export.export(model, (x,), dynamic_shapes=free, strict=False)
    assert set(needs) == {True}
    needs.clear()
    monkeypatch.setattr(torch.onnx, "is_in_onnx_export", lambda: True)
    program = torch.export.export(model, (x,), dynamic_shapes=free, strict=False)
    assert set(needs) == {False}
    x = model.example_input(3, 8)
    torch.testing.assert_close(program.module()(x)[0], model(x)[0])


# With gradients on, as they are by default.
@pytest.mark.long
@pytest.mark.parametrize("name", ["lstm", "mlstm", "mamba", "deltanet", "rwkv7"])
def test_onnx_gives_the_same_numbers_at_other_sizes(name: str, tmp_path: Path) -> None:
    model = zoo.build(tiny(zoo.load(f"cells/{name}")), seed=0, engine="scan").eval()
    free = {"x": {0: Dim("rows"), 1: Dim("steps")}}
    program = torch.onnx.export(model, (model.example_input(2, 5),), dynamo=True, dynamic_shapes=free)
    assert program is not None
    program.save(tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    x = model.example_input(3, 9)
    found = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    torch.testing.assert_close(torch.from_numpy(found), model(x)[0].detach(), atol=1e-5, rtol=0)
