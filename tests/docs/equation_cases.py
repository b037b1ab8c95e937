"""A cell beside the equations of its page: what their symbols are in the cell, and the numbers of both."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from equation_values import Page, cells

import zoo

SIZE, STEPS = 3, 4
Arrays = dict[str, Any]
Functions = Mapping[str, Callable[..., Any]]


@dataclass(frozen=True)
class Case:
    """One cell with these options.

    case: which of the page's cases that is. symbols: what the parameters are called there, where blocks W, U and b of
    the roles do not say it. functions: what the page defines in words. derived: the same, of the cell and of what the
    page defines in equations. start: states that do not start at zero. counts: what an index that counts runs through.
    inputs: the symbols of what comes in at a step, where that is not x alone; given x of all steps and the step.
    times: how often the equations are gone through in one step. output: what is put out, where only a case says so.
    spec: keys of the spec besides. positive: no input is less than zero.
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    case: str = ""
    symbols: Callable[[Any], Arrays] = lambda cell: {}
    functions: Functions = field(default_factory=dict)
    derived: Callable[[Any, Functions], Functions] = lambda cell, known: {}
    start: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    inputs: Callable[[Any, int], Arrays] = lambda x, t: {"x": x[t]}
    times: int = 1
    output: str = ""
    spec: Mapping[str, Any] = field(default_factory=dict)
    positive: bool = False


def of(cell: Any, name: str) -> Any:
    found = cell.get_parameter(name).detach().numpy() if "." in name else getattr(cell, name).detach().numpy()
    return float(found[0]) if found.shape == (1,) else found


def split(cell: Any, name: str, symbols: str) -> Arrays:
    """The blocks of a parameter: of `weight_ih`, `W_i W_f` are the upper and the lower half."""
    names = symbols.split()
    return dict(zip(names, np.split(of(cell, name), len(names)), strict=True))


def blocks(cell: Any) -> Arrays:
    """The parameters that roles tell of: W, U and b of each gate, with its name where there are several."""
    found: Arrays = {}
    for name, role in cell.roles().items():
        letter = {"input": "W", "recurrent": "U", "bias": "b"}.get(role.kind, name)
        gates = role.gates or ("",)
        for gate, block in zip(gates, np.split(of(cell, name), len(gates)), strict=True):
            symbol = f"{letter}_{gate}" if len(gates) > 1 else letter
            found[symbol] = found[symbol] + block if letter == "b" and symbol in found else block
    return found


@dataclass(frozen=True)
class Beside:
    """A cell with numbers, and all that its page needs to give the same ones.

    expected: what the cell gives, step by step.
    """

    said: Case
    known: Any
    cell: Any
    parameters: Arrays
    start: Arrays
    inputs: Sequence[Arrays]
    expected: Any

    def found(self, page: Callable[..., Page] = Page) -> Any:
        """What the page gives.

        page: another reading of it.
        """
        read = page(
            self.known,
            self.parameters,
            self.start,
            case=self.said.case,
            functions=lambda defined: {**self.said.functions, **self.said.derived(self.cell, defined)},
            counts=self.said.counts,
        )
        steps = [read.step(inputs, self.said.output, self.said.times) for inputs in self.inputs]
        return np.stack(steps).reshape(self.expected.shape)


def beside(name: str, said: Case) -> Beside:
    """The cell of that name, which has what else tells the case after a slash, and its page."""
    kind = name.partition("/")[0]
    known = next(one for one in cells() if one.record.name == kind)
    spec = {"schema": 1, "name": "t", "input": SIZE, "cell": {"kind": kind, **said.options}, "hidden_size": SIZE}
    model: Any = zoo.build({**spec, **said.spec}, seed=0, dtype=torch.float64).eval()
    cell = model.layers[0].cell
    draws = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draws, dtype=torch.float64)

    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.add_(0.3 * normal(*parameter.shape))
        x, dt, observed = normal(1, STEPS, *cell.input_shape), normal(1, STEPS).abs(), normal(1, STEPS, SIZE) > 0
        x = x.abs() if said.positive else x
        given = {key: value for key, value in (("dt", dt), ("observed", observed)) if key in known.record.uses}
        expected = model(x, **given)[0][0].numpy()
    more = [{"m": observed[0, t].numpy() * 1.0, "Δt": dt[0, t].item()} for t in range(STEPS)]
    start = {
        symbol: said.start.get(symbol, np.zeros([size for size in cell.states[state].shape if size > 1]))
        for state, symbol in zip(known.states, known.symbols, strict=True)
    }
    inputs = [
        {**{symbol: more[t][symbol] for symbol in known.inputs}, **said.inputs(x[0].numpy(), t)} for t in range(STEPS)
    ]
    return Beside(said, known, cell, {**blocks(cell), **said.symbols(cell)}, start, inputs, expected)


def same(found: Any, expected: Any) -> bool:
    return bool(np.allclose(found, expected, rtol=1e-10, atol=1e-12))


def check(name: str, said: Case) -> None:
    """A cell gives what its page says, and that is something."""
    both = beside(name, said)
    np.testing.assert_allclose(both.found(), both.expected, rtol=1e-10, atol=1e-12)
    assert np.abs(both.expected).max() > 1e-3
