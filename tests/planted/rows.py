"""Bugs in rows, steps and padding."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.nn import functional as F

import zoo.engine.recurrent_layer
import zoo.engine.sequence
import zoo.engine.stacked
import zoo.model.embedding
import zoo.model.heads
import zoo.model.inputs
import zoo.model.layout
import zoo.model.outputs
from zoo.engine.layer import LayerOutput
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.heads.linear import Linear
from zoo.heads.pools import Attention, Last, Max, Mean
from zoo.inputs.features import Features
from zoo.inputs.tokens import Tokens
from zoo.layers.linear import LinearLayer
from zoo.layers.norms import LayerNorm

from .patching import Patch, around
from .suite import mutant


@mutant("gru", "batch_independence")
def rows_mixed_by_their_mean(patch: Patch) -> None:
    around(patch, Linear, "forward", lambda forward, self, x: forward(self, x - 1e-3 * x.mean(0, keepdim=True)))


@mutant("gru", "batch_independence")
def batch_and_time_transposed(patch: Patch) -> None:
    patch.setattr(Features, "forward", lambda self, x: x.transpose(0, 1).reshape(x.shape))


@mutant("linear", "causality")
def step_of_the_future_leaked(patch: Patch) -> None:
    around(patch, LinearLayer, "forward", lambda f, self, x, *rest: f(self, x + 0.01 * x.roll(-1, 1), *rest))


@mutant("gru", "causality")
def features_of_the_next_step(patch: Patch) -> None:
    around(patch, Features, "forward", lambda f, self, x: f(self, x).roll(-1, 1))


@mutant("tied", "causality")
def symbols_from_the_end(patch: Patch) -> None:
    around(patch, Tokens, "forward", lambda f, self, x: f(self, x.flip(1)))


@mutant("layers", "causality")
def norm_over_time_too(patch: Patch) -> None:
    def wrong(self: LayerNorm, x: Tensor, valid: Tensor | None = None) -> Tensor:
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

    around(patch, Last, "forward", wrong)


@mutant("back", "direction")
def reverse_without_lengths_of_rows(patch: Patch) -> None:
    around(patch, zoo.engine.sequence, "reversal", lambda f, lengths, steps, device: f(None, steps, device))


@mutant("gru", "padding_invariance")
def lengths_off_by_one(patch: Patch) -> None:
    def wrong(sequence_lengths: Any, lengths: Any, x: Tensor, *rest: Any, **ended: Any) -> Any:
        found, valid = sequence_lengths(lengths, x, *rest, **ended)
        if found is None:
            return found, valid
        found = (found - 1).clamp(min=1)
        return found, zoo.engine.sequence.valid_steps(found, x.shape[1])

    around(patch, zoo.model.inputs, "sequence_lengths", wrong)


@mutant("gru", "padding_invariance")
def mask_off_by_one(patch: Patch) -> None:
    around(patch, zoo.model.inputs, "valid_steps", lambda f, lengths, steps: f(lengths + 1, steps))


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
    around(patch, Attention, "forward", lambda forward, self, y, valid, final: forward(self, y, None, final))


@mutant("gru", "padding_invariance")
def padding_multiplied_by_zero_instead_of_chosen(patch: Patch) -> None:
    def wrong(zero_where: Any, x: Tensor, keep: Tensor | None) -> Tensor:
        return x if keep is None else x * keep.view(*keep.shape, *(1,) * (x.dim() - 2)).to(x.dtype)

    for module in (zoo.engine.sequence, zoo.model.embedding, zoo.model.heads):
        around(patch, module, "zero_where", wrong)


@mutant("tied", "padding_invariance")
def padding_symbol_learns(patch: Patch) -> None:
    patch.setattr(Tokens, "forward", lambda self, x: F.embedding(x, self.embedding.weight))


@mutant("tied", "padding_invariance")
def padding_symbol_is_not_zero(patch: Patch) -> None:
    patch.setattr(Tokens, "set_fixed_parameters", lambda self: self.embedding.weight.data.fill_(0.1))


@mutant("gru", "padding_invariance")
def packed_rows_in_the_wrong_order(patch: Patch) -> None:
    def wrong(packed_like: Any, packed: Any, output: Tensor, lengths: Tensor) -> Any:
        return packed_like(packed, output.roll(1, 0), lengths)

    around(patch, zoo.model.outputs, "packed_like", wrong)


@mutant("both-mul", "direction")
def merge_by_another_rule(patch: Patch) -> None:
    around(
        patch, zoo.engine.recurrent_layer, "_merged", lambda f, ahead, back, merge, axes: f(ahead, back, "sum", axes)
    )


@mutant("both", "direction")
def one_cell_for_both_directions(patch: Patch) -> None:
    def wrong(forward: Any, self: RecurrentLayer, *args: Any) -> LayerOutput:
        if self.reverse_cell is not None:
            self.reverse_cell = self.cell
        return forward(self, *args)

    around(patch, RecurrentLayer, "forward", wrong)
    patch.setattr(zoo.engine.stacked, "possible", lambda layers, run: False)


@mutant("layers", "options")
def residual_forgotten(patch: Patch) -> None:
    def wrong(init: Any, self: RecurrentLayer, *args: Any, residual: bool = False, **kwargs: Any) -> None:
        init(self, *args, residual=False, **kwargs)

    around(patch, RecurrentLayer, "__init__", wrong)
