"""From where the encoder has ended to where the decoder starts."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zoo.architectures.encoder_decoder.plan import Start
from zoo.engine.cell import States
from zoo.layers.activations import activate


class Bridge(nn.Module):
    """The start of the decoder's states: zeros, states of the encoder, the mean of its output, or a map of these.

    Args:
        starts: How each state starts, by its name.
        widths: Of each of them that a linear map gives.
    """

    def __init__(self, starts: Mapping[str, Start], widths: Mapping[str, int]) -> None:
        super().__init__()
        self.starts = dict(starts)
        self.maps = nn.ModuleDict(
            {
                _key(name): nn.Linear(start.width, widths[name], bias=start.linear.bias)
                for name, start in starts.items()
                if start.linear is not None
            }
        )

    @property
    def zeros(self) -> bool:
        """Whether nothing of the encoder is read."""
        return all(start.rule == "zeros" for start in self.starts.values())

    def extra_repr(self) -> str:
        return ", ".join(f"{name}: {_said(start)}" for name, start in self.starts.items())

    def forward(self, initial: States, state: Mapping[str, Tensor], output: Tensor, lengths: Tensor | None) -> States:
        """The decoder's first states.

        Args:
            initial: Its initial ones, which `zeros` leaves as they are, by name, (B, ...).
            state: Of the encoder, by name.
            output: Of the encoder, shape (B, S, M), zero in padding.
            lengths: Number of valid steps of that, shape (B,), or None.

        Returns:
            Tensors by the names of `initial`.
        """
        found = dict(initial)
        for name, start in self.starts.items():
            if start.rule == "zeros":
                continue
            given = [state[source] for source in start.sources] or [_mean(output, lengths)]
            made = given[0] if len(given) == 1 else torch.cat(given, -1)
            if start.linear is not None:
                linear = self.maps[_key(name)]
                assert isinstance(linear, nn.Linear)
                made = activate(start.linear.activation, linear(made.to(linear.weight.dtype)))
            found[name] = made.to(initial[name].dtype)
        return found


def _mean(output: Tensor, lengths: Tensor | None) -> Tensor:
    """Over the steps that are no padding, where the output is zero."""
    if lengths is None:
        return output.mean(1)
    return output.sum(1) / lengths.to(output.dtype).unsqueeze(1)


def _key(name: str) -> str:
    return name.replace(".", "_")


def _said(start: Start) -> str:
    return start.rule if isinstance(start.rule, str) else f"linear of {start.rule.source}"
