"""What a call of a model of one stack gives: tensors with memory of their own, packed where the input was packed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from zoo.engine.cell import States
from zoo.engine.memory import apart
from zoo.engine.state import State
from zoo.model.layout import NamedLayout, TorchLayout


def own(output: Any, given: Iterable[Tensor], module: nn.Module) -> Any:
    """An output, or several by name, each tensor with memory of its own."""
    if isinstance(output, dict):
        return dict(zip(output, apart([*output.values()], given, module), strict=True))
    return apart([output], given, module)[0]


def handed_out(
    output: Any,
    after: States,
    states: States | None,
    given: Iterable[Tensor],
    layout: NamedLayout | TorchLayout,
    module: nn.Module,
) -> tuple[Any, Any, State | None]:
    """What a run gives, each tensor with memory of its own.

    Args:
        output: Of the layers or the head; of several heads by their names.
        after: The state after the run.
        states: Those of all steps, or None.
        given: What came in, which stays the caller's.
        layout: The form of the state outside.
        module: Whose parameters and buffers are shared with nobody.
    """
    if isinstance(layout, TorchLayout) and states is None:  # which stacks the state anew
        return own(output, given, module), layout.outward(after), None
    if isinstance(output, dict):
        several = [*output.values(), *after.values(), *(states or {}).values()]
        found = apart(several, given, module)
        output, rest = dict(zip(output, found, strict=False)), found[len(output) :]
    else:
        output, *rest = apart([output, *after.values(), *(states or {}).values()], given, module)
    last = dict(zip(after, rest, strict=False))
    together = None if states is None else State(dict(zip(states, rest[len(after) :], strict=True)))
    return output, layout.outward(last), together


def packed_again(packed: PackedSequence, output: Any, lengths: Tensor, pooled: Mapping[str, bool]) -> Any:
    """An output packed as the input was, or several by name; what stands behind a pool stays as it is.

    Args:
        packed: The input.
        output: Of shape (B, T, ...), or (B, ...) behind a pool.
        lengths: Number of valid steps of the output, (B,).
        pooled: Whether a pool stands in front of each head, by name.
    """
    if isinstance(output, dict):
        return {k: v if pooled[k] else packed_like(packed, v, lengths) for k, v in output.items()}
    return output if all(pooled.values()) else packed_like(packed, output, lengths)


def packed_like(packed: PackedSequence, output: Tensor, lengths: Tensor) -> PackedSequence:
    """output (B, T, ...) packed in the order of the input, with which it shares no memory."""
    if packed.sorted_indices is not None:
        order = packed.sorted_indices
        output, lengths = output.index_select(0, order), lengths.index_select(0, order.to(lengths.device))
    again = pack_padded_sequence(output, lengths, batch_first=True)
    indices = (None if t is None else t.clone() for t in (packed.sorted_indices, packed.unsorted_indices))
    return PackedSequence(again.data, again.batch_sizes, *indices)
