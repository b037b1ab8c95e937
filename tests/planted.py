"""Bugs planted one at a time in the real code, each of a kind that people have really made.

Every mutant is a small patch, the spec that shows it, and a check of the contract that must catch it.
`python -m tests.planted` prints which checks catch which.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import zoo.arguments
import zoo.builder
import zoo.cells.options
import zoo.checks.figures
import zoo.engine.cell
import zoo.engine.dropout
import zoo.engine.layer
import zoo.engine.recurrence
import zoo.engine.sequence
import zoo.inits.schemes
import zoo.model
import zoo.state_layout
import zoo.summaries
from zoo.cells.gru import GRU
from zoo.cells.lstm import LSTM
from zoo.cells.rnn import RNN
from zoo.cells.weights import GatedCell
from zoo.checks.run import run, select
from zoo.checks.subject import Subject
from zoo.engine.cell import Context, StateSpec
from zoo.engine.layer import LayerOutput, RecurrentLayer
from zoo.heads.linear import Linear
from zoo.heads.pools import Attention, Last, Max, Mean
from zoo.heads.tied import Tied
from zoo.inputs.features import Features
from zoo.inputs.tokens import Tokens
from zoo.layers.linear import LinearLayer
from zoo.layers.norms import LayerNorm
from zoo.model import Model
from zoo.spec import library

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]


@dataclass(frozen=True)
class Mutant:
    """A planted bug. spec: which of SPECS shows it. by: a check that must catch it."""

    name: str
    spec: str
    by: str
    plant: Plant


def _spec(name: str, **keys: Any) -> dict[str, Any]:
    return {"schema": 1, "name": name, **keys}


_TOKENS = {"kind": "tokens", "vocabulary": 30, "size": 11, "padding": 0}
_LINEAR = {"kind": "linear", "size": 3}
_LAYERS = [
    {
        "hidden_size": 11,
        "norm": "layer",
        "residual": True,
        "dropout": {"input": 0.3, "output": 0.4, "variational": True},
    },
    {"hidden_size": 13, "initial_state": "learned", "dropout": {"recurrent": 0.3, "weight": 0.3}},
]

SPECS: dict[str, dict[str, Any]] = {
    one["name"]: one
    for one in (
        _spec("lstm", input=9, cell="lstm", hidden_size=11, layers=2),
        _spec("gru", input=9, cell="gru", hidden_size=11, head=_LINEAR),
        _spec("relu", input=9, cell={"kind": "rnn", "nonlinearity": "relu"}, hidden_size=11),
        _spec("last", input=9, cell="lstm", hidden_size=11, head={**_LINEAR, "pool": "last"}),
        _spec("mean", input=9, cell="gru", hidden_size=11, head={**_LINEAR, "pool": "mean"}),
        _spec("max", input=9, cell="rnn", hidden_size=11, head={**_LINEAR, "pool": "max"}),
        _spec("attention", input=9, cell="rnn", hidden_size=11, head={**_LINEAR, "pool": "attention"}),
        _spec("both", input=9, cell="gru", hidden_size=11, bidirectional=True, head={**_LINEAR, "pool": "last"}),
        _spec("both-mul", input=9, cell="rnn", hidden_size=11, bidirectional=True, merge="mul"),
        _spec("back", input=9, layers=[{"cell": "lstm", "hidden_size": 11, "reverse": True, "norm": "rms"}]),
        _spec("normed", input=9, cell="rnn", hidden_size=11, norm="layer"),
        _spec("layers", input=11, cell="lstm", layers=_LAYERS),
        _spec("linear", input=9, cell="gru", layers=[{"hidden_size": 11}, {"kind": "linear", "size": 7}]),
        _spec(
            "forget",
            input=9,
            cell={"kind": "lstm", "forget_bias": 1.0},
            hidden_size=11,
            init={"kind": "uniform", "range": 0.3},
        ),
        _spec("zoned", input=9, cell="gru", hidden_size=11, dropout={"zoneout": 0.2}),
        _spec("tied", input=_TOKENS, cell="lstm", hidden_size=11, head="tied"),
    )
}

MUTANTS: list[Mutant] = []


def mutant(spec: str, by: str) -> Callable[[Plant], Plant]:
    """Add a function that plants a bug to the list."""

    def add(plant: Plant) -> Plant:
        MUTANTS.append(Mutant(plant.__name__.replace("_", " "), spec, by, plant))
        return plant

    return add


def _around(patch: Patch, owner: Any, name: str, wrong: Callable[..., Any]) -> None:
    """Replace owner.name by `wrong`, which is given the original first."""
    original = getattr(owner, name)

    def replaced(*args: Any, **kwargs: Any) -> Any:
        return wrong(original, *args, **kwargs)

    patch.setattr(owner, name, replaced)


# Cells.


@mutant("lstm", "engines")
def gates_swapped_in_a_step(patch: Patch) -> None:
    def wrong(step: Any, self: LSTM, u: Tensor, state: Any, const: Any) -> Any:
        H = self.hidden_size
        kept, U, W_hr, mask = const
        order = [*range(H, 2 * H), *range(H), *range(2 * H, 4 * H)]
        return step(self, u[:, order], state, (kept, U[:, order], W_hr, mask))

    _around(patch, LSTM, "step", wrong)


@mutant("gru", "engines")
def bias_of_the_candidate_outside_the_reset(patch: Patch) -> None:
    patch.setattr(GRU, "_candidate_bias", lambda self: None)


@mutant("gru", "engines")
def update_gate_the_other_way_round(patch: Patch) -> None:
    def wrong(step: Any, self: GRU, u: Tensor, state: Any, const: Any) -> Any:
        H = self.hidden_size
        kept, U, b_n, mask = const
        flip = torch.ones_like(u[0])
        flip[H : 2 * H] = -1
        return step(self, u * flip, state, (kept, U * flip, b_n, mask))

    _around(patch, GRU, "step", wrong)


@mutant("relu", "engines")
def nonlinearity_ignored_by_the_kernel(patch: Patch) -> None:
    patch.setattr(torch, "rnn_relu", torch.rnn_tanh)


@mutant("lstm", "engines")
def kernel_with_a_wrong_gradient(patch: Patch) -> None:
    def wrong(kernel: Any, self: LSTM, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        return kernel(self, 0.5 * x + 0.5 * x.detach(), *args, **kwargs)

    _around(patch, LSTM, "kernel", wrong)


@mutant("lstm", "gradcheck")
def cell_state_detached_in_a_step(patch: Patch) -> None:
    def wrong(step: Any, self: LSTM, u: Tensor, state: Any, const: Any) -> Any:
        return step(self, u, {**state, "c": state["c"].detach()}, const)

    _around(patch, LSTM, "step", wrong)


@mutant("gru", "gradient_flow")
def parameter_never_used(patch: Patch) -> None:
    def wrong(init: Any, self: GatedCell, *args: Any) -> None:
        init(self, *args)
        self.unused = nn.Parameter(torch.zeros(3))

    _around(patch, GatedCell, "__init__", wrong)


@mutant("forget", "options")
def forget_bias_ignored(patch: Patch) -> None:
    patch.setattr(LSTM, "pin_parameters", lambda self: None)


@mutant("forget", "options")
def range_of_the_init_ignored(patch: Patch) -> None:
    def wrong(uniform: Any, options: Any) -> Any:
        return uniform(options.model_copy(update={"range": 0.1}))

    _around(patch, zoo.inits.schemes, "uniform", wrong)


@mutant("layers", "precision")
def state_in_the_dtype_of_the_parameters(patch: Patch) -> None:
    patch.setattr(StateSpec, "dtype", lambda self, parameters: parameters)


# States.


@mutant("both", "state_default")
def incoming_state_ignored(patch: Patch) -> None:
    _around(patch, Model, "_run", lambda run, self, x, state, *rest: run(self, x, None, *rest))


@mutant("lstm", "chunked")
def cell_state_zeroed_at_chunk_borders(patch: Patch) -> None:
    def wrong(run: Any, self: Model, x: Tensor, state: Any, *rest: Any) -> Any:
        if isinstance(state, tuple):
            state = (state[0], torch.zeros_like(state[1]))
        return run(self, x, state, *rest)

    _around(patch, Model, "_run", wrong)


@mutant("gru", "chunked")
def state_detached_between_chunks(patch: Patch) -> None:
    def wrong(run: Any, self: Model, x: Tensor, state: Any, *rest: Any) -> Any:
        return run(self, x, state.detach() if isinstance(state, Tensor) else state, *rest)

    _around(patch, Model, "_run", wrong)


@mutant("lstm", "state_default")
def layers_swapped_in_the_torch_layout(patch: Patch) -> None:
    def wrong(stacked: Any, self: Any, state: Any, *rest: Any) -> dict[str, Tensor]:
        found: dict[str, Tensor] = stacked(self, state, *rest)
        return {name: t.flip(0) for name, t in found.items()}

    _around(patch, zoo.state_layout.TorchLayout, "stacked", wrong)


@mutant("lstm", "stepwise")
def states_of_all_steps_one_late(patch: Patch) -> None:
    def wrong(recur: Any, *args: Any, **kwargs: Any) -> Any:
        output, state, states, *rest = recur(*args, **kwargs)
        late = states and {name: t.roll(1, 1) for name, t in states.items()}
        return zoo.engine.recurrence.Pass(output, state, late, *rest)

    _around(patch, zoo.engine.layer, "recur", wrong)


@mutant("gru", "stepwise")
def step_starts_anew(patch: Patch) -> None:
    _around(patch, Model, "step", lambda step, self, x, state=None, **rest: step(self, x, None, **rest))


@mutant("gru", "reset")
def reset_ignored(patch: Patch) -> None:
    patch.setattr(zoo.arguments, "check_reset", lambda reset, x: None)


@mutant("both", "reset")
def reset_flipped_as_values_are(patch: Patch) -> None:
    def wrong(gaps: Any, reset: Tensor, lengths: Tensor | None) -> Tensor:
        order = zoo.engine.sequence.reversal(lengths, reset.shape[1], reset.device)
        return zoo.engine.sequence.take(reset, order)

    _around(patch, zoo.engine.sequence, "gaps_backwards", wrong)


@mutant("layers", "reset")
def reset_to_zeros_where_the_state_is_learned(patch: Patch) -> None:
    def wrong(start: Any, *args: Any, learned: Any = None, **kwargs: Any) -> Any:
        return start(*args, learned=None, **kwargs)

    # The layer's own start is right, the engine's after a reset is not.
    original = zoo.engine.layer._initial
    right = zoo.engine.layer.start_state

    def initial(*args: Any) -> Any:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(zoo.engine.layer, "start_state", right)
            return original(*args)

    _around(patch, zoo.engine.layer, "start_state", wrong)
    patch.setattr(zoo.engine.layer, "_initial", initial)


@mutant("lstm", "reset")
def reset_leaves_one_state_alone(patch: Patch) -> None:
    def wrong(start: Any, cell: Any, *args: Any, **kwargs: Any) -> Any:
        found = start(cell, *args, **kwargs)
        return {name: t + 0.1 if name == "c" else t for name, t in found.items()}

    _around(patch, zoo.engine.recurrence, "start_state", wrong)
    _around(patch, zoo.engine.layer, "start_state", wrong)
    patch.setattr(zoo.engine.layer, "_initial", _plain_initial)


def _plain_initial(cell: Any, learned: Any, batch: int, device: Any, dtype: Any) -> Any:
    return {
        name: torch.full((batch, *s.shape), s.start, dtype=s.dtype(dtype), device=device)
        for name, s in cell.states.items()
    }


# Rows, steps and padding.


@mutant("gru", "batch_independence")
def rows_mixed_by_their_mean(patch: Patch) -> None:
    _around(patch, Linear, "forward", lambda forward, self, x: forward(self, x - 1e-3 * x.mean(0, keepdim=True)))


@mutant("gru", "batch_independence")
def batch_and_time_transposed(patch: Patch) -> None:
    patch.setattr(Features, "forward", lambda self, x: x.transpose(0, 1).reshape(x.shape))


@mutant("linear", "causality")
def step_of_the_future_leaked(patch: Patch) -> None:
    _around(patch, LinearLayer, "forward", lambda f, self, x, *rest: f(self, x + 0.01 * x.roll(-1, 1), *rest))


@mutant("layers", "causality")
def norm_over_time_too(patch: Patch) -> None:
    def wrong(self: LayerNorm, x: Tensor) -> Tensor:
        assert self.weight is not None
        return (x - x.mean((1, 2), keepdim=True)) / (x.std((1, 2), keepdim=True) + 1e-5) * self.weight + self.bias

    patch.setattr(LayerNorm, "forward", wrong)


@mutant("last", "padding_invariance")
def final_output_at_the_padded_last_step(patch: Patch) -> None:
    patch.setattr(Last, "forward", lambda self, y, valid, final: y[:, -1])


@mutant("both", "direction")
def final_output_of_both_directions_at_the_last_step(patch: Patch) -> None:
    def wrong(pool: Any, self: Last, y: Tensor, valid: Tensor | None, final: Tensor) -> Tensor:
        lengths = None if valid is None else valid.sum(1)
        return zoo.engine.sequence.at_last(y, lengths)

    _around(patch, Last, "forward", wrong)


@mutant("back", "direction")
def reverse_without_lengths_of_rows(patch: Patch) -> None:
    _around(patch, zoo.engine.sequence, "reversal", lambda f, lengths, steps, device: f(None, steps, device))


@mutant("gru", "padding_invariance")
def lengths_off_by_one(patch: Patch) -> None:
    def wrong(row_lengths: Any, lengths: Any, x: Tensor, *rest: Any) -> Any:
        found, valid = row_lengths(lengths, x, *rest)
        if found is None:
            return found, valid
        found = (found - 1).clamp(min=1)
        return found, zoo.engine.sequence.valid_steps(found, x.shape[1])

    _around(patch, zoo.arguments, "row_lengths", wrong)


@mutant("gru", "padding_invariance")
def mask_off_by_one(patch: Patch) -> None:
    _around(patch, zoo.arguments, "valid_steps", lambda f, lengths, steps: f(lengths + 1, steps))


@mutant("normed", "padding_invariance")
def norm_fills_the_padding(patch: Patch) -> None:
    patch.setattr(RecurrentLayer, "_zeroed", lambda self, output, run: output)


@mutant("mean", "padding_invariance")
def mean_over_the_padding_too(patch: Patch) -> None:
    patch.setattr(Mean, "forward", lambda self, y, valid, final: y.mean(1))


@mutant("max", "padding_invariance")
def max_over_the_padding_too(patch: Patch) -> None:
    patch.setattr(Max, "forward", lambda self, y, valid, final: y.amax(1))


@mutant("attention", "padding_invariance")
def softmax_over_the_padding_too(patch: Patch) -> None:
    _around(patch, Attention, "forward", lambda forward, self, y, valid, final: forward(self, y, None, final))


@mutant("gru", "padding_invariance")
def padding_multiplied_by_zero_instead_of_chosen(patch: Patch) -> None:
    def wrong(zero_where: Any, x: Tensor, keep: Tensor | None) -> Tensor:
        return x if keep is None else x * keep.view(*keep.shape, *(1,) * (x.dim() - 2)).to(x.dtype)

    for module in (zoo.engine.sequence, zoo.model):
        _around(patch, module, "zero_where", wrong)


@mutant("tied", "padding_invariance")
def padding_symbol_learns(patch: Patch) -> None:
    patch.setattr(Tokens, "forward", lambda self, x: F.embedding(x, self.embedding.weight))


@mutant("tied", "padding_invariance")
def padding_symbol_is_not_zero(patch: Patch) -> None:
    patch.setattr(Tokens, "pin_parameters", lambda self: self.embedding.weight.data.fill_(0.1))


@mutant("gru", "padding_invariance")
def packed_rows_in_the_wrong_order(patch: Patch) -> None:
    def wrong(packed_like: Any, packed: Any, output: Tensor, lengths: Tensor) -> Any:
        return packed_like(packed, output.roll(1, 0), lengths)

    _around(patch, zoo.arguments, "packed_like", wrong)


@mutant("both-mul", "direction")
def merge_by_another_rule(patch: Patch) -> None:
    _around(patch, zoo.engine.layer, "_merged", lambda f, ahead, back, merge, axes: f(ahead, back, "sum", axes))


@mutant("both", "direction")
def one_cell_for_both_directions(patch: Patch) -> None:
    def wrong(forward: Any, self: RecurrentLayer, *args: Any) -> LayerOutput:
        if self.reverse_cell is not None:
            self.reverse_cell = self.cell
        return forward(self, *args)

    _around(patch, RecurrentLayer, "forward", wrong)
    patch.setattr(zoo.engine.backends.stack, "possible", lambda layers, run: False)


@mutant("layers", "options")
def residual_forgotten(patch: Patch) -> None:
    def wrong(init: Any, self: RecurrentLayer, *args: Any, residual: bool = False, **kwargs: Any) -> None:
        init(self, *args, residual=False, **kwargs)

    _around(patch, RecurrentLayer, "__init__", wrong)


# Dropout.


@mutant("layers", "repeatable")
def dropout_in_eval(patch: Patch) -> None:
    _around(
        patch,
        zoo.engine.layer,
        "drop",
        lambda f, x, rate, training, variational: f(x, rate, training=True, variational=variational),
    )


@mutant("layers", "dropout")
def dropout_never(patch: Patch) -> None:
    patch.setattr(zoo.engine.layer, "drop", lambda x, rate, training, variational: x)


@mutant("layers", "dropout")
def variational_mask_for_each_step(patch: Patch) -> None:
    _around(
        patch,
        zoo.engine.layer,
        "drop",
        lambda f, x, rate, training, variational: f(x, rate, training=training, variational=False),
    )


@mutant("layers", "dropout")
def rate_taken_for_what_is_kept(patch: Patch) -> None:
    _around(
        patch,
        zoo.engine.layer,
        "drop",
        lambda f, x, rate, training, variational: f(x, rate and 1 - rate, training=training, variational=variational),
    )


@mutant("layers", "dropout")
def weights_never_dropped(patch: Patch) -> None:
    patch.setattr(Context, "drop_weight", lambda self, weight: weight)


@mutant("layers", "dropout")
def recurrent_dropout_never(patch: Patch) -> None:
    patch.setattr(Context, "drop_state", lambda self, name: None)


@mutant("zoned", "dropout")
def zoneout_keeps_the_new_instead_of_the_old(patch: Patch) -> None:
    _around(
        patch, zoo.engine.dropout, "zoneout", lambda f, old, new, rate, training: f(new, old, rate, training=training)
    )


# What a run may touch, and what is saved.


@mutant("gru", "repeatable")
def input_modified_in_place(patch: Patch) -> None:
    def wrong(self: Features, x: Tensor) -> Tensor:
        with torch.no_grad():
            x.add_(1e-3)
        return x

    patch.setattr(Features, "forward", wrong)


@mutant("gru", "repeatable")
def random_state_consumed_in_eval(patch: Patch) -> None:
    def wrong(self: Features, x: Tensor) -> Tensor:
        torch.rand(1)
        return x

    patch.setattr(Features, "forward", wrong)


@mutant("tied", "parameters")
def tied_weights_untied(patch: Patch) -> None:
    def wrong(init: Any, self: Tied, options: Any, input_shape: Any, source: Tokens) -> None:
        init(self, options, input_shape, source)
        own = nn.Embedding(source.embedding.num_embeddings, input_shape[-1])
        self.own = own
        self.source = (_Source(own),)

    class _Source:
        def __init__(self, embedding: nn.Embedding) -> None:
            self.embedding = embedding

    _around(patch, Tied, "__init__", wrong)


@mutant("tied", "state_dict")
def tied_weights_remembered_instead_of_shared(patch: Patch) -> None:
    def wrong(self: Tied, x: Tensor) -> Tensor:
        if not hasattr(self, "_kept"):
            object.__setattr__(self, "_kept", self.source[0].embedding.weight.detach().clone())
        return F.linear(x, self._kept, self.bias)

    patch.setattr(Tied, "forward", wrong)


@mutant("gru", "seed")
def seed_ignored(patch: Patch) -> None:
    @contextlib.contextmanager
    def wrong(seed: int | None, device: torch.device) -> Iterator[None]:
        yield

    patch.setattr(zoo.builder, "_seeded", wrong)


@mutant("gru", "seed")
def seed_set_in_the_global_state(patch: Patch) -> None:
    @contextlib.contextmanager
    def wrong(seed: int | None, device: torch.device) -> Iterator[None]:
        if seed is not None:
            torch.manual_seed(seed)
        yield

    patch.setattr(zoo.builder, "_seeded", wrong)


@mutant("linear", "gradcheck")
def numbers_rounded_to_single_precision(patch: Patch) -> None:
    _around(patch, LinearLayer, "forward", lambda f, self, x, *rest: f(self, x.float().to(x.dtype), *rest))


# Figures.


@mutant("tied", "summary")
def summary_counts_shared_weights_twice(patch: Patch) -> None:
    def wrong(summarise: Any, *args: Any, **kwargs: Any) -> Any:
        found = summarise(*args, **kwargs)
        return replace(found, parameters=found.parameters + 11 * 30)

    _around(patch, zoo.summaries, "summarise", wrong)


@mutant("gru", "parameters")
def description_with_one_bias(patch: Patch) -> None:
    def wrong(describe: Any, *args: Any) -> Any:
        found = describe(*args)
        return replace(found, parameters=found.parameters - 33)

    _around(patch, zoo.cells.options, "describe_gru", wrong)


@mutant("gru", "summary")
def description_counts_biases_as_multiply_adds(patch: Patch) -> None:
    def wrong(describe: Any, *args: Any) -> Any:
        found = describe(*args)
        return replace(found, macs_per_step=found.parameters)

    _around(patch, zoo.cells.options, "describe_gru", wrong)


@mutant("gru", "shapes")
def last_step_left_out(patch: Patch) -> None:
    def wrong(forward: Any, self: Linear, x: Tensor) -> Tensor:
        y: Tensor = forward(self, x)
        return y[:, :-1] if y.shape[1] > 1 else y

    _around(patch, Linear, "forward", wrong)


@mutant("relu", "finite")
def output_grows_without_bound(patch: Patch) -> None:
    def wrong(kernel: Any, self: RNN, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        y, *after = kernel(self, x, *args, **kwargs)
        return torch.exp(y * torch.arange(y.shape[1], dtype=y.dtype).view(1, -1, 1)), *after

    _around(patch, RNN, "kernel", wrong)


# Running them.


@cache
def sound(name: str) -> dict[str, str]:
    """The checks that fail for a spec without any bug: none, if all is well."""
    return _failures(name)


@cache
def caught(bug: Mutant) -> dict[str, str]:
    """The checks that fail with a bug planted, and why."""
    with pytest.MonkeyPatch.context() as patch:
        bug.plant(patch)
        return _failures(bug.spec)


def _failures(name: str) -> dict[str, str]:
    subject = Subject(library.load(SPECS[name]).spec, torch.device("cpu"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcomes = [run(subject, record) for record in select()]
    return {outcome.check: outcome.reason for outcome in outcomes if outcome.status == "failed"}


def table() -> str:
    """Mutant -> checks that caught it."""
    width = max(len(bug.name) for bug in MUTANTS)
    lines = [f"{bug.name:<{width}}  {bug.spec:<9}  {', '.join(caught(bug)) or 'NOT CAUGHT'}" for bug in MUTANTS]
    found = sum(bool(caught(bug)) for bug in MUTANTS)
    return "\n".join([*lines, f"{found} of {len(MUTANTS)} planted bugs caught"])


if __name__ == "__main__":
    print(table())  # noqa: T201 - this is what it is for
