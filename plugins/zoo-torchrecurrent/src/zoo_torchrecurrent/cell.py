"""One cell for all of torchrecurrent's: it holds the library's module, and lets it take each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torchrecurrent  # type: ignore[import-untyped]
from torch import Tensor
from torch.func import functional_call

import zoo
from zoo_torchrecurrent.options import CellOptions


class TorchRecurrent(zoo.Cell):
    """A cell of torchrecurrent.

    Parameters: those of its module, `module.weight_ih` and so on, so that a torchrecurrent cell's `state_dict` loads
    into `cell.module`. States: by torchrecurrent's names, `h` and `c`, each (hidden_size,); "y" is the output where it
    is none of them, "x" the last input, "past" (delay, hidden_size) the states of the last steps, the oldest first.
    """

    module: torch.nn.Module

    def __init__(self, options: CellOptions, input_shape: tuple[int, ...], hidden_size: int) -> None:
        super().__init__()
        self.options, self.entry = options, options.entry
        inputs = self.entry.fit(input_shape, hidden_size)
        self.input_shape, self.output_shape = input_shape, (hidden_size,)
        self.hidden_size = hidden_size
        shapes = self.entry.state_shapes(inputs, hidden_size, getattr(options, "delay", 0))
        held = self.entry.held
        self.states = {name: zoo.StateSpec(shape, zoneout=name in held) for name, shape in shapes.items()}
        self.uses = frozenset({"weight_dropout"}) if self.entry.drops else frozenset()
        build = getattr(torchrecurrent, self.entry.module)
        # It puts its parameters on the CPU unless it is told, whatever torch's default device is, and takes the default
        # dtype of the process, which may not be the model's.
        place = {"device": torch.get_default_device(), "dtype": torch.empty(0).dtype}
        self.module = build(inputs, hidden_size, **options.arguments(), **place)
        self.recurrent = frozenset(weight.name for weight in self.entry.parts() if weight.columns == "H")
        for weight in self.entry.parts():
            if not options.has(weight.name):
                # torchrecurrent keeps a bias that is switched off as a buffer, which a checkpoint would switch on.
                off = torch.zeros_like(getattr(self.module, weight.name))
                self.module.register_buffer(weight.name, off, persistent=False)

    def constants(self, ctx: zoo.Context) -> Any:
        """Every tensor of the module: handed to its step from outside, they are the same to every engine."""
        tensors = self._tensors()
        return tuple(ctx.drop_weight(t) if name in self.recurrent else t for name, t in tensors.items())

    def step(self, u: Tensor, state: Mapping[str, Tensor], const: Any) -> dict[str, Tensor]:
        names = self.entry.states.split()
        tensors = dict(zip(self._tensors(), const, strict=True))
        old = [state[name] for name in names]
        given = (u, old[0] if len(old) == 1 else tuple(old))
        if self.entry.delay:
            past = state["past"]
            h = functional_call(self.module, tensors, (*given, past[:, 0]))
            return {"h": h, "past": torch.cat([past[:, 1:], old[0].unsqueeze(1)], 1)}
        found = functional_call(self.module, tensors, given)
        output, new = found if self.entry.aside else (None, found)
        after = dict(zip(names, new if len(names) > 1 else [new], strict=True))
        return after if output is None else {"y": output, **after}

    def reset_parameters(self) -> None:
        self.module.reset_parameters()  # type: ignore[operator]
        with torch.no_grad():
            for name, tensor in self._tensors().items():
                if not self.options.has(name):
                    tensor.zero_()  # its bias_init starts a bias that is switched off too
                elif name in self.entry.choices:
                    tensor.fill_(getattr(self.options, name))  # set in the constructor alone

    def roles(self) -> Mapping[str, zoo.Role]:
        found = {}
        for weight in self.entry.parts():
            bias = weight.name.startswith("bias")
            if (weight.matrix or bias) and self.options.has(weight.name):
                kind = "bias" if bias else "recurrent" if weight.columns == "H" else "input"
                forget = "f" if "f" in weight.gates else None
                found[f"module.{weight.name}"] = zoo.Role(kind, tuple(weight.gates), forget)  # type: ignore[arg-type]
        return found

    def extra_repr(self) -> str:
        return f"{self.input_shape[0]}, {self.hidden_size}"

    def _tensors(self) -> dict[str, Tensor]:
        return {**dict(self.module.named_parameters()), **dict(self.module.named_buffers())}
