"""An LSTM on sequences of different lengths, against nn.LSTM on a PackedSequence and against its own padded run.

Sequences are from half the steps to all of them long, evenly, in any order. Both sides get a padded batch and give one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from zoo.bench.contests import Heat
from zoo.bench.suites.kernels import torch_twin
from zoo.bench.suites.pairs import paired
from zoo.bench.works import SIZES, Contestant, Size, built, of_zoo

if TYPE_CHECKING:
    from torch import Tensor

GOAL: Final = {"small": 3.5, "medium": 7.0, "long-128": 20.0}
"""At least so many times as fast as the PackedSequence, for training: T = 100, 256 and 2048; that one is narrower than
`long`, where a PackedSequence takes a minute."""
PACKED: Final = "nn.LSTM, packed"


def heats() -> tuple[Heat, ...]:
    found = []
    for size, goal in GOAL.items():
        found.append(paired(f"ragged/lstm/{size}/x1", SIZES[size], PACKED, _packed, sign="as fast", goal=goal))
        found.append(paired(f"ragged/lstm/{size}/x1", SIZES[size], PACKED, _packed, kind="forward", sign="as fast"))
        found.append(paired(f"ragged/lstm/{size}/x1/padding", SIZES[size], "its padded run", _padded, same=False))
    three = paired("ragged/lstm/small/x3", SIZES["small"], PACKED, _packed_3, sign="as fast", goal=GOAL["small"])
    return (*found, three)


def sequence_lengths(size: Size) -> Tensor:
    """(B,), the same ones every time."""
    import torch

    even = torch.linspace(size.steps / 2, size.steps, size.batch).round().long()
    return even[torch.randperm(size.batch, generator=torch.Generator().manual_seed(0))]


def _packed(size: Size, layers: int = 1) -> tuple[Contestant, Contestant]:
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    model = built("lstm", size, layers=layers)
    twin = torch_twin(model, "lstm", size, layers=layers)
    lengths = sequence_lengths(size)

    def run(x: Tensor) -> Tensor:
        packed, _ = twin(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
        output: Tensor = pad_packed_sequence(packed, batch_first=True)[0]
        return output

    return of_zoo(model, lengths=lengths), Contestant(run, tuple(twin.parameters()))


def _packed_3(size: Size) -> tuple[Contestant, Contestant]:
    return _packed(size, layers=3)


def _padded(size: Size) -> tuple[Contestant, Contestant]:
    model = built("lstm", size)
    return of_zoo(model, lengths=sequence_lengths(size)), of_zoo(model)
