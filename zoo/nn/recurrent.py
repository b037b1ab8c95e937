"""Layers of any cell that there is in this process, as one that was just written in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch

from zoo.components import Shape, Traits
from zoo.engine.around import Merge, merged_shape, projected_shape
from zoo.engine.cell import Cell
from zoo.engine.recurrent_layer import RecurrentLayer
from zoo.errors import BuildError, InputError
from zoo.model.factory import Building
from zoo.model.limits import GIBIBYTE
from zoo.nn.keys import Around, InputSize, keys, projected_width, whole
from zoo.nn.layer import CellModel, Made
from zoo.nn.live import Calls, Copies, Live, call, record_of, spec_of
from zoo.plugin.catalogue import UNPACKAGED


class Recurrent(CellModel):
    """Layers of a cell of your own, which needs no record and no package: `Recurrent(MyCell(64, 128))`.

    Everything that comes with a cell of a package comes with it: directions, sequences of several lengths, resets,
    steps one at a time, dropout, engines; `zoo.summary`, `zoo.doctor`, and the contract by `zoo.check`.

    A cell that is given is copied. The copy in the first layer has its values, unless there is a seed or
    an init; the others are initialised afresh, by its `reset_parameters`. Its sizes are what they are: for layers whose
    inputs differ in width, give the class and the sizes, `Recurrent(MyCell, 64, 128, num_layers=2)`, which is then
    called as `MyCell(64, 128)`, and as `MyCell(128, 128)` for the second layer. `zoo.check` then runs on a small copy
    too.

    Args:
        cell (zoo.Cell, class or function): A cell; or what gives one when it is called with an input's size and a
            number of units. A model of a `lambda` cannot be pickled as a whole, as torch says; its `state_dict` can.
        input_size (int): Features at each step of the input, or (channels, height, width). For a class or a function.
        hidden_size (int): Units. For a class or a function.
        num_layers (int): How many layers, one on top of the other. Default: 1.
        bidirectional (bool): Run over the sequence in both directions. Default: False.
        merge ("concat", "sum", "mean" or "mul"): How the outputs of two directions become one. Default: "concat".
        share (str or list of str): Parameters of the cell that both directions share: "all", or their names. Default:
            None.
        dropout (float or mapping): A rate between layers, or rates by kind, as for every class here. Default: 0.0.
        norm (str or mapping): A norm on each layer's output: "layer", "rms" or "batch"; or a mapping.
        residual (bool): Add each layer's input to its output; their widths must be equal. Default: False.
        output_projection (int or mapping): A linear map of each layer's output to this width, or a mapping of `size`
            and `bias`.
        reverse (bool): Run from the last step to the first. Default: False.
        initial_state ("zeros" or "learned"): The state before the first step. Default: "zeros".
        init (str or mapping): How parameters are initialised, as "orthogonal"; as the cell says if not given.
        traits (zoo.Traits): What the cell promises, which `zoo.check` holds it to. Default: zoo.Traits().
        seed (int): Of the parameters, of the given cell's copy too; torch's global random state if not given.
        device (str or torch.device): Where the parameters live; where the cell's do if not given.
        dtype (torch.dtype): Of the parameters; the cell's if not given.
        engine (str): How the recurrence runs, as for `zoo.build`. Default: "auto".
        memory_limit (int): Bytes that parameters may take; None for no limit. Default: 4 GiB.

    Raises:
        InputError: what is given is no cell, or its sizes do not fit the layers. BuildError: a second cell is needed
            and the given one has no `reset_parameters` to initialise it. SpecError: an argument is wrong.

    Shapes:
        x: (B, T, I), batch first, or a `PackedSequence`.
        y: (B, T, width of the cell's output); twice as wide for two directions that are concatenated.
        state: a `zoo.State` of `layers.0.NAME`, ..., each (B, ...); or torch's layout for a cell that says so.

    Example:
        >>> import torch
        >>> import zoo
        >>> from zoo import nn as znn
        >>> class Leaky(zoo.Cell):
        ...     def __init__(self, input_size, hidden_size):
        ...         super().__init__()
        ...         self.input_shape, self.output_shape = (input_size,), (hidden_size,)
        ...         self.states = {"h": zoo.StateSpec((hidden_size,))}
        ...         self.W = torch.nn.Linear(input_size, hidden_size)
        ...     def reset_parameters(self):
        ...         self.W.reset_parameters()
        ...     def project(self, x, const, ctx):
        ...         return torch.tanh(self.W(x))
        ...     def step(self, u, state, const):
        ...         return {"h": 0.9 * state["h"] + 0.1 * u}
        >>> layer = znn.Recurrent(Leaky(5, 7), bidirectional=True)
        >>> y, state = layer(torch.randn(3, 15, 5))
        >>> y.shape
        torch.Size([3, 15, 14])
        >>> zoo.check(layer, checks=["shapes", "causality", "stepwise"]).ok
        True
    """

    def __init__(
        self,
        cell: Cell | Callable[[Any, int], Cell],
        input_size: InputSize | None = None,
        hidden_size: int | None = None,
        num_layers: int = 1,
        *,
        bidirectional: bool = False,
        merge: Merge = "concat",
        share: str | list[str] | None = None,
        dropout: float | Mapping[str, Any] = 0.0,
        norm: str | Mapping[str, Any] | None = None,
        residual: bool = False,
        output_projection: int | Mapping[str, Any] | None = None,
        reverse: bool = False,
        initial_state: Literal["zeros", "learned"] = "zeros",
        init: str | Mapping[str, Any] | None = None,
        traits: Traits = Traits(),  # noqa: B008 - frozen
        seed: int | None = None,
        device: str | torch.device | None = None,
        dtype: torch.dtype | None = None,
        engine: str = "auto",
        memory_limit: int | None = 4 * GIBIBYTE,
    ) -> None:
        around = Around(
            bidirectional, merge, share, dropout, norm, residual, output_projection, reverse, initial_state, init
        )
        live = _live(cell, input_size, hidden_size)
        if isinstance(live, Copies):
            _refuse(live, num_layers, around, seed)
        record = record_of(live.cell, traits)
        size = live.input_shape[0] if len(live.input_shape) == 1 else live.input_shape
        called = f"zoo.nn.Recurrent({type(live.cell).__name__})"
        written = keys(record.name, size, live.hidden_size, num_layers, f"{UNPACKAGED}/{record.name}", around)  # type: ignore[arg-type]
        spec = spec_of(live, record, written, called)
        if isinstance(live, Copies):
            here = _place(live.cell)
            device, dtype = here[0] if device is None else device, here[1] if dtype is None else dtype
        self._adopt(spec, Made(seed, device, dtype, engine, memory_limit))
        if isinstance(live, Copies) and seed is None and init is None:
            first = self.layers[0]
            assert isinstance(first, RecurrentLayer)
            first.cell.load_state_dict(live.cell.state_dict())


def _live(cell: Any, input_size: InputSize | None, hidden_size: int | None) -> Live:
    """Where the cells come from, once what is given is any."""
    if isinstance(cell, Cell):
        if input_size is not None or hidden_size is not None:
            raise InputError("a cell has sizes of its own: give it alone, or its class with input_size and hidden_size")
        for name in ("input_shape", "output_shape", "states"):
            if not hasattr(cell, name):
                raise InputError(f"{type(cell).__name__} sets no {name}, which every cell does in its __init__")
        if any(tensor.device.type == "meta" for tensor in cell.state_dict().values()):
            raise InputError("the cell is on meta, which holds no numbers: make it on another device")
        return Copies(cell, tuple(cell.input_shape), cell.output_shape[0])
    if not callable(cell) or isinstance(cell, torch.nn.Module):
        raise InputError(f"cell must be a zoo.Cell, or a class or function that gives one, not {type(cell).__name__}")
    if input_size is None or hidden_size is None:
        name = getattr(cell, "__name__", "Cell")
        raise InputError(f"{name} is no cell yet: give {name}(...), or input_size and hidden_size to make it with")
    given = input_size if isinstance(input_size, tuple | list) else (input_size,)
    shape: Shape = tuple(whole("input_size", one) for one in given)
    hidden_size = whole("hidden_size", hidden_size)
    with Building(torch.float32, 0):  # one to read from, without a draw from the global random state
        made = call(cell, shape, hidden_size)
    return Calls(made, shape, hidden_size, cell)


def _refuse(live: Copies, num_layers: Any, around: Around, seed: int | None) -> None:
    """Where copies of one cell cannot make the layers."""
    cell, name = live.cell, type(live.cell).__name__
    again = num_layers > 1 if isinstance(num_layers, int) else False
    initialises = type(cell).reset_parameters is not Cell.reset_parameters or not cell.state_dict()
    if (again or around.bidirectional or seed is not None) and not initialises:
        raise BuildError(
            f"{name} does not define reset_parameters, so that another one would be a copy of the first: "
            f"define it, or give the class, as in Recurrent({name}, input_size, hidden_size)"
        )
    merged = merged_shape(cell.output_shape, around.merge, both=around.bidirectional)
    behind = projected_shape(merged, projected_width(around.output_projection))
    if again and tuple(behind) != live.input_shape:
        raise InputError(
            f"the second of {num_layers} layers would get an input of shape {tuple(behind)}, and the {name} that was "
            f"given takes {live.input_shape}: give the class, as in Recurrent({name}, input_size, hidden_size, "
            f"num_layers={num_layers})"
        )


def _place(cell: Cell) -> tuple[torch.device | None, torch.dtype | None]:
    """Where a cell lives, and in which real numbers."""
    tensors = [t for t in (*cell.parameters(), *cell.buffers()) if t.is_floating_point()]
    return (tensors[0].device, tensors[0].dtype) if tensors else (None, None)
