"""What goes wrong where a cell or the engine is written without thinking of it: time, rows and padding.

Each rule is a function that asserts what must hold, against numbers that know nothing of the engine; behind it stand the
bugs that fall into its trap, and under each of them it must fail. In the order of the contract's list of traps; the
rest is in `test_engine_traps_states` and `test_engine_traps_kept`. `test_engine_recurrence` has more of these rules
for whole batches of all exotic cells, and `planted` holds the same bugs against the checks of a model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from exotic import EXOTIC, F_IN, Delayed, Fresh, H, Timed, Windowed
from planted.patching import Patch, around, edit
from test_engine_recurrence import LENGTHS, T, batch, expected, run_of, start
from torch import Tensor
from torch.nn import functional as F
from traps import CPU, Bug, Rule, Traps, model_of, same

import zoo.model.embedding
import zoo.model.heads
from zoo.engine import recurrence, sequence
from zoo.engine import recurrent_layer as layers
from zoo.engine.cell import Context
from zoo.engine.recurrence import Run
from zoo.engine.recurrent_layer import RecurrentLayer

traps = Traps()


@pytest.fixture(autouse=True)
def _exact() -> Iterator[None]:
    torch.manual_seed(0)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def both_ways(name: str, *, resets: bool = True) -> None:
    """Padded rows in both directions equal each of their sequences alone, by the cell's reference in NumPy."""
    make, reference = EXOTIC[name]
    cells = [make().eval(), make().eval()]
    layer, data = RecurrentLayer(*cells), batch()
    x = torch.where(data[2], data[0], 0.0) if "observed" in cells[0].uses else data[0]
    y = layer(x, start(layer), run_of(data, resets=resets)).output.detach().numpy()
    for backwards, cell, own in ((False, cells[0], y[..., :H]), (True, cells[1], y[..., H:])):
        alone = expected(cell, reference, data, resets=resets, backwards=backwards)
        np.testing.assert_allclose(own, alone, atol=1e-12, rtol=0)


# A window filled with raw zeros in front of a projection with bias, or not reset.


@traps.rule
def a_window_mixes_steps_through_past_alone() -> None:
    both_ways("window")


@traps.bug
def raw_zeros_in_front_of_the_bias(patch: Patch) -> None:
    def wrong(self: Windowed, x: Tensor, const: Any, ctx: Context) -> Any:
        return sum(self.taps[k] * F.linear(ctx.past(x, k), self.V, self.b) for k in range(3))

    patch.setattr(Windowed, "project", wrong)


@traps.bug
def a_window_that_no_reset_ends(patch: Patch) -> None:
    patch.setattr(Context, "past", lambda self, y, k: y[:, self.window - k : y.shape[1] - k])


# A carried window that keeps inputs from before a reset.


@traps.rule
def what_is_carried_began_with_the_sequence() -> None:
    layer, x = RecurrentLayer(Windowed().eval()), torch.randn(2, 10, F_IN)
    reset = torch.zeros(2, 6, dtype=torch.bool)
    reset[:, 5] = True
    before = layer.init_state(2, device=CPU, dtype=x.dtype)
    state = layer(x[:, :6], before, Run(reset=reset)).state
    assert state["age"].tolist() == [1, 1]
    assert state["past"].tolist() == [[[0.0] * F_IN, row] for row in x[:, 5].tolist()]
    alone = layer(x[:, 5:6], before, Run()).state
    for name, value in alone.items():
        same(state[name], value)
    went_on = layer(x[:, 6:], state, Run()).output.detach().numpy()
    for row in range(2):
        right = EXOTIC["window"][1](layer.cell, x[row, 5:].numpy(), np.ones(5), np.ones(5))
        np.testing.assert_allclose(went_on[row], right[1:], atol=1e-12, rtol=0)


@traps.bug
def inputs_kept_from_before_the_reset(patch: Patch) -> None:
    right = "sequence.zero_where(past, window - slots <= now.unsqueeze(1))"
    edit(patch, recurrence, "_carried", right, "past")


# `fresh` as "the first step of the call" or "no state was given".


@traps.rule
def fresh_is_the_first_step_of_a_sequence() -> None:
    layer, x = RecurrentLayer(Fresh().eval()), torch.randn(1, T, F_IN)
    right = EXOTIC["fresh"][1](layer.cell, x[0].numpy(), np.ones(T), np.ones(T))
    state, outputs = layer.init_state(1, device=CPU, dtype=x.dtype), []
    whole = layer(x, state, Run()).output
    for t in range(T):
        piece = layer(x[:, t : t + 1], state, Run())
        state = piece.state
        outputs.append(piece.output)
    for found in (whole, torch.cat(outputs, 1)):
        np.testing.assert_allclose(found[0].detach().numpy(), right, atol=1e-12, rtol=0)


@traps.bug
def fresh_at_every_call(patch: Patch) -> None:
    around(patch, sequence, "ages", lambda f, before, reset, steps: f(torch.zeros_like(before), reset, steps))


@traps.bug
def never_fresh_where_a_state_was_given(patch: Patch) -> None:
    around(patch, sequence, "ages", lambda f, before, reset, steps: f(before + 1, reset, steps))


# Reverse with `reset` merely flipped.


@traps.rule
def a_reset_stands_between_two_steps() -> None:
    both_ways("delay buffer")
    layer, x = RecurrentLayer(Delayed().eval(), Delayed().eval()), torch.randn(2, T, F_IN)
    before = start(layer)
    plain = layer(x, {name: value[:2] for name, value in before.items()}, Run())
    first = torch.zeros(2, T, dtype=torch.bool)
    first[:, 0] = True
    same(layer(x, plain.state, Run(reset=first)).output, plain.output)


@traps.bug
def resets_flipped_as_values_are(patch: Patch) -> None:
    def wrong(gaps: Tensor, lengths: Tensor | None) -> Tensor:
        return sequence.take(gaps, sequence.reversal(lengths, gaps.shape[1], gaps.device))

    patch.setattr(sequence, "gaps_backward", wrong)


@traps.bug
def an_incoming_state_kept_on_the_way_back(patch: Patch) -> None:
    def wrong(gaps: Any, values: Tensor, lengths: Tensor | None) -> Tensor:
        found: Tensor = gaps(values, lengths)
        return found & (torch.arange(found.shape[1]) > 0) if found.dtype == torch.bool else found

    around(patch, sequence, "gaps_backward", wrong)


# Reverse with `dt` merely flipped.


@traps.rule
def a_gap_stands_between_two_steps() -> None:
    for resets in (False, True):
        both_ways("time and observations", resets=resets)


@traps.bug
def gaps_flipped_as_values_are(patch: Patch) -> None:
    def wrong(dt: Tensor, reset: Tensor | None, lengths: Tensor | None) -> Tensor:
        return sequence.take(dt, sequence.reversal(lengths, dt.shape[1], dt.device))

    patch.setattr(sequence, "dt_backward", wrong)


@traps.bug
def a_gap_from_across_a_reset(patch: Patch) -> None:
    around(patch, sequence, "dt_backward", lambda f, dt, reset, lengths: f(dt, None, lengths))


@traps.bug
def the_last_gap_before_the_first_step_read(patch: Patch) -> None:
    def wrong(right: Any, dt: Tensor, reset: Tensor | None, lengths: Tensor | None) -> Tensor:
        found: Tensor = right(dt, reset, lengths)
        return torch.cat([sequence.at_last(dt, lengths).unsqueeze(1), found[:, 1:]], 1)

    around(patch, sequence, "dt_backward", wrong)


# Resets in padding.


@traps.rule
def a_reset_in_padding_does_nothing() -> None:
    for name, (make, _) in EXOTIC.items():
        layer, data = RecurrentLayer(make().eval(), make().eval()), batch()
        x = torch.where(data[2], data[0], 0.0)
        inside = (*data[:4], data[4] & sequence.valid_steps(data[3], T))
        assert (inside[4] != data[4]).any()
        found, right = (layer(x, start(layer), run_of(one, resets=True)).state for one in (data, inside))
        for key, value in right.items():
            assert torch.equal(found[key], value), name


@traps.bug
def resets_in_padding_taken_at_their_word(patch: Patch) -> None:
    edit(patch, layers, "recur", "reset = reset & valid", "pass")


# Padded dt = 0 in cells that divide by dt.


@traps.rule
def padded_gaps_are_one() -> None:
    layer, data = RecurrentLayer(Timed().eval(), Timed().eval()), batch()
    assert (data[1] == 0).any()
    gradients = []
    for dt in (data[1], torch.where(data[1] == 0, 1.0, data[1])):
        layer.zero_grad()
        layer(torch.where(data[2], data[0], 0.0), start(layer), replace(run_of(data, resets=True), dt=dt))[
            0
        ].sum().backward()
        gradients.append([p.grad for p in layer.parameters()])
    for found, right in zip(*gradients, strict=True):
        assert found is not None
        assert right is not None
        assert found.isfinite().all()
        same(found, right)


@traps.bug
def padded_gaps_left_as_they_are(patch: Patch) -> None:
    edit(patch, layers, "recur", "torch.where(valid, dt, torch.ones_like(dt))", "dt")


# NaN in padding or in what was not observed.


class Rated(Timed):
    """Timed, with a product of x itself, as cells that use `observed` have."""

    def project(self, x: Tensor, const: Any, ctx: Context) -> tuple[Tensor, Tensor, Tensor]:
        u, decay, observed = super().project(x, const, ctx)
        return u, decay + 0.1 * torch.tanh(F.linear(x, self.V)), observed


@traps.rule
def what_is_not_there_is_zero_before_any_product() -> None:
    model, data = model_of(Rated()), batch()
    lengths = torch.tensor(LENGTHS)
    unseen = ~data[2] | ~sequence.valid_steps(lengths, T).unsqueeze(2)
    found = []
    for rubbish in (0.0, torch.nan):
        model.zero_grad()
        x = torch.where(unseen, rubbish, data[0]).requires_grad_()
        output, _ = model(x, lengths=lengths, dt=data[1], observed=data[2])
        output.square().sum().backward()
        found.append([output.detach(), x.grad, *(p.grad for p in model.parameters())])
    for right, other in zip(*found, strict=True):
        assert other is not None
        assert torch.equal(other, right)


@traps.bug
def padding_left_out_of_the_result_only(patch: Patch) -> None:
    edit(patch, layers, "recur", "x = sequence.zero_where(x, valid)", "pass")
    edit(patch, zoo.model.embedding, "embedded", "x = zero_where(x, valid)", "pass")


@traps.bug
def padding_multiplied_by_zero(patch: Patch) -> None:
    def wrong(x: Tensor, keep: Tensor | None) -> Tensor:
        return x if keep is None else x * keep.view(*keep.shape, *(1,) * (x.dim() - 2))

    for module in (sequence, zoo.model.embedding, zoo.model.heads):
        patch.setattr(module, "zero_where", wrong)


@traps.bug
def unobserved_inputs_left_to_the_cell(patch: Patch) -> None:
    edit(patch, zoo.model.embedding, "embedded", "if observed is not None:", "if False:")


@traps.each_rule()
def test_a_rule_holds(rule: Rule) -> None:
    torch.manual_seed(0)
    rule()


@traps.each_bug()
def test_a_trap_is_caught(bug: Bug) -> None:
    bug.is_caught()
