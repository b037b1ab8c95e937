"""torchrecurrent's tauGRU layer, the one of its layers that does more than run its cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torchrecurrent  # type: ignore[import-untyped]
from torch import Tensor

import zoo


class TauGRU(zoo.Layer):
    """torchrecurrent's own layer, with its own loop: it keeps the delayed states of a call to itself.

    Parameters: those of its module, `module.cells.0.weight_ih` and so on. States: h (hidden_size,).
    """

    def __init__(self, options: Any, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        inputs = options.entry.fit(input_shape, options.hidden_size)
        self.output_shape = (options.hidden_size,)
        self.module = torchrecurrent.tauGRU(
            inputs,
            options.hidden_size,
            batch_first=True,
            delay=options.delay,
            **options.arguments(),
            device=torch.get_default_device(),
            dtype=torch.empty(0).dtype,
        )

    def init_state(self, batch: int, *, device: torch.device, dtype: torch.dtype) -> dict[str, Tensor]:
        wide = torch.float64 if dtype == torch.float64 else torch.float32
        return {"h": torch.zeros(batch, *self.output_shape, device=device, dtype=wide)}

    def forward(self, x: Tensor, state: Mapping[str, Tensor], run: zoo.Run) -> zoo.LayerOutput:
        """x (B, T, I) to (B, T, H).

        Raises:
            zoo.InputError: for resets, which torchrecurrent's loop has no place for.
        """
        if run.reset is not None:
            raise zoo.InputError("layer 'tr-taugru' cannot reset its state inside a sequence: use the cell 'tr-taugru'")
        h = state["h"]
        y, last = self.module(x, h.to(x.dtype).unsqueeze(0))
        after = last.squeeze(0)
        if run.lengths is not None:  # it reads on through the padding
            end = (run.lengths - 1).clamp(min=0).view(-1, 1, 1).expand(-1, 1, y.shape[2])
            read = (run.lengths > 0).unsqueeze(1)
            after = torch.where(read, y.gather(1, end).squeeze(1), h.to(y.dtype))
        if run.valid is not None:
            y = torch.where(run.valid.unsqueeze(2), y, torch.zeros_like(y))
        states = {"h": y.to(h.dtype)} if run.all_states else None
        return zoo.LayerOutput(y, {"h": after.to(h.dtype)}, states=states)
