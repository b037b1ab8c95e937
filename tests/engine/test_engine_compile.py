"""The compile engine against the loop, how often it compiles, and what it needs."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from comparing import assert_agree, layer_of, results
from each import each
from torch._dynamo.utils import counters

import zoo
from zoo.engine.backends import compiled, pieces
from zoo.engine.cell import Cell

SPEC = {"schema": 1, "name": "a", "input": 3, "cell": {"kind": "gru", "reset_gate": "before"}, "hidden_size": 4}


@pytest.fixture(autouse=True)
def _uncompiled():
    torch._dynamo.reset()
    counters.clear()
    yield
    torch._dynamo.reset()


def compilations() -> int:
    return int(counters["stats"]["unique_graphs"])


def test_values_and_gradients_and_one_compilation_for_all_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of two steps compile faster than those of eight; whole pieces, and pieces and a step."""
    monkeypatch.setattr(compiled, "STEPS", 2)
    layer = layer_of("rnn")
    for rows, steps in ((3, 5), (4, 2), (2, 9), (3, 1), (5, 6)):
        assert_agree(results(layer, "compile", rows, steps), results(layer, "loop", rows, steps))
    assert compilations() == 1
    results(layer, "compile", 3, 4, given_state=False)  # the start values, which need no gradient
    assert compilations() == 1
    other = layer_of("rnn")  # another module of the same kind runs the same code
    results(other, "compile", 3, 5)
    assert compilations() == 1


def test_a_number_of_a_cell_is_its_own_and_not_that_of_the_cell_compiled_before() -> None:
    """torch 2.13 compiles the first value of a float that is an `alpha` into code that it runs for other values too."""
    x = torch.randn(2, 8, 3, dtype=torch.float64)
    for lam in (0.5, 0.3125, 0.75):
        spec = {**SPEC, "cell": {"kind": "miru1", "lam": lam}}
        found, expected = (
            zoo.build(spec, seed=0, dtype=torch.float64, engine=engine).eval()(x)[0] for engine in ("compile", "loop")
        )
        assert (found - expected).abs().max() < 1e-14


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rnn", "lstm", "complex", "matrix"])
def test_every_kind_of_state(name: str) -> None:
    """In pieces of eight steps, with what is left over; lengths and resets together, and neither."""
    layer = layer_of(name, both=True)
    for masks in (True, False):
        for rows, steps in ((3, 19), (4, 8), (2, 25), (3, 5)):
            given = {"lengths": masks, "resets": masks, "all_states": masks}
            assert_agree(results(layer, "compile", rows, steps, **given), results(layer, "loop", rows, steps, **given))
        assert compilations() == (1 if masks else 2)


@pytest.mark.slow
def test_complex_numbers_made_of_pairs_of_real_ones() -> None:
    """Whole pieces and single rows are views of those, which torch does not trace."""
    spec = {"schema": 1, "name": "c", "input": 3, "cell": "lru", "hidden_size": 4}
    model, plain = (zoo.build(spec, seed=0, dtype=torch.float64, engine=engine) for engine in ("compile", "loop"))
    for rows, steps in ((2, 8), (1, 3), (3, 11)):
        x = torch.randn(rows, steps, 3, dtype=torch.float64)
        torch.testing.assert_close(model(x)[0], plain(x)[0], atol=1e-12, rtol=0)


def run_plainly(monkeypatch: pytest.MonkeyPatch, piece=pieces.run) -> None:
    """The engine's own cutting, with pieces that are not compiled."""
    monkeypatch.setattr(compiled, "_compiled_piece", piece)


@each("steps", [1, 7, 8, 9, 16, 20])
@each("name", ["lstm", "time and observations", "matrix", "complex"])
def test_pieces_are_put_together_again(name: str, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    run_plainly(monkeypatch)
    layer = layer_of(name, both=True)
    given = {"all_states": True}
    assert_agree(results(layer, "compile", 3, steps, **given), results(layer, "loop", 3, steps, **given))


def test_zoneout_draws_the_masks_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    run_plainly(monkeypatch)
    layer = layer_of("lstm", zoneout=0.4)
    assert_agree(results(layer, "compile", 3, 19), results(layer, "loop", 3, 19))
    layer.train()
    assert_agree(results(layer, "compile", 3, 19), results(layer, "loop", 3, 19))


def test_the_comparison_finds_a_state_that_restarts_at_a_border(monkeypatch: pytest.MonkeyPatch) -> None:
    def restarting(cell, u, state, *rest):
        return pieces.run(cell, u, {name: 0 * old for name, old in state.items()}, *rest)

    run_plainly(monkeypatch, restarting)
    layer = layer_of("rnn")
    assert_agree(results(layer, "compile", 3, 7), results(layer, "loop", 3, 7))  # no border yet
    with pytest.raises(AssertionError, match="output: Tensor-likes are not close"):
        assert_agree(results(layer, "compile", 3, 17), results(layer, "loop", 3, 17))


def test_what_compiles_the_whole_model_compiles_its_loop_too() -> None:
    model = zoo.build(SPEC, seed=0, engine="compile")
    run = torch.compile(model, backend="eager", fullgraph=True)
    x = model.example_input(2, 9)
    torch.testing.assert_close(run(x)[0], zoo.build(SPEC, seed=0, engine="loop")(x)[0])
    assert compilations() == 1


def test_without_a_compiler_the_build_says_what_can_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor import cpp_builder
    from torch._inductor.exc import InvalidCxxCompiler

    def none() -> str:
        raise InvalidCxxCompiler

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", none)
    with pytest.raises(zoo.BuildError) as caught:
        zoo.build(SPEC, engine="compile", device="cpu")
    assert str(caught.value) == (
        "engine 'compile' needs a C++ compiler on the CPU, and none is installed: use engine 'auto' or 'loop'"
    )


def test_on_cuda_it_needs_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.utils._triton.has_triton", lambda: False)
    assert compiled.unavailable(SimpleNamespace(type="cuda")) == "needs Triton on CUDA, and it is not installed"  # type: ignore[arg-type]
    monkeypatch.setattr("torch.utils._triton.has_triton", lambda: True)
    assert compiled.unavailable(SimpleNamespace(type="cuda")) is None  # type: ignore[arg-type]


def test_a_cell_that_torch_cannot_compile_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = layer_of("rnn")
    step: object = layer.cell.step

    def printing(self: Cell, u, state, const):
        torch._dynamo.graph_break()
        return step(u, state, const)  # type: ignore[operator]

    monkeypatch.setattr(type(layer.cell), "step", printing)
    with pytest.raises(zoo.BuildError, match=r"engine 'compile' cannot run RNN: .*; use engine 'auto' or 'loop'"):
        results(layer, "compile", 3, 8)
