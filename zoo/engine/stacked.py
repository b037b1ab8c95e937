"""Plain layers of one cell by a single call of its kernel: what torch's own stacked modules do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from zoo.engine.layer import LayerOutput
from zoo.engine.precision import in_full, is_half, widened, with_wide_weights
from zoo.engine.recurrence import Run
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.engine.tracing import is_tracing


def possible(layers: Sequence[RecurrentLayer], run: Run) -> bool:
    """Whether these layers, in this run, are what one kernel can do."""
    if is_tracing():
        return False
    if run.engine not in ("auto", "fused") or run.valid is not None or run.reset is not None or run.all_states:
        return False
    key, both = layers[0].cell.kernel_key, layers[0].reverse_cell is not None
    return key is not None and all(
        layer.cell.kernel_key == key and (layer.reverse_cell is not None) == both and _plain(layer) for layer in layers
    )


def run(layers: Sequence[RecurrentLayer], x: Tensor, state: Mapping[str, Tensor], run: Run) -> LayerOutput:
    """Layers for which it is possible: the last one's output, and the state (layers * directions, B, ...) by name."""
    both = layers[0].reverse_cell is not None
    cells = [cell for layer in layers for cell in (layer.cell, layer.reverse_cell) if cell is not None]
    if is_half(x):  # as in the run of one layer
        with in_full(x.device.type):
            wide = [with_wide_weights(cell, lambda wide: wide) for cell in cells]
            y, after = cells[0].fused_stack(wide, widened(x), state, layers=len(layers))
    else:
        y, after = cells[0].fused_stack(cells, x, state, layers=len(layers))
    y = y.to(x.dtype)
    final = None
    if run.final and both:
        half = y.shape[2] // 2
        final = torch.cat([y[:, -1, :half], y[:, 0, half:]], 1)
    return LayerOutput(y, {name: value.to(state[name].dtype) for name, value in after.items()}, final)


def _plain(layer: RecurrentLayer) -> bool:
    """Nothing stands around the cells or inside their recurrence, and nobody watches them by hooks."""
    rates = layer.dropout
    drops = rates.input or rates.between or rates.output or rates.recurrent or rates.weight
    return (
        layer.cell.fusable
        and layer.norm is None
        and layer.initial is None
        and not layer.joined
        and layer.output_projection is None
        and layer.merge == "concat"
        and not (layer.reverse or layer.residual or rates.zoneout or (drops and layer.training))
        and not any(_has_hooks(module) for module in (layer, layer.cell, layer.reverse_cell) if module is not None)
    )


def _has_hooks(module: nn.Module) -> bool:
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )
