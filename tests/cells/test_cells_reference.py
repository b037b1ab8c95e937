"""The first cells, step by step with their states, beside the loops of another hand (`zoo.references`).

All cells and options, outputs alone: test_cells_options.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import zoo
from zoo.checks.batch import named
from zoo.components import resolve
from zoo.engine.state import State
from zoo.plugin.manager import isolated
from zoo.testing import assert_matches_reference

KINDS: tuple[dict[str, Any], ...] = (
    {"kind": "rnn"},
    {"kind": "rnn", "bias": "one", "nonlinearity": "relu"},
    {"kind": "gru"},
    {"kind": "gru", "bias": "one"},
    {"kind": "gru", "reset_gate": "before"},
    {"kind": "gru", "reset_gate": "before", "bias": "none"},
    {"kind": "lstm"},
    {"kind": "lstm", "projection": 4},
    {"kind": "lstm", "peephole": True},
    {"kind": "lstm", "peephole": True, "bias": "one", "projection": 3},
    {"kind": "lstm", "coupled": True, "bias": "none"},
    {"kind": "lstm", "coupled": True, "peephole": True, "bias": "one"},
    {"kind": "lstm", "gate_norm": "layer"},
    {"kind": "lstm", "gate_norm": "layer", "bias": "none", "projection": 4},
    {"kind": "lstm", "gate_norm": "layer", "peephole": True, "coupled": True, "projection": 5},
    {"kind": "mgu"},
    {"kind": "mgu", "bias": "two"},
    {"kind": "mgu", "bias": "none"},
    {"kind": "janet"},
    {"kind": "janet", "bias": "two", "beta": 0.25},
    {"kind": "janet", "bias": "none"},
    {"kind": "ligru"},
    {"kind": "ligru", "norm": "layer", "nonlinearity": "tanh"},
    {"kind": "ligru", "norm": "none"},
    {"kind": "indrnn"},
    {"kind": "indrnn", "nonlinearity": "tanh", "bias": "none"},
    {"kind": "mingru"},
    {"kind": "mingru", "bias": "none", "candidate": "linear"},
    {"kind": "minlstm"},
    {"kind": "minlstm", "bias": "none", "candidate": "linear"},
    {"kind": "rglru"},
    {"kind": "rglru", "heads": 2},
    {"kind": "lru"},
    {"kind": "mlstm"},
    {"kind": "mlstm", "heads": 3},
)
HIDDEN = 6
LENGTHS = (9, 1, 4)


def build(cell: dict[str, Any], engine: str = "auto") -> zoo.Model:
    """A model of the one cell, with everything that it holds moved from where it starts."""
    width = HIDDEN if cell["kind"] == "rglru" else 5
    spec = {"schema": 1, "name": "t", "input": width, "cell": cell, "hidden_size": HIDDEN}
    model = zoo.build(spec, seed=1, dtype=torch.float64, engine=engine).eval()
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.add_(0.4 * torch.randn(tensor.shape, generator=generator, dtype=torch.float64))
        for name, buffer in model.named_buffers():
            if name.endswith("running_var"):
                buffer.abs_().add_(0.1)
    return model


def held(model: zoo.Model) -> dict[str, np.ndarray]:
    """The cell's parameters and buffers by name."""
    cell = model.layers[0].cell
    return {name: tensor.detach().numpy().copy() for name, tensor in cell.state_dict().items()}


def fit(cell: dict[str, Any]) -> list[str]:
    """The engines that can run it."""
    found = ["loop"]
    if cell["kind"] in ("mingru", "minlstm", "rglru", "lru"):
        found.append("linear")
    if cell["kind"] in ("rnn", "lstm", "gru") and not set(cell) & {"peephole", "coupled", "gate_norm", "reset_gate"}:
        found.append("fused")
    return found


CASES = [
    pytest.param(cell, engine, id="-".join([*map(str, cell.values()), engine]))
    for cell in KINDS
    for engine in fit(cell)
]


@pytest.mark.parametrize(("cell", "engine"), CASES)
@pytest.mark.parametrize("start", ["zeros", "random"])
def test_outputs_and_states_equal_the_reference(cell: dict[str, Any], engine: str, start: str) -> None:
    model = build(cell, engine)
    parameters = held(model)
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(len(LENGTHS), max(LENGTHS), model.input_shape[0], generator=generator, dtype=torch.float64)
    begin = named(model, model.init_state(len(LENGTHS)))
    age = 4 if start == "random" else 0  # a given state belongs to a sequence that has begun
    if start == "random":
        begin = State({name: _begun(name, t, age, generator) for name, t in begin.items()})
    with torch.no_grad():
        y, after = model(x, begin, lengths=torch.tensor(LENGTHS), return_state=True)
    found, given = named(model, after), named(model, begin)
    step = step_of(cell["kind"])
    options = model.spec.layers[0].cell.options
    for row, length in enumerate(LENGTHS):
        last = of_row(given, row)
        for t in range(length):
            output, last = step(x[row, t].numpy(), last, parameters, options)
            np.testing.assert_allclose(y[row, t].numpy(), output, rtol=0, atol=1e-12)
        ours = of_row(found, row)
        if cell["kind"] == "mlstm":  # the reference has no stabiliser
            scale = np.exp(ours.pop("m"))
            ours = {"C": ours["C"] * scale[:, None, None], "n": ours["n"] * scale[:, None]}
            last.pop("m")
        assert ours.keys() == last.keys()
        for name, value in last.items():
            np.testing.assert_allclose(ours[name], value, rtol=1e-12, atol=1e-12)


def step_of(kind: str) -> Any:
    """One step of the reference that the record declares."""
    return resolve(f"{isolated().find('cell', kind).record.reference}_step")


def of_row(state: State, row: int) -> dict[str, Any]:
    """The cell's own states of one row."""
    return {name.removeprefix("layers.0."): tensor[row].numpy() for name, tensor in state.items()}


def _begun(name: str, tensor: torch.Tensor, age: int, generator: torch.Generator) -> torch.Tensor:
    if name.endswith(".age"):
        return torch.full_like(tensor, age)
    return tensor + torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype)


@pytest.mark.parametrize("cell", KINDS, ids=lambda cell: "-".join(map(str, cell.values())))
def test_the_declared_reference_of_a_whole_row_is_that_of_its_steps(cell: dict[str, Any]) -> None:
    assert_matches_reference(cell, input_size=HIDDEN if cell["kind"] == "rglru" else 5, hidden_size=HIDDEN, bound=1e-12)


def test_every_option_of_the_cells_is_among_the_cases() -> None:
    from zoo.plugin.manager import catalogue

    for kind in {cell["kind"] for cell in KINDS}:
        options = set(catalogue().find("cell", kind).record.options.model_fields)
        starting = {"forget_bias", "longest", "bound", "r_min", "r_max", "max_phase"}  # where parameters start or end
        assert options - starting <= {name for cell in KINDS if cell["kind"] == kind for name in cell}, kind
