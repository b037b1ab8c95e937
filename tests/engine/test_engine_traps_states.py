"""What goes wrong where a cell or the engine is written without thinking of it: states, precision and rows that have ended.

The second part of `test_engine_traps`, which says how these tests are made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from exotic import EXOTIC, F_IN, Exotic, H, Matrix, Spiral, numbers
from planted.patching import Patch, around, edit
from test_engine_recurrence import B, T, batch, run_of, start
from torch import Tensor, nn
from torch.nn import functional as F
from traps import CPU, Bug, Rule, Traps, built, model_of, run_alone, same

import zoo
import zoo.cells.gru
import zoo.cells.lstm
import zoo.cells.rnn
from zoo.cells.gru import GRU
from zoo.checks.batch import named
from zoo.engine import recurrence, sequence
from zoo.engine.backends import loop
from zoo.engine.cell import Context, States, StateSpec
from zoo.engine.recurrence import Run
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.errors import BuildError
from zoo.inputs.features import Features
from zoo.inputs.options import FeaturesOptions
from zoo.model.stack import StackModel as Model

traps = Traps()


@pytest.fixture(autouse=True)
def _exact() -> Iterator[None]:
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


# Recurrent dropout applied by the engine to all of h.


@traps.rule
def recurrent_dropout_acts_where_the_state_enters_a_product() -> None:
    model = built("gru", dropout={"recurrent": 0.5}).train()
    with torch.no_grad():
        model.layers[0].cell.bias_ih[4:8] = 5.0  # an update gate that hardly opens: h stays within its start and 1
        state = model(torch.randn(8, 200, 4))[1]
    assert 0 < state.abs().max() < 1


@traps.bug
def the_mask_multiplied_into_the_state(patch: Patch) -> None:
    def wrong(step: Any, self: GRU, u: Tensor, state: States, const: Any) -> States:
        *others, mask = const
        found: States = step(self, u, {"h": state["h"] * mask}, (*others, None))
        return found

    around(patch, GRU, "step", wrong)


# A cell that reads the old state in `output`.


class Mixing(Exotic):
    """RWKV-4's time mixing: the output reads the state before it takes the step in, so it is a state itself, the first."""

    states: Mapping[str, StateSpec] = {"y": StateSpec((H,)), "num": StateSpec((H,)), "den": StateSpec((H,))}

    def __init__(self) -> None:
        super().__init__()
        self._weights(K=(H, F_IN), V=(H, F_IN), w=(H,), u=(H,))

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, Tensor]:
        return torch.exp(F.linear(x, self.K)), F.linear(x, self.V)

    def step(self, u: Any, state: Mapping[str, Tensor], const: Any) -> States:
        (k, v), decay, now = u, torch.exp(-torch.exp(self.w)), torch.exp(self.u)
        y = (state["num"] + now * k * v) / (state["den"] + now * k)
        return {"y": y, "num": decay * state["num"] + k * v, "den": decay * state["den"] + k}


@traps.rule
def an_output_of_the_old_state_is_a_state() -> None:
    cell, x = Mixing().eval(), torch.randn(1, T, F_IN)
    k, v = np.exp(x[0].numpy() @ numbers(cell.K).T), x[0].numpy() @ numbers(cell.V).T
    right = []
    for t in range(T):
        past = np.exp(-np.outer(np.arange(t)[::-1], np.exp(numbers(cell.w))))
        now = np.exp(numbers(cell.u)) * k[t]
        right.append(((past * k[:t] * v[:t]).sum(0) + now * v[t]) / ((past * k[:t]).sum(0) + now))
    np.testing.assert_allclose(model_of(cell)(x)[0][0].detach().numpy(), right, atol=1e-12, rtol=0)


@traps.bug
def the_new_state_read_for_the_old(patch: Patch) -> None:
    def wrong(self: Mixing, u: Any, state: Mapping[str, Tensor], const: Any) -> Tensor:
        (k, v), now = u, torch.exp(self.u)
        return (state["num"] + now * k * v) / (state["den"] + now * k)

    patch.setattr(Mixing, "output", wrong)


# The readout of a large state hoisted over time, or that of a small one left in the loop.


@traps.rule
def the_engine_decides_by_size_where_to_read_out() -> None:
    for make, calls in ((Matrix, [2] * T), (Spiral, [3])):
        seen: list[int] = []
        with pytest.MonkeyPatch.context() as patch:
            around(
                patch, make, "output", lambda f, self, u, state, const, seen=seen: _seen(seen, f(self, u, state, const))
            )
            layer = RecurrentLayer(make().eval())
            run_alone(layer, torch.randn(1, T, F_IN), engine="loop")
        assert seen == calls  # (B, D) at each step, or (B, T, D) once


def _seen(axes: list[int], y: Tensor) -> Tensor:
    axes.append(y.dim())
    return y


@traps.bug
def always_hoisted(patch: Patch) -> None:
    patch.setattr(loop, "HOISTED_UP_TO", 1000)


@traps.bug
def never_hoisted(patch: Patch) -> None:
    patch.setattr(loop, "HOISTED_UP_TO", 0)


# Nested structures for u.


@traps.rule
def a_step_is_given_a_tensor_or_a_flat_tuple() -> None:
    for name, (make, _) in EXOTIC.items():
        seen: list[Any] = []
        with pytest.MonkeyPatch.context() as patch:
            around(patch, make, "step", lambda f, self, u, *rest, seen=seen: (seen.append(u), f(self, u, *rest))[1])
            layer, data = RecurrentLayer(make().eval()), batch()
            layer(torch.where(data[2], data[0], 0.0), start(layer), run_of(data, resets=False, engine="loop"))
        assert len(seen) == T, name
        for u in seen:
            leaves = u if isinstance(u, tuple) else (u,)
            assert all(type(leaf) is Tensor and leaf.shape[0] == B and leaf.dim() == 2 for leaf in leaves), name


@traps.bug_raising(BuildError)
def a_nested_u(patch: Patch) -> None:
    around(patch, Matrix, "project", lambda f, self, *args: (f(self, *args), ()))


# `lerp` on states under autocast.


@traps.rule
def autocast_lowers_no_state_and_no_output() -> None:
    for cell in ("rnn", "gru", "lstm", "mingru", "mlstm", "janet", "mgu"):
        model = built(cell, dtype=torch.float32, engine="loop")
        with torch.autocast("cpu", torch.bfloat16):
            output, state = model(torch.randn(2, 5, 4, dtype=torch.float32))
        assert output.dtype == torch.float32, cell
        for name, value in named(model, state).items():
            assert value.dtype == torch.float32, (cell, name)
            assert not torch.equal(value, value.bfloat16().float()), (cell, name)  # nor is it a rounded number


@traps.bug
def steps_under_autocast(patch: Patch) -> None:
    patch.setattr(recurrence, "in_full", lambda kind: nullcontext())


# States in half precision.


@traps.rule
def states_are_at_least_single_precision() -> None:
    matrix = RecurrentLayer(Matrix().eval()).half()
    before = matrix.init_state(2, device=CPU, dtype=torch.float16)
    found = matrix(torch.randn(2, T, F_IN).half(), before, Run(engine="loop"))
    for state in (before, found.state):
        assert {t.dtype for t in state.values()} == {torch.float32}
        assert all(t.isfinite().all() for t in state.values())
    assert before["m"].tolist() == [[-torch.tensor(1e38).float()]] * 2
    assert found.output.dtype == torch.float16
    assert found.output.isfinite().all()
    output, state = built("lru", dtype=torch.bfloat16)(torch.randn(2, 5, 4, dtype=torch.bfloat16))
    assert (output.dtype, state["layers.0.h"].dtype) == (torch.bfloat16, torch.complex64)


@traps.bug_raising(RuntimeError)
def states_in_the_dtype_of_the_parameters(patch: Patch) -> None:
    patch.setattr(StateSpec, "dtype", lambda self, parameters, device=None: parameters)


# Cells without parameters.


class Reservoir(Exotic):
    """A cell of buffers alone; with `bare`, of nothing at all."""

    states: Mapping[str, StateSpec] = {"h": StateSpec((H,))}

    def __init__(self, *, bare: bool = False) -> None:
        super().__init__()
        self.bare = bare
        if not bare:
            self.register_buffer("W", torch.randn(H, F_IN))

    def project(self, x: Tensor, const: Any, ctx: Context) -> Tensor:
        return x.sum(2, keepdim=True).expand(*x.shape[:2], H) if self.bare else F.linear(x, self.W)

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> States:
        return {"h": torch.tanh(u + 0.5 * state["h"])}


@traps.rule
def a_place_is_known_without_parameters() -> None:
    """By the cell's buffers, else by whatever else the model has, else by what it was built in or last cast to."""
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        assert model_of(Reservoir()).to(dtype).example_input(2, 3).dtype == dtype
        assert model_of(Reservoir(bare=True)).to(dtype).example_input(2, 3).dtype == dtype
    beside = Model(Features(FeaturesOptions(size=F_IN)), [RecurrentLayer(Reservoir(bare=True))], None, nn.Linear(H, 2))
    assert beside.float().init_state(2)["layers.0.h"].dtype == torch.float32
    assert model_of(Reservoir()).to("meta").init_state(2)["layers.0.h"].device.type == "meta"
    x = torch.randn(2, T, F_IN)
    assert model_of(Reservoir(bare=True))(x)[0].shape == (2, T, H)


@traps.bug
def buffers_not_asked(patch: Patch) -> None:
    edit(
        patch,
        Model,
        "_place",
        '("_parameters", "_buffers")',
        '("_parameters",)',
    )


@traps.bug_raising(StopIteration)
def parameters_alone_asked(patch: Patch) -> None:
    patch.setattr(Model, "_place", lambda self: ((p := next(self.parameters())).device, p.dtype))


# Rows of length zero in later chunks.


@traps.rule
def a_row_that_has_ended_keeps_its_state() -> None:
    lengths = torch.tensor([0, 3, 5, 0])
    run = Run(lengths=lengths, valid=sequence.valid_steps(lengths, 5))
    for cell in ("rnn", "gru", "lstm", "mingru", "lru", "rglru", "mlstm", "janet"):
        layer = built(cell).layers[0]
        with torch.no_grad():
            before = run_alone(layer, torch.randn(4, 2, 4)).state
        for engine in ("auto", "loop"):
            x = torch.randn(4, 5, 4, requires_grad=True)
            found = layer(x, before, replace(run, engine=engine))
            found.output.square().sum().backward()
            for row in (0, 3):
                assert not found.output[row].any(), cell
                assert x.grad is not None
                assert not x.grad[row].any(), cell
                for name, value in before.items():
                    assert torch.equal(found.state[name][row], value[row]), (cell, engine, name)
            alone = layer(x[1:2, :3], {name: value[1:2] for name, value in before.items()}, Run(engine="loop"))
            for name, value in alone.state.items():
                same(found.state[name][1:2], value)


@traps.bug
def the_kernels_first_step_for_a_row_without_any(patch: Patch) -> None:
    for module in (zoo.cells.gru, zoo.cells.lstm, zoo.cells.rnn):
        patch.setattr(module, "last_output", lambda y, last, state, ctx: {"h": sequence.at_last(y, ctx.lengths)})


@traps.bug
def an_age_that_no_step_has(patch: Patch) -> None:
    edit(
        patch,
        recurrence,
        "_carried",
        "torch.where(lengths > 0, sequence.at_last(age, lengths) + 1, before)",
        "sequence.at_last(age, lengths) + 1",
    )


@traps.each_rule()
def test_a_rule_holds(rule: Rule) -> None:
    torch.manual_seed(0)
    rule()


@traps.each_bug()
def test_a_trap_is_caught(bug: Bug) -> None:
    bug.is_caught()
